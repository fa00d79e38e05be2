//! Handshake messages from their fragments, RFC 6347 §4.2.3 and RFC 9147 §5.5.

use std::collections::BTreeMap;

use super::HandshakeType;
use super::error::ReassemblyError;
use super::handshake::HandshakeFragment;

/// The longest message taken.
const MAX_MESSAGE: u32 = 64 * 1024;
/// Incomplete messages kept at once; a flight has no more.
const MAX_MESSAGES: usize = 16;
/// Separate pieces of one message kept at once.
const MAX_PIECES: usize = 1024;

/// A whole handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which message.
    pub msg_type: HandshakeType,
    /// Its number.
    pub message_seq: u16,
    /// Its body.
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Partial {
    msg_type: HandshakeType,
    length: u32,
    /// Disjoint pieces by offset.
    pieces: BTreeMap<u32, Vec<u8>>,
    received: u32,
}

/// Joins the fragments of one direction of one handshake. Memory follows what was received, never
/// what a length field claims, and is bounded.
#[derive(Clone, Debug, Default)]
pub struct Reassembler {
    partial: BTreeMap<u16, Partial>,
}

impl Reassembler {
    /// With nothing received.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// About how many bytes are held of messages that are not complete.
    #[must_use]
    pub fn held(&self) -> usize {
        let of = |partial: &Partial| partial.received as usize + 64 * partial.pieces.len();
        self.partial.values().map(of).sum()
    }

    /// Takes a fragment in; gives its message once that is complete. Fragments of one message may
    /// come in any order, overlap and repeat; a message completed earlier can be completed again.
    ///
    /// # Errors
    /// If the fragment contradicts earlier ones or a limit is reached. Nothing of it is kept then.
    pub fn insert(
        &mut self,
        fragment: &HandshakeFragment<'_>,
    ) -> Result<Option<Message>, ReassemblyError> {
        let message_seq = fragment.message_seq;
        if fragment.length > MAX_MESSAGE {
            return Err(ReassemblyError::TooLong { message_seq, length: fragment.length });
        }
        if !self.partial.contains_key(&message_seq) {
            if fragment.is_whole() {
                let body = fragment.body.to_vec();
                return Ok(Some(Message { msg_type: fragment.msg_type, message_seq, body }));
            }
            if self.partial.len() >= MAX_MESSAGES {
                return Err(ReassemblyError::TooManyMessages { message_seq });
            }
        }
        let partial = self.partial.entry(message_seq).or_insert_with(|| Partial {
            msg_type: fragment.msg_type,
            length: fragment.length,
            pieces: BTreeMap::new(),
            received: 0,
        });
        partial.join(fragment)?;
        if partial.received < partial.length {
            return Ok(None);
        }
        let whole = self.partial.remove(&message_seq);
        Ok(whole.map(|whole| Message {
            msg_type: whole.msg_type,
            message_seq,
            body: whole.pieces.into_values().flatten().collect(),
        }))
    }
}

impl Partial {
    fn join(&mut self, fragment: &HandshakeFragment<'_>) -> Result<(), ReassemblyError> {
        let message_seq = fragment.message_seq;
        if (fragment.msg_type, fragment.length) != (self.msg_type, self.length) {
            return Err(ReassemblyError::Mismatch { message_seq });
        }
        let fresh = self.fresh_pieces(fragment)?;
        if self.pieces.len() + fresh.len() > MAX_PIECES {
            return Err(ReassemblyError::TooManyPieces { message_seq });
        }
        for (offset, bytes) in fresh {
            self.received += length(bytes);
            self.pieces.insert(offset, bytes.to_vec());
        }
        Ok(())
    }

    /// The parts of a fragment that are new, after comparing the parts that are not.
    fn fresh_pieces<'f>(
        &self,
        fragment: &HandshakeFragment<'f>,
    ) -> Result<Vec<(u32, &'f [u8])>, ReassemblyError> {
        let message_seq = fragment.message_seq;
        let mut fresh = Vec::new();
        let mut offset = fragment.fragment_offset;
        let mut rest = fragment.body;
        let end = offset + length(rest);
        let before = self.pieces.range(..offset).next_back();
        for (&start, piece) in before.into_iter().chain(self.pieces.range(offset..end)) {
            let gap = start.saturating_sub(offset).min(length(rest)) as usize;
            let (new, known) = rest.split_at(gap);
            if !new.is_empty() {
                fresh.push((offset, new));
                offset += length(new);
            }
            let skip = offset.saturating_sub(start) as usize;
            let old = piece.get(skip..).unwrap_or_default();
            let overlap = old.len().min(known.len());
            if let Some(at) = (0..overlap).find(|&at| old.get(at) != known.get(at)) {
                let offset = offset + length(known.get(..at).unwrap_or_default());
                return Err(ReassemblyError::Conflict { message_seq, offset });
            }
            let (same, after) = known.split_at(overlap);
            offset += length(same);
            rest = after;
        }
        if !rest.is_empty() {
            fresh.push((offset, rest));
        }
        Ok(fresh)
    }
}

