//! User messages of SCTP from their fragments, for DATA and I-DATA alike.
//!
//! Every fragment is looked at a bounded number of times, in whatever order they come: those that
//! follow an open message are appended to it, the others wait by their place. What is kept is
//! bounded in bytes and in pieces.

use std::collections::BTreeMap;

use rtcspec_wire::sctp::{Ppid, StreamId};

/// Fragments that wait for the one before them.
const EARLY: usize = 65_536;
/// Bytes they have together.
const EARLY_BYTES: usize = 1024 * 1024;
/// Messages that are begun and not ended.
const OPEN: usize = 256;
/// Bytes they have together, in messages of the longest kind that is kept.
const OPEN_MOST: usize = 16;

/// A fragment in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<'a> {
    /// Fragments of one message have one group: all DATA of a direction, one message of I-DATA.
    pub(crate) group: u64,
    /// Its place in the group; those of a message follow one another.
    pub(crate) at: u64,
    /// B: the message's first.
    pub(crate) first: bool,
    /// E: the message's last.
    pub(crate) last: bool,
    /// The frame it came in.
    pub(crate) number: u64,
    /// What the first one says of the message.
    pub(crate) head: Head,
    /// User data.
    pub(crate) payload: &'a [u8],
}

/// What is known of a message from its first fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) stream: StreamId,
    pub(crate) ppid: Ppid,
    pub(crate) unordered: bool,
    /// SSN or MID.
    pub(crate) sequence: u32,
}

/// A whole message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assembled<'a> {
    pub(crate) head: Head,
    pub(crate) first_number: u64,
    pub(crate) fragments: u32,
    pub(crate) length: u64,
    /// All of it, or its beginning.
    pub(crate) bytes: &'a [u8],
}

/// A message that is begun: its fragments up to some place.
#[derive(Debug)]
struct Run {
    head: Head,
    first_number: u64,
    fragments: u32,
    length: u64,
    bytes: Vec<u8>,
}

/// A fragment that waits.
#[derive(Debug)]
struct Early {
    last: bool,
    payload: Vec<u8>,
}

/// The messages of one direction.
#[derive(Debug)]
pub(crate) struct Assembly {
    /// By group and the place of the fragment that comes next.
    open: BTreeMap<(u64, u64), Run>,
    early: BTreeMap<(u64, u64), Early>,
    early_bytes: usize,
    open_bytes: usize,
    /// Bytes of a message that are kept.
    most: usize,
    done: Vec<u8>,
    /// Fragments that were given up to make room.
    pub(crate) dropped: u64,
}

impl Assembly {
    /// Keeps up to so many bytes of a message.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            early: BTreeMap::new(),
            early_bytes: 0,
            open_bytes: 0,
            most,
            done: Vec::new(),
            dropped: 0,
        }
    }

    /// Takes a fragment in; gives the message it completes.
    pub(crate) fn insert<'s>(&'s mut self, fragment: &Fragment<'s>) -> Option<Assembled<'s>> {
        let Fragment { group, at, first, last, number, head, payload } = *fragment;
        if first && last {
            return Some(Assembled {
                head,
                first_number: number,
                fragments: 1,
                length: payload.len() as u64,
                bytes: payload,
            });
        }
        let mut run = if first {
            let mut bytes = std::mem::take(&mut self.done);
            bytes.clear();
            Run { head, first_number: number, fragments: 0, length: 0, bytes }
        } else if let Some(run) = self.open.remove(&(group, at)) {
            self.open_bytes -= run.bytes.len();
            run
        } else {
            self.wait((group, at), Early { last, payload: payload.to_vec() });
            return None;
        };
        append(&mut run, payload, self.most);
        let mut next = at.wrapping_add(1);
        let mut ended = last;
        while !ended && let Some(early) = self.early.remove(&(group, next)) {
            self.early_bytes -= early.payload.len();
            append(&mut run, &early.payload, self.most);
            next = next.wrapping_add(1);
            ended = early.last;
        }
        if !ended {
            self.keep((group, next), run);
            return None;
        }
        let Run { head, first_number, fragments, length, bytes } = run;
        self.done = bytes;
        Some(Assembled { head, first_number, fragments, length, bytes: &self.done })
    }

    /// Forgets what is at or before a place of a group: its sender gave it up.
    pub(crate) fn give_up(&mut self, group: u64, until: u64) {
        while let Some((&key, _)) = self.open.range((group, 0)..=(group, until)).next() {
            if let Some(run) = self.open.remove(&key) {
                self.open_bytes -= run.bytes.len();
            }
        }
        while let Some((&key, _)) = self.early.range((group, 0)..=(group, until)).next() {
            if let Some(early) = self.early.remove(&key) {
                self.early_bytes -= early.payload.len();
            }
        }
    }

    /// Bytes that are held.
    pub(crate) fn held(&self) -> usize {
        self.open_bytes + self.early_bytes + self.done.capacity() + 64 * self.early.len()
    }

    fn wait(&mut self, key: (u64, u64), early: Early) {
        self.early_bytes += early.payload.len();
        if let Some(known) = self.early.insert(key, early) {
            self.early_bytes -= known.payload.len();
        }
        while self.early.len() > EARLY || self.early_bytes > EARLY_BYTES {
            let Some((_, oldest)) = self.early.pop_first() else { break };
            self.early_bytes -= oldest.payload.len();
            self.dropped += 1;
        }
    }

    fn keep(&mut self, key: (u64, u64), run: Run) {
        self.open_bytes += run.bytes.len();
        if let Some(known) = self.open.insert(key, run) {
            self.open_bytes -= known.bytes.len();
        }
        let most = self.most.saturating_mul(OPEN_MOST);
        while (self.open.len() > OPEN || self.open_bytes > most)
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.open_bytes -= oldest.bytes.len();
            self.dropped += u64::from(oldest.fragments);
        }
    }
}

