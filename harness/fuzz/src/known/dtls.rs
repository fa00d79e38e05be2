//! Rows about DTLS: fragments, sessions, and when there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_peer::dtls::{Error, Event, Fingerprints, Identity, Options, Role, Session, Versions};
use rtcspec_peer::rng::Rng;
use rtcspec_srtp::Profile;
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::dtls::{
    ClientHelloView, ContentType, ExtensionType, HandshakeFragment, HandshakeFragments,
    HandshakeType, PlaintextRecord, Reassembler, Record, Records,
};

use super::agent::{STRANGER, address};
use super::budget::{MACHINE, SESSION};
use super::link::Link;
use super::{Input, Known, Others};

const SECOND: Duration = Duration::from_secs(1);
const ROW: Known = Known { budget: SESSION, ..Known::USUAL };
const FRAGMENTS: Known = Known { budget: MACHINE, ..Known::USUAL };

/// A handshake fragment: type, length, `message_seq`, offset, body.
const fn fragment(kind: u8, length: u32, seq: u16, at: u32, body: &[u8]) -> HandshakeFragment<'_> {
    HandshakeFragment {
        msg_type: HandshakeType(kind),
        length,
        message_seq: seq,
        fragment_offset: at,
        body,
    }
}

/// What becomes of fragments, one after the other.
fn reassembled<'a>(fragments: impl IntoIterator<Item = HandshakeFragment<'a>>) -> String {
    let mut reassembler = Reassembler::new();
    let outcomes = fragments.into_iter().map(|fragment| match reassembler.insert(&fragment) {
        Ok(None) => "incomplete".to_owned(),
        Ok(Some(message)) => {
            format!("message {} {:?}", message.message_seq, String::from_utf8_lossy(&message.body))
        }
        Err(error) => error.to_string(),
    });
    outcomes.collect::<Vec<_>>().join(", ")
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "dtls/pion-fragments-unbounded",
        row: Some(20),
        source: "pion/dtls CVE-2022-29189",
        cause: "fragments of messages that never end are kept without bound",
        input: Input::Events("the first byte of a thousand messages of 60,000 bytes"),
        right: "16 messages begun, 984 refused, 1040 bytes held",
        others: Others::Run("dtls/fragments-of-many"),
        play: |code, _| {
            let mut kept: BTreeMap<u16, Reassembler> = BTreeMap::new();
            let mut begun = 0;
            for seq in 0..1000 {
                let owner = kept.entry(code.pick(0, seq)).or_default();
                begun += u32::from(owner.insert(&fragment(11, 60_000, seq, 0, b"x")).is_ok());
            }
            let held: usize = kept.values().map(Reassembler::held).sum();
            format!("{begun} messages begun, {} refused, {held} bytes held", 1000 - begun)
        },
        ..FRAGMENTS
    },
    Known {
        id: "dtls/pion-empty-fragment",
        row: Some(21),
        source: "pion/dtls CVE-2022-29190",
        cause: "a fragment of no bytes is gone past by none, for ever",
        input: Input::Bytes(&[
            11, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 11, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 2, b'h', b'i',
        ]),
        right: "incomplete, message 3 \"hi\"",
        others: Others::Run("dtls/empty-fragment"),
        play: |code, input| {
            if code.is_theirs() {
                let (mut at, mut steps) = (0, 0);
                while let Some(&[high, middle, low]) = input.get(at + 9..at + 12) {
                    at += usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                    steps += 1;
                    assert!(steps < 1000, "an endless loop");
                }
            }
            reassembled(HandshakeFragments::new(input).flatten())
        },
        ..FRAGMENTS
    },
    Known {
        id: "dtls/pion-certificate-without-proof",
        row: Some(22),
        source: "pion/dtls CVE-2022-29222",
        cause: "the client's certificate counts although nothing proves that the key is its own",
        input: Input::Events("the client's CertificateVerify is taken out of its flight"),
        right: "client connected: false, server connected: false",
        others: Others::Run("dtls/no-certificate-verify"),
        play: |code, _| {
            let mut ends = Ends::new(Versions::Only12, true);
            let edit = code.pick(without_verify as fn(&[u8]) -> Vec<u8>, <[u8]>::to_vec);
            ends.run(SECOND * 30, edit);
            format!(
                "client connected: {}, server connected: {}",
                ends.client.is_connected(),
                ends.server.is_connected()
            )
        },
        ..ROW
    },
    Known {
        id: "dtls/pion-fingerprint-mismatch",
        row: Some(23),
        source: "pion/webrtc CVE-2021-28681, libpeer #281 (2026)",
        cause: "with the wrong fingerprint the state is failed, and the session is used all the same",
        input: Input::Events("the certificate of the server is not the one announced"),
        right: "refused for its fingerprint, send is refused, 0 records taken",
        others: Others::Run("dtls/wrong-fingerprint"),
        play: |code, _| {
            let mut ends = Ends::new(Versions::Auto, code.is_theirs());
            ends.run(SECOND * 5, <[u8]>::to_vec);
            let sent = match ends.client.send(ends.now, b"hello") {
                Ok(()) => "is taken",
                Err(_) => "is refused",
            };
            let _ = ends.server.send(ends.now, b"hello");
            ends.run(SECOND, <[u8]>::to_vec);
            let refused = ends
                .events
                .iter()
                .any(|event| matches!(event, Event::Failed(Error::Fingerprint { .. })));
            let why = if refused { "refused for its fingerprint" } else { "not refused" };
            let taken = ends.events.iter().filter(|event| matches!(event, Event::Data(_))).count();
            format!("{why}, send {sent}, {taken} records taken")
        },
        ..ROW
    },
    Known {
        id: "dtls/pion-nonce-reuse",
        row: Some(24),
        source: "pion/dtls CVE-2026-26014",
        cause: "nonces of AES-GCM are drawn at random, and repeat",
        input: Input::Events("a thousand records of one side under TLS_..._GCM_..."),
        right: "1000 records, 1000 explicit nonces",
        others: Others::Nobody("rules of the audit look at the nonces of whatever is sent"),
        play: |code, _| {
            let mut ends = Ends::new(Versions::Only12, true);
            ends.run(SECOND * 5, <[u8]>::to_vec);
            let mut nonces = BTreeSet::new();
            let mut records = 0;
            for _ in 0..1000 {
                let _ = ends.client.send(ends.now, b"x");
                while let Some(datagram) = ends.client.poll_transmit() {
                    for record in Records::new(&datagram) {
                        let Record::Plaintext(record) = record else { continue };
                        // As of somebody who has eight bits of randomness in them.
                        let random = code.pick(0..8, 7..8);
                        records += 1;
                        nonces.extend(record.content.get(random).map(<[u8]>::to_vec));
                    }
                }
            }
            format!("{records} records, {} explicit nonces", nonces.len())
        },
        ..ROW
    },
    Known {
        id: "dtls/pion-psk-key-exchange",
        row: Some(25),
        source: "pion/dtls CVE-2026-54908",
        cause: "a ServerKeyExchange of ECDHE_PSK that ends early is sliced: a panic",
        input: Input::Events("ServerHello with a suite of ECDHE_PSK, ServerKeyExchange of 3 bytes"),
        right: "connected: false, handed out: 0 records",
        others: Others::Run("dtls/psk-key-exchange"),
        play: |code, _| {
            let mut ends = Ends::new(Versions::Only12, true);
            let key_exchange = [0xff, 0xff, 3];
            if code.is_theirs() {
                let hint = usize::from(u16::from_be_bytes([key_exchange[0], key_exchange[1]]));
                let _ = &key_exchange[2..2 + hint];
            }
            while ends.client.poll_transmit().is_some() {}
            ends.client.receive(ends.now, &psk_flight(&key_exchange));
            ends.run(SECOND * 2, |_| Vec::new());
            let data = ends.events.iter().filter(|event| matches!(event, Event::Data(_))).count();
            format!("connected: {}, handed out: {data} records", ends.client.is_connected())
        },
        ..ROW
    },
    Known {
        id: "dtls/gnutls-merged-by-type",
        row: Some(26),
        source: "GnuTLS work item 1839",
        cause: "fragments are put together by type, whatever their message_seq: a write past the end",
        input: Input::Events(
            "a piece of a message of 6 bytes, and one at 50,000 of another, longer",
        ),
        right: "incomplete, incomplete, message 3 \"abcdef\"",
        others: Others::Run("dtls/fragments-of-two"),
        play: |code, _| {
            let other = code.pick(4, 3);
            reassembled([
                fragment(11, 6, 3, 0, b"abc"),
                fragment(11, 60_000, other, 50_000, b"x"),
                fragment(11, 6, 3, 3, b"def"),
            ])
        },
        ..FRAGMENTS
    },
    Known {
        id: "dtls/openssl-reserves-claimed",
        row: Some(27),
        source: "OpenSSL CVE-2014-3506",
        cause: "as much room is made for a message as its first fragment claims",
        input: Input::Events("one byte of a message of 16 MiB"),
        right: "reassemble message 3: 16777215 bytes are over the limit",
        others: Others::Run("dtls/fragment-claims-16-mib"),
        budget: crate::case::Budget::DATAGRAM,
        play: |code, _| {
            let fragment = fragment(11, 0xff_ffff, 3, 0, b"x");
            if code.is_theirs() {
                let room = Vec::<u8>::with_capacity(fragment.length as usize);
                std::hint::black_box(room);
            }
            reassembled([fragment])
        },
    },
    Known {
        id: "dtls/openssl-empty-duplicates",
        row: Some(27),
        source: "OpenSSL CVE-2014-3507",
        cause: "each copy of a fragment of no bytes is kept",
        input: Input::Events("ten thousand copies of a fragment of no bytes"),
        right: "0 bytes held",
        others: Others::Run("dtls/empty-fragment"),
        play: |code, _| {
            let mut reassembler = Reassembler::new();
            let mut kept = Vec::new();
            for _ in 0..10_000 {
                let fragment = fragment(11, 6, 3, 0, b"");
                let _ = reassembler.insert(&fragment);
                if code.is_theirs() {
                    kept.push(fragment);
                }
            }
            let held = reassembler.held() + size_of_val(&kept[..]);
            format!("{held} bytes held")
        },
        ..FRAGMENTS
    },
    Known {
        id: "dtls/overlap-contradicts",
        row: None,
        source: "no report known",
        cause: "a fragment that contradicts an earlier one replaces its bytes",
        input: Input::Events("bytes 0 to 2 of a message, then 1 to 5 of which one is another"),
        right: "incomplete, reassemble message 3: fragments differ at byte 2, message 3 \"abcdef\"",
        others: Others::Run("dtls/fragments-contradict"),
        play: |code, _| {
            let second: &[u8] = code.pick(b"bXdef", b"bcdef");
            reassembled([
                fragment(11, 6, 3, 0, b"abc"),
                fragment(11, 6, 3, 1, second),
                fragment(11, 6, 3, 3, b"def"),
            ])
        },
        ..FRAGMENTS
    },
    Known {
        id: "dtls/asterisk-foreign-client-hello",
        row: Some(28),
        source: "Asterisk CVE-2023-49786, FreeSWITCH CVE-2023-51443, RTPEngine, SIPSorcery #1559",
        cause: "a ClientHello from anywhere is answered, and the session belongs to who sent it",
        input: Input::Events("a ClientHello from an address that no check came from"),
        right: "0 datagrams to the stranger, the message arrives",
        others: Others::Nobody("the hostile side has no second socket"),
        play: |code, _| {
            let mut link = Link::open();
            let hello = first_flight();
            for to in [0, 1] {
                link.deliver(to, address(STRANGER), hello.clone());
            }
            link.run(SECOND);
            if code.is_theirs() {
                link.log.push((1, address(STRANGER), hello));
            }
            let strange = link.log.iter().filter(|(_, to, _)| *to == address(STRANGER)).count();
            let arrives = if link.says("still here") { "arrives" } else { "does not arrive" };
            format!("{strange} datagrams to the stranger, the message {arrives}")
        },
        ..ROW
    },
    Known {
        id: "dtls/str0m-early-datagram",
        row: Some(29),
        source: "str0m #495",
        cause: "DTLS comes before the session is made: a panic",
        input: Input::Events("a ClientHello before there is any description"),
        right: "open: true",
        others: Others::Nobody("a case has the peer's address only once there is a session"),
        play: |code, _| {
            let mut link = Link::new();
            let now = link.now;
            let input = rtcspec_peer::io::Receive::Udp {
                local: address("10.0.0.2:50000"),
                remote: address("10.0.0.1:50000"),
                data: first_flight(),
            };
            link.peers[1].receive(now, input);
            if code.is_theirs() {
                link.peers[1].close(now);
            }
            let _ = link.negotiate(|offer| offer);
            link.run(SECOND * 5);
            format!("open: {}", link.is_open())
        },
        ..ROW
    },
    Known {
        id: "dtls/str0m-timeout-loop",
        row: Some(29),
        source: "str0m #1017",
        cause: "a timer that fails is due again at once, for ever",
        input: Input::Events("a ClientHello that nobody answers"),
        right: "failed: true, fewer than 100 steps: true, no timer left: true",
        others: Others::Nobody("the end of a handshake without answer takes minutes"),
        play: |code, _| {
            let mut ends = Ends::new(Versions::Auto, true);
            let mut steps = 0;
            while let Some(wake) = ends.client.wake()
                && steps < code.pick(1000, 2)
            {
                steps += 1;
                ends.now = ends.now.max(wake);
                ends.client.advance(ends.now);
                while ends.client.poll_transmit().is_some() {}
            }
            let told: Vec<Event> = std::iter::from_fn(|| ends.client.poll_event()).collect();
            let failed = matches!(told[..], [Event::Failed(_)]);
            let left = ends.client.wake().is_none();
            format!(
                "failed: {failed}, fewer than 100 steps: {}, no timer left: {left}",
                steps < 100
            )
        },
        ..ROW
    },
    Known {
        id: "dtls/str0m-epoch-ignored",
        row: Some(29),
        source: "str0m 46722bca",
        cause: "a record of another epoch is read as if it were not encrypted",
        input: Input::Bytes(&[
            22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 12, 20, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 0,
        ]),
        right: "encrypted, 0 fragments",
        others: Others::Run("dtls/plain-application-data"),
        play: |code, input| {
            let mut bytes = input.to_vec();
            bytes[4] = code.pick(1, 0);
            let Some(Record::Plaintext(record)) = Records::new(&bytes).next() else {
                return "no record".to_owned();
            };
            let kind = if record.is_encrypted() { "encrypted" } else { "plain" };
            format!("{kind}, {} fragments", record.handshake().count())
        },
        ..Known::USUAL
    },
    Known {
        id: "dtls/srs-before-nomination",
        row: Some(30),
        source: "SRS #4722 c7, libpeer #272 C1, #275 c5 (2026-08)",
        cause: "DTLS begins before a pair is selected",
        input: Input::Events("descriptions are exchanged, and the network loses every check"),
        right: "0 DTLS datagrams in 10 s",
        others: Others::Run("dtls/before-selected-pair"),
        play: |code, _| {
            let mut link = Link::new();
            link.loses = code.pick(|data| Protocol::of(data) == Protocol::Stun, |_| false);
            let _ = link.negotiate(|offer| offer);
            link.run(SECOND * 10);
            format!("{} DTLS datagrams in 10 s", link.dtls())
        },
        ..ROW
    },
    Known {
        id: "dtls/libpeer-fingerprint-changes",
        row: Some(30),
        source: "SRS #4722 c7, libpeer #272 C1, #275 c5 (2026-08)",
        cause: "a second offer has another fingerprint, and the old association goes on",
        input: Input::Events(
            "an open session is offered again with one digit of a=fingerprint changed",
        ),
        // RFC 8842 §5.5: it is another association, whose certificate will not match.
        right: "offered again: Ok(()), the message does not arrive",
        others: Others::Nobody(
            "another fingerprint in a second offer needs a second offer of a case",
        ),
        play: |code, _| {
            let mut link = Link::open();
            let again = link.negotiate(|offer| code.pick(other_fingerprint(&offer), offer.clone()));
            link.run(SECOND * 5);
            let arrives = if link.says("still here") { "arrives" } else { "does not arrive" };
            format!("offered again: {again:?}, the message {arrives}")
        },
        ..ROW
    },
    Known {
        id: "dtls/libpeer-null-profile",
        row: Some(30),
        source: "SRS #4722 c7, libpeer #272 C1, #275 c5 (2026-08)",
        cause: "SRTP_NULL_HMAC_SHA1_80 can be agreed on: media in the clear",
        input: Input::Events(
            "the profiles of our ClientHello, and the two NULL profiles of RFC 5764",
        ),
        right: "offers none of 5 and 6: true, has no cipher for them: true",
        others: Others::Nobody("no case negotiates media yet"),
        play: |code, _| {
            let mut offered = offered_profiles();
            if code.is_theirs() {
                offered.push(5);
            }
            let none = !offered.is_empty() && !offered.iter().any(|number| [5, 6].contains(number));
            let no_cipher = [5, 6].into_iter().all(|number| Profile::from_number(number).is_none());
            format!("offers none of 5 and 6: {none}, has no cipher for them: {no_cipher}")
        },
        ..ROW
    },
];