/// Lengths here are below 2^24: they come out of fragments.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fragment(length: u32, fragment_offset: u32, body: &[u8]) -> HandshakeFragment<'_> {
        let msg_type = HandshakeType::CERTIFICATE;
        HandshakeFragment { msg_type, length, message_seq: 3, fragment_offset, body }
    }

    #[test]
    fn fragments_in_any_order_with_overlap_make_the_message() {
        let mut reassembler = Reassembler::new();
        assert_eq!(reassembler.insert(&fragment(6, 4, b"ef")), Ok(None));
        assert_eq!(reassembler.insert(&fragment(6, 0, b"ab")), Ok(None));
        let message = reassembler.insert(&fragment(6, 1, b"bcde")).expect("no conflict");
        assert_eq!(message.expect("complete").body, b"abcdef");
    }

    #[test]
    fn overlap_with_other_bytes_is_refused_and_changes_nothing() {
        let mut reassembler = Reassembler::new();
        assert_eq!(reassembler.insert(&fragment(6, 0, b"abc")), Ok(None));
        let conflict = ReassemblyError::Conflict { message_seq: 3, offset: 2 };
        assert_eq!(reassembler.insert(&fragment(6, 1, b"bXdef")), Err(conflict));
        let message = reassembler.insert(&fragment(6, 3, b"def")).expect("no conflict");
        assert_eq!(message.expect("complete").body, b"abcdef");
    }

    #[test]
    fn fragments_of_two_messages_under_one_number_are_refused() {
        // GnuTLS work item 1839 merged them by type.
        let mut reassembler = Reassembler::new();
        assert_eq!(reassembler.insert(&fragment(6, 0, b"abc")), Ok(None));
        let mismatch = ReassemblyError::Mismatch { message_seq: 3 };
        assert_eq!(reassembler.insert(&fragment(60_000, 50_000, b"x")), Err(mismatch));
    }

    #[test]
    fn empty_fragments_make_progress_and_an_empty_message_is_complete() {
        // CVE-2022-29190: a fragment of length zero made a loop endless.
        let mut reassembler = Reassembler::new();
        assert_eq!(reassembler.insert(&fragment(6, 0, b"")), Ok(None));
        assert_eq!(reassembler.insert(&fragment(6, 6, b"")), Ok(None));
        let message = reassembler.insert(&fragment(6, 0, b"abcdef")).expect("no conflict");
        assert_eq!(message.expect("complete").body, b"abcdef");
        let done = reassembler.insert(&fragment(0, 0, b"")).expect("no conflict");
        assert_eq!(done.expect("complete").body, b"");
    }

    #[test]
    fn claims_of_length_cost_nothing_and_have_a_limit() {
        // CVE-2022-29189, CVE-2014-3506: buffers reserved or grown by claims.
        let mut reassembler = Reassembler::new();
        let length = 0xff_ffff;
        let too_long = ReassemblyError::TooLong { message_seq: 3, length };
        assert_eq!(reassembler.insert(&fragment(length, 0, b"a")), Err(too_long));
        for message_seq in 0..16 {
            let fragment = HandshakeFragment { message_seq, ..fragment(60_000, 0, b"a") };
            assert_eq!(reassembler.insert(&fragment), Ok(None));
        }
        let full = ReassemblyError::TooManyMessages { message_seq: 16 };
        let more = HandshakeFragment { message_seq: 16, ..fragment(60_000, 0, b"a") };
        assert_eq!(reassembler.insert(&more), Err(full));
    }

    proptest! {
        #[test]
        fn cutting_a_message_anywhere_gives_it_back(
            body in proptest::collection::vec(any::<u8>(), 1..300),
            cuts in proptest::collection::vec((0_usize..300, 0_usize..80), 0..60),
        ) {
            let total = u32::try_from(body.len()).expect("short");
            let mut reassembler = Reassembler::new();
            let mut done = None;
            for (start, length) in cuts.into_iter().chain([(0, 150), (150, 150)]) {
                let start = start.min(body.len());
                let end = (start + length).min(body.len());
                let offset = u32::try_from(start).expect("short");
                done = reassembler
                    .insert(&fragment(total, offset, &body[start..end]))
                    .expect("no conflict");
                if done.is_some() {
                    break;
                }
            }
            prop_assert_eq!(done.expect("complete").body, body);
        }
    }
}
