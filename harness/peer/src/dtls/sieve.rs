//! What of a handshake in the clear reaches the library.
//!
//! Before the handshake ends anyone can send records of epoch 0. RFC 6347 §4.1.2.7: invalid records
//! are discarded in silence, and the session is kept. The library queues datagrams by the first
//! fragment in them, so one that never becomes a message keeps those behind it from being read;
//! such fragments are taken out here, and true ones that share their record remain.

use std::borrow::Cow;

use rtcspec_wire::dtls::{
    ContentType, HandshakeFragment, PlaintextRecord, Reassembler, Record, Records,
};

/// Messages of a flight, and of the one behind it: no true fragment is further ahead.
const AHEAD: u16 = 16;

/// Fragments so far, as far as it takes to tell those that fit.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    reassembler: Reassembler,
    /// The message after the last one that was whole.
    next: u16,
}

impl Sieve {
    /// The datagram without fragments that are none; `None` if nothing of it is left.
    pub(super) fn pass<'a>(&mut self, datagram: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (mut out, mut changed) = (Vec::new(), false);
        for record in Records::new(datagram) {
            match record {
                Record::Plaintext(plain) if is_clear_handshake(&plain) => {
                    let kept = self.fragments(&plain);
                    changed |= kept != plain.content;
                    if !kept.is_empty() {
                        write(&plain, &kept, &mut out);
                    }
                }
                Record::Plaintext(plain) => write(&plain, plain.content, &mut out),
                Record::Unified(unified) => {
                    out.extend_from_slice(unified.header);
                    out.extend_from_slice(unified.encrypted);
                }
                Record::Malformed { bytes, .. } => out.extend_from_slice(bytes),
            }
        }
        match (changed, out.is_empty()) {
            (false, _) => Some(Cow::Borrowed(datagram)),
            (true, false) => Some(Cow::Owned(out)),
            (true, true) => None,
        }
    }

    /// The fragments of a record that fit.
    fn fragments(&mut self, record: &PlaintextRecord<'_>) -> Vec<u8> {
        let mut kept = Vec::new();
        for fragment in record.handshake().flatten().filter(|fragment| self.fits(fragment)) {
            fragment.write(&mut kept);
        }
        kept
    }

    fn fits(&mut self, fragment: &HandshakeFragment<'_>) -> bool {
        let ahead = fragment.message_seq.saturating_sub(self.next);
        if ahead > AHEAD || (fragment.body.is_empty() && fragment.length > 0) {
            return false;
        }
        match self.reassembler.insert(fragment) {
            Ok(whole) => {
                if whole.is_some() {
                    self.next = self.next.max(fragment.message_seq.saturating_add(1));
                }
                true
            }
            // A piece that was forged must not keep the whole message out for ever.
            Err(_) if fragment.is_whole() => {
                self.reassembler = Reassembler::new();
                true
            }
            Err(_) => false,
        }
    }
}

fn is_clear_handshake(record: &PlaintextRecord<'_>) -> bool {
    record.content_type == ContentType::HANDSHAKE && !record.is_encrypted()
}

fn write(record: &PlaintextRecord<'_>, content: &[u8], out: &mut Vec<u8>) {
    out.push(record.content_type.0);
    out.extend_from_slice(&record.version.0.to_be_bytes());
    out.extend_from_slice(&record.epoch.to_be_bytes());
    out.extend_from_slice(&record.sequence_number.to_be_bytes()[2..]);
    out.extend_from_slice(record.cid);
    out.extend_from_slice(&u16::try_from(content.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::dtls::HandshakeType;

    use super::*;

    const WHOLE: &[u8] = b"a message of thirty-odd bytes, whole";

    fn fragment(seq: u16, length: usize, at: usize, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |size: usize| u32::try_from(size).expect("small");
        HandshakeFragment {
            msg_type: HandshakeType::CLIENT_HELLO,
            length: number(length),
            message_seq: seq,
            fragment_offset: number(at),
            body,
        }
        .write(&mut out);
        out
    }

    fn record(content: &[u8]) -> Vec<u8> {
        let mut out = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        out.extend(u16::try_from(content.len()).expect("short").to_be_bytes());
        out.extend_from_slice(content);
        out
    }

    fn passes(sieve: &mut Sieve, fragments: &[Vec<u8>]) -> Option<Vec<u8>> {
        sieve.pass(&record(&fragments.concat())).map(Cow::into_owned)
    }

    #[test]
    fn true_handshakes_pass_as_they_are_in_any_pieces() {
        let mut sieve = Sieve::default();
        let (length, cut) = (WHOLE.len(), 10);
        for pieces in [
            vec![fragment(0, length, 0, WHOLE)],
            vec![fragment(1, length, 0, &WHOLE[..cut])],
            vec![fragment(1, length, cut, &WHOLE[cut..]), fragment(2, 0, 0, b"")],
            // The flight again, cut elsewhere.
            vec![fragment(1, length, 0, &WHOLE[..20])],
        ] {
            assert_eq!(passes(&mut sieve, &pieces), Some(record(&pieces.concat())));
        }
    }

    #[test]
    fn pion_cve_2022_29190_empty_fragment_is_taken_out_and_the_true_one_stays() {
        let (empty, whole) = (fragment(0, WHOLE.len(), 0, b""), fragment(0, WHOLE.len(), 0, WHOLE));
        let mut sieve = Sieve::default();
        assert_eq!(passes(&mut sieve, &[empty.clone(), whole.clone()]), Some(record(&whole)));
        assert_eq!(passes(&mut sieve, &[empty]), None);
    }

    #[test]
    fn openssl_cve_2014_3506_claim_of_16_mib_is_taken_out() {
        let mut sieve = Sieve::default();
        assert_eq!(passes(&mut sieve, &[fragment(1, 0xff_ffff, 0, b"x")]), None);
    }

    #[test]
    fn forged_piece_does_not_keep_the_whole_message_out() {
        let mut sieve = Sieve::default();
        let forged = fragment(0, WHOLE.len(), 0, b"another");
        assert_eq!(passes(&mut sieve, std::slice::from_ref(&forged)), Some(record(&forged)));
        let rest = fragment(0, WHOLE.len(), 2, &WHOLE[2..]);
        assert_eq!(passes(&mut sieve, &[rest]), None, "it contradicts what was there");
        let whole = fragment(0, WHOLE.len(), 0, WHOLE);
        assert_eq!(passes(&mut sieve, std::slice::from_ref(&whole)), Some(record(&whole)));
    }

    #[test]
    fn message_that_no_flight_reaches_is_taken_out() {
        let mut sieve = Sieve::default();
        assert_eq!(passes(&mut sieve, &[fragment(17, WHOLE.len(), 0, WHOLE)]), None);
        assert!(passes(&mut sieve, &[fragment(16, WHOLE.len(), 0, WHOLE)]).is_some());
    }
}
