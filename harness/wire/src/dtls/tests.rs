//! Real handshakes, and bytes that only look like one.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// UDP payloads of a classic Ethernet pcap, in order. Panics on anything else: these are ours.
fn udp_payloads(name: &str) -> Vec<Vec<u8>> {
    let captures: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../corpus/captures"].iter().collect();
    let file = std::fs::read(captures.join(format!("{name}.pcap"))).expect("a capture");
    let mut rest = &file[24..];
    let mut payloads = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let (frame, after) = after.split_at(length);
        rest = after;
        if frame[12..14] == [8, 0] && frame[23] == 17 {
            let ip_header = usize::from(frame[14] & 15) * 4;
            payloads.push(frame[14 + ip_header + 8..].to_vec());
        }
    }
    payloads
}

/// What was read of a session's plain handshake.
#[derive(Debug, Default)]
struct Seen {
    client_hello_lengths: Vec<usize>,
    suite: Option<CipherSuite>,
    version: Option<ProtocolVersion>,
    srtp: Vec<SrtpProfile>,
    certificates: usize,
    cookies: Vec<(Vec<u8>, Vec<u8>)>,
    unified: usize,
    encrypted: usize,
}

impl Seen {
    fn read(name: &str) -> Self {
        let mut seen = Self::default();
        // Both directions share it: only ClientHellos come in pieces here.
        let mut reassembler = Reassembler::new();
        let mut hvr = Vec::new();
        for payload in udp_payloads(name).iter().filter(|p| matches!(p.first(), Some(20..=63))) {
            for record in Records::new(payload) {
                match record {
                    Record::Plaintext(record) if record.is_encrypted() => seen.encrypted += 1,
                    Record::Plaintext(record) => {
                        for fragment in record.handshake() {
                            let fragment = fragment.expect("real fragments are well formed");
                            let done = reassembler.insert(&fragment);
                            if let Some(message) = done.expect("real fragments agree") {
                                seen.message(&message, &mut hvr);
                            }
                        }
                    }
                    Record::Unified(_) => seen.unified += 1,
                    Record::Malformed { error, .. } => panic!("{name}: {error}"),
                }
            }
        }
        seen
    }

    fn message(&mut self, message: &Message, hvr: &mut Vec<u8>) {
        match message.msg_type {
            HandshakeType::CLIENT_HELLO => {
                self.client_hello_lengths.push(message.body.len());
                let hello = ClientHelloView::read(&message.body).expect("a real ClientHello");
                assert!(hello.trailing.is_empty());
                let mut extensions = hello.extensions();
                assert!(extensions.by_ref().count() > 3);
                assert!(extensions.rest().is_empty());
                let srtp = hello.extensions().get(ExtensionType::USE_SRTP);
                self.srtp = srtp
                    .and_then(|e| e.use_srtp())
                    .map_or_else(Vec::new, |s| s.profiles().collect());
                let groups = hello.extensions().get(ExtensionType::SUPPORTED_GROUPS);
                assert!(groups.expect("groups").supported_groups().count() > 0);
                if !hello.cookie.is_empty() {
                    self.cookies.push((hvr.clone(), hello.cookie.to_vec()));
                }
            }
            HandshakeType::HELLO_VERIFY_REQUEST => {
                let view = HelloVerifyRequestView::read(&message.body).expect("a real one");
                *hvr = view.cookie.to_vec();
            }
            HandshakeType::SERVER_HELLO => {
                let hello = ServerHelloView::read(&message.body).expect("a real ServerHello");
                self.suite = Some(hello.cipher_suite);
                self.version = Some(hello.version());
            }
            HandshakeType::CERTIFICATE => {
                let view = CertificateView::read(&message.body).expect("a real Certificate");
                // A DER sequence with a two-byte length.
                self.certificates += view
                    .certificates()
                    .filter(|der| der.starts_with(&[0x30, 0x82]) || der.starts_with(&[0x30, 0x81]))
                    .count();
            }
            _ => {}
        }
    }
}

#[test]
fn real_handshakes_read_as_an_independent_decoder_read_them() {
    // The last number is "ClientHello bytes" of NAME.txt.
    let sessions = [
        ("aiortc-aiortc", ProtocolVersion::DTLS_1_2, 0xc02b),
        ("aiortc-gst", ProtocolVersion::DTLS_1_2, 0xcca9),
        ("chromium-aiortc", ProtocolVersion::DTLS_1_2, 0xc02b),
        ("chromium-chromium", ProtocolVersion::DTLS_1_3, 0x1301),
        ("chromium-firefox", ProtocolVersion::DTLS_1_3, 0x1301),
        ("firefox-firefox", ProtocolVersion::DTLS_1_3, 0x1301),
        ("firefox-ndc", ProtocolVersion::DTLS_1_2, 0xc02b),
        ("pion-pion", ProtocolVersion::DTLS_1_2, 0xc02b),
        ("werift-werift", ProtocolVersion::DTLS_1_2, 0xc02b),
    ];
    for (name, version, suite) in sessions {
        let seen = Seen::read(name);
        assert_eq!(seen.version, Some(version), "{name}");
        assert_eq!(seen.suite, Some(CipherSuite(suite)), "{name}");
        assert!(!seen.client_hello_lengths.is_empty(), "{name}");
        if version == ProtocolVersion::DTLS_1_3 {
            assert!(seen.unified > 60, "{name}: {seen:?}");
        } else {
            assert!(seen.encrypted > 50, "{name}: {seen:?}");
            assert_eq!(seen.certificates, 2, "{name}");
        }
        assert!(seen.cookies.iter().all(|(asked, brought)| asked == brought), "{name}");
    }
}