/// A client and a server with their way between them.
struct Ends {
    client: Session,
    server: Session,
    now: Duration,
    /// What the client told.
    events: Vec<Event>,
}

impl Ends {
    /// Two that begin; the client has been told the right fingerprint or another.
    fn new(versions: Versions, right: bool) -> Self {
        let identities = [Identity::from_seed(1), Identity::from_seed(2), Identity::from_seed(3)];
        let options = Options { versions, ..Options::default() };
        let session = |role, own: usize, other: usize| {
            let peer: Fingerprints =
                [identities[other].fingerprint().clone()].into_iter().collect();
            let rng = Rng::new(own as u64);
            Session::new(Duration::ZERO, role, options, &identities[own], peer, rng)
                .expect("the usual options make a configuration")
        };
        Self {
            client: session(Role::Client, 0, if right { 1 } else { 2 }),
            server: session(Role::Server, 1, 0),
            now: Duration::ZERO,
            events: Vec::new(),
        }
    }

    /// Lets time pass; what the client sends is edited.
    fn run(&mut self, time: Duration, edit: impl Fn(&[u8]) -> Vec<u8>) {
        let end = self.now + time;
        loop {
            let mut is_silent = true;
            while let Some(datagram) = self.client.poll_transmit() {
                is_silent = false;
                let edited = edit(&datagram);
                if !edited.is_empty() {
                    self.server.receive(self.now, &edited);
                }
            }
            while let Some(datagram) = self.server.poll_transmit() {
                is_silent = false;
                self.client.receive(self.now, &datagram);
            }
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
            if !is_silent {
                continue;
            }
            let wakes = [self.client.wake(), self.server.wake()].into_iter().flatten();
            let Some(next) = wakes.min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.client.advance(self.now);
            self.server.advance(self.now);
        }
        self.now = end;
    }
}