fn append(run: &mut Run, payload: &[u8], most: usize) {
    run.fragments = run.fragments.saturating_add(1);
    run.length += payload.len() as u64;
    let room = most.saturating_sub(run.bytes.len()).min(payload.len());
    run.bytes.extend_from_slice(&payload[..room]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fragment(at: u64, first: bool, last: bool, payload: &[u8]) -> Fragment<'_> {
        let head = Head { stream: StreamId(1), ppid: Ppid::BINARY, unordered: false, sequence: 0 };
        Fragment { group: 0, at, first, last, number: at, head, payload }
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_whatever_the_order_of_their_fragments(
            lengths in proptest::collection::vec(1..6_u64, 1..12),
            order in any::<prop::sample::Selector>(),
        ) {
            let mut pieces = Vec::new();
            for length in &lengths {
                for nth in 0..*length {
                    let at = 1000 + pieces.len() as u64;
                    pieces.push((at, nth == 0, nth + 1 == *length, at.to_be_bytes()));
                }
            }
            let mut keyed: Vec<_> = pieces.iter().map(|piece| (order.select(0..1000_u32), piece)).collect();
            keyed.sort_by_key(|(key, (at, ..))| (key.wrapping_mul(*at as u32), *at % 7));
            let mut assembly = Assembly::new(usize::MAX);
            let mut found = Vec::new();
            for (_, (at, first, last, payload)) in keyed {
                if let Some(whole) = assembly.insert(&fragment(*at, *first, *last, payload)) {
                    prop_assert_eq!(whole.length, whole.bytes.len() as u64);
                    found.push((whole.first_number, u64::from(whole.fragments), whole.bytes.to_vec()));
                }
            }
            found.sort();
            let mut at = 1000;
            for (length, (first, fragments, bytes)) in lengths.iter().zip(&found) {
                prop_assert_eq!((*first, *fragments), (at, *length));
                let expected: Vec<u8> = (at..at + length).flat_map(u64::to_be_bytes).collect();
                prop_assert_eq!(bytes, &expected);
                at += length;
            }
            prop_assert_eq!(found.len(), lengths.len());
            prop_assert_eq!(assembly.open_bytes + assembly.early_bytes, 0);
        }
    }

    #[test]
    fn fragments_that_never_begin_cost_bounded_memory_and_one_look_each() {
        let mut assembly = Assembly::new(1000);
        let payload = [0; 1200];
        // Backwards, so that each stands before the others.
        for at in (0..200_000).rev() {
            assert!(assembly.insert(&fragment(at, false, false, &payload)).is_none());
        }
        assert!(assembly.held() <= EARLY_BYTES + 64 * EARLY);
        assert!(assembly.dropped > 0);
        for at in 0..10_000 {
            assert!(assembly.insert(&fragment(10 * at, true, false, b"x")).is_none());
        }
        assert!(assembly.open.len() <= OPEN);
    }

    #[test]
    fn of_a_long_message_the_beginning_is_kept_and_the_length_is_known() {
        let mut assembly = Assembly::new(5);
        assert!(assembly.insert(&fragment(1, true, false, b"abc")).is_none());
        assert!(assembly.insert(&fragment(2, false, false, b"def")).is_none());
        let whole = assembly.insert(&fragment(3, false, true, b"ghi")).expect("complete");
        assert_eq!((whole.bytes, whole.length), (&b"abcde"[..], 9));
    }

    #[test]
    fn what_its_sender_gave_up_is_forgotten() {
        let mut assembly = Assembly::new(usize::MAX);
        assert!(assembly.insert(&fragment(1, true, false, b"abc")).is_none());
        assert!(assembly.insert(&fragment(3, false, false, b"abc")).is_none());
        assert!(assembly.insert(&fragment(9, true, false, b"abc")).is_none());
        assembly.give_up(0, 5);
        assert_eq!((assembly.open.len(), assembly.early.len()), (1, 0));
        assert!(assembly.insert(&fragment(10, false, true, b"def")).is_some());
    }
}