#[test]
fn chromium_client_hello_in_fragments_has_the_length_the_decoder_counted() {
    // aiortc-chromium.txt: 1413 bytes with a post-quantum key share, in two fragments.
    let seen = Seen::read("aiortc-chromium");
    assert!(seen.client_hello_lengths.contains(&1413), "{seen:?}");
    assert!(seen.srtp.contains(&SrtpProfile::AEAD_AES_128_GCM), "{seen:?}");
}

#[test]
fn length_past_the_datagram_is_shown_and_ends_the_walk() {
    let bytes = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1];
    let error = Error::Record { needed: 22, available: 14 };
    let all: Vec<Record<'_>> = Records::new(&bytes).collect();
    assert_eq!(all, [Record::Malformed { bytes: &bytes, error }]);
}

#[test]
fn unified_header_bits_are_read() {
    let bytes = [0x3f, 1, 2, 0xaa, 0xbb, 0, 2, 7, 8, 0x22, 5, 9, 9];
    let all: Vec<Record<'_>> = Records::with_cid_length(&bytes, 2).collect();
    let [Record::Unified(first), Record::Unified(last)] = all.as_slice() else { panic!("{all:?}") };
    assert!(first.has_cid() && first.has_long_sequence_number() && first.has_length());
    assert_eq!((first.cid, first.epoch_bits()), (&[1, 2][..], 3));
    assert_eq!((first.sequence_number, first.encrypted), (0xaabb, &[7, 8][..]));
    assert_eq!(first.header.len(), 7);
    // Without L the record takes the rest of the datagram.
    assert_eq!((last.sequence_number, last.encrypted), (5, &[9, 9][..]));
    assert_eq!(last.epoch_bits(), 2);
}

#[test]
fn alerts_and_messages_of_1_3_have_their_names() {
    for (number, name) in
        [(86, "inappropriate_fallback"), (112, "unrecognized_name"), (115, "unknown_psk_identity")]
    {
        assert_eq!(AlertDescription(number).to_string(), name);
    }
    assert_eq!(HandshakeType(9).to_string(), "RequestConnectionId");
    assert_eq!(HandshakeType(10).to_string(), "NewConnectionId");
}

#[test]
fn fragment_past_its_message_is_refused() {
    let mut bytes = Vec::new();
    let msg_type = HandshakeType::FINISHED;
    let (length, message_seq, fragment_offset) = (3, 1, 2);
    HandshakeFragment { msg_type, length, message_seq, fragment_offset, body: b"abc" }
        .write(&mut bytes);
    assert_eq!(HandshakeFragment::read(&bytes), Err(Error::FragmentRange { end: 5, length: 3 }));
}

#[test]
fn heartbeat_and_empty_certificate_lists_do_not_trip_the_walk() {
    let view = CertificateView::read(&[0, 0, 0]).expect("an empty list is well formed");
    assert_eq!(view.certificates().count(), 0);
    assert!(CertificateView::read(&[0, 0, 9, 1]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_can_be_walked(bytes in proptest::collection::vec(any::<u8>(), 0..300), first in 20_u8..64) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        let mut reassembler = Reassembler::new();
        for record in Records::with_cid_length(&bytes, 3) {
            if let Record::Plaintext(record) = record {
                let _ = record.alert();
                for fragment in HandshakeFragments::new(record.content).flatten() {
                    let _ = reassembler.insert(&fragment);
                }
            }
        }
        if let Ok(hello) = ClientHelloView::read(&bytes) {
            for extension in hello.extensions() {
                let _ = extension.offered_key_shares().count() + extension.offered_versions().count();
                let _ = (extension.use_srtp(), extension.cookie(), extension.selected_key_share());
            }
        }
        let _ = ServerHelloView::read(&bytes).map(|hello| hello.version());
        let _ = CertificateView::read_1_3(&bytes).map(|view| view.certificates().count());
    }

    #[test]
    fn fragments_read_back_as_written(
        kind in any::<u8>(), message_seq in any::<u16>(), fragment_offset in 0_u32..1000,
        body in proptest::collection::vec(any::<u8>(), 0..100), more in 0_u32..1000,
    ) {
        let length = fragment_offset + u32::try_from(body.len()).expect("short") + more;
        let msg_type = HandshakeType(kind);
        let fragment = HandshakeFragment { msg_type, length, message_seq, fragment_offset, body: &body };
        let mut bytes = Vec::new();
        fragment.write(&mut bytes);
        prop_assert_eq!(HandshakeFragment::read(&bytes), Ok((fragment, &[][..])));
    }
}