/// The bytes of a record.
fn record(kind: u8, epoch: u16, number: u64, content: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 0xfe, 0xfd];
    out.extend(epoch.to_be_bytes());
    out.extend(&number.to_be_bytes()[2..]);
    out.extend((content.len() as u16).to_be_bytes());
    out.extend(content);
    out
}

/// A datagram without `CertificateVerify`.
fn without_verify(datagram: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for found in Records::new(datagram) {
        let Record::Plaintext(plain) = found else { continue };
        if plain.content_type != ContentType::HANDSHAKE || plain.is_encrypted() {
            out.extend(rewritten(&plain, plain.content));
            continue;
        }
        let mut kept = Vec::new();
        for fragment in plain.handshake().flatten() {
            if fragment.msg_type != HandshakeType::CERTIFICATE_VERIFY {
                fragment.write(&mut kept);
            }
        }
        if !kept.is_empty() {
            out.extend(rewritten(&plain, &kept));
        }
    }
    out
}

fn rewritten(plain: &PlaintextRecord<'_>, content: &[u8]) -> Vec<u8> {
    record(plain.content_type.0, plain.epoch, plain.sequence_number, content)
}

/// `ServerHello` with `TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256` (RFC 5489), and its key exchange.
fn psk_flight(key_exchange: &[u8]) -> Vec<u8> {
    let mut hello = vec![0xfe, 0xfd];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x37, 0]);
    let mut content = Vec::new();
    let length = |body: &[u8]| body.len() as u32;
    fragment(2, length(&hello), 0, 0, &hello).write(&mut content);
    fragment(12, length(key_exchange), 1, 0, key_exchange).write(&mut content);
    record(22, 0, 0, &content)
}

