//! What of a handshake in the clear reaches the library.
//!
//! Before the handshake ends anyone can send records of epoch 0. RFC 6347 §4.1.2.7: invalid records
//! are discarded in silence, and the session is kept. The library queues datagrams by the first
//! fragment in them, and finds out the version from a first message that is whole, so a piece that
//! never becomes a message keeps true ones from being read. Messages are put together here first.

use std::borrow::Cow;

use rtcspec_wire::dtls::{
    ContentType, HandshakeFragment, PlaintextRecord, Reassembler, Record, Records,
};

/// Messages of a flight, and of the one behind it: no true fragment is further ahead.
const AHEAD: u16 = 16;

/// No true message is longer.
const MAX_MESSAGE: u32 = 64 * 1024;
/// Longer messages go on in the pieces they came in: a record holds 16 KiB.
const LONGEST: u32 = 8 * 1024;

/// Messages that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    reassembler: Reassembler,
    /// The message after the last one that was whole.
    next: u16,
}

impl Sieve {
    /// The datagram with whole messages in place of pieces; `None` if nothing of it is left.
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

    /// The messages that a record brings or completes.
    fn fragments(&mut self, record: &PlaintextRecord<'_>) -> Vec<u8> {
        let mut kept = Vec::new();
        record.handshake().flatten().for_each(|fragment| self.take(&fragment, &mut kept));
        kept
    }

    fn take(&mut self, fragment: &HandshakeFragment<'_>, kept: &mut Vec<u8>) {
        let whole = fragment.is_whole();
        if fragment.message_seq.saturating_sub(self.next) > AHEAD {
            return;
        }
        let message = match self.reassembler.insert(fragment) {
            Ok(message) => message,
            Err(_) => {
                // A piece that was forged must not keep the whole message out for ever.
                if whole {
                    self.reassembler = Reassembler::new();
                }
                None
            }
        };
        if whole || message.is_some() {
            self.next = self.next.max(fragment.message_seq.saturating_add(1));
        }
        match message {
            Some(message) if !whole && fragment.length <= LONGEST => {
                HandshakeFragment { fragment_offset: 0, body: &message.body, ..*fragment }
                    .write(kept);
            }
            _ if whole || (LONGEST..=MAX_MESSAGE).contains(&fragment.length) => {
                fragment.write(kept);
            }
            _ => {}
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
    fn whole_messages_pass_as_they_are_and_pieces_once_they_are_a_message() {
        let mut sieve = Sieve::default();
        let (length, cut) = (WHOLE.len(), 10);
        let first = [fragment(0, length, 0, WHOLE), fragment(1, 0, 0, b"")];
        assert_eq!(passes(&mut sieve, &first), Some(record(&first.concat())));
        // The second flight in pieces that overlap, the last one first.
        assert_eq!(passes(&mut sieve, &[fragment(2, length, cut, &WHOLE[cut..])]), None);
        let rest = [fragment(2, length, 0, &WHOLE[..20]), fragment(3, length, 0, WHOLE)];
        let both = [fragment(2, length, 0, WHOLE), fragment(3, length, 0, WHOLE)].concat();
        assert_eq!(passes(&mut sieve, &rest), Some(record(&both)));
        // And again: a flight that was lost is repeated.
        assert_eq!(passes(&mut sieve, std::slice::from_ref(&both)), Some(record(&both)));
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
        let rest = fragment(0, WHOLE.len(), 2, &WHOLE[2..]);
        assert_eq!(passes(&mut sieve, &[forged, rest]), None, "one contradicts the other");
        let whole = fragment(0, WHOLE.len(), 0, WHOLE);
        assert_eq!(passes(&mut sieve, std::slice::from_ref(&whole)), Some(record(&whole)));
    }

    #[test]
    fn message_that_no_flight_reaches_is_taken_out() {
        let mut sieve = Sieve::default();
        assert_eq!(passes(&mut sieve, &[fragment(17, WHOLE.len(), 0, WHOLE)]), None);
        assert!(passes(&mut sieve, &[fragment(16, WHOLE.len(), 0, WHOLE)]).is_some());
    }

    #[test]
    fn message_too_long_for_a_record_goes_on_in_its_pieces() {
        let mut sieve = Sieve::default();
        let pieces = [fragment(0, 20_000, 0, &[7; 900]), fragment(0, 20_000, 900, &[7; 900])];
        assert_eq!(passes(&mut sieve, &pieces), Some(record(&pieces.concat())));
    }
}