/// The first flight of a client that nobody knows.
fn first_flight() -> Vec<u8> {
    let mut ends = Ends::new(Versions::Only12, true);
    ends.client.poll_transmit().unwrap_or_default()
}

/// The SRTP profiles of that flight.
fn offered_profiles() -> Vec<u16> {
    let flight = first_flight();
    let mut reassembler = Reassembler::new();
    for found in Records::new(&flight) {
        let Record::Plaintext(plain) = found else { continue };
        for fragment in plain.handshake().flatten() {
            let Ok(Some(message)) = reassembler.insert(&fragment) else { continue };
            let Ok(hello) = ClientHelloView::read(&message.body) else { continue };
            let srtp = hello.extensions().get(ExtensionType::USE_SRTP);
            let srtp = srtp.and_then(|found| found.use_srtp());
            return srtp.map_or(Vec::new(), |srtp| srtp.profiles().map(|p| p.0).collect());
        }
    }
    Vec::new()
}

/// A description with the first digit of its fingerprint changed.
fn other_fingerprint(offer: &str) -> String {
    const ATTRIBUTE: &str = "a=fingerprint:sha-256 ";
    match offer.find(ATTRIBUTE).map(|at| at + ATTRIBUTE.len()) {
        Some(at) => {
            let digit = if offer[at..].starts_with('0') { "1" } else { "0" };
            format!("{}{digit}{}", &offer[..at], &offer[at + 1..])
        }
        None => offer.to_owned(),
    }
}
