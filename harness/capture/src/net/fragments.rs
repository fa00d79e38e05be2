//! IP packets from their fragments (RFC 791 §3.2, RFC 8200 §4.5, RFC 5722).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::frames::Interface;
use super::ip::Packet;

/// Packets under way. Beyond that the older half is given up.
const MAX_PACKETS: usize = 1024;
/// Bytes held of them all. Beyond that the older half is given up.
const MAX_HELD: usize = 16 << 20;
/// RFC 8200 §4.5: a packet not whole after this time, in nanoseconds, is given up.
const TIMEOUT: u64 = 60_000_000_000;
/// The longest payload.
const MAX_PAYLOAD: u32 = 0xffff;

/// What became of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its packet is not whole yet.
    Held,
    /// It was the last: protocol and payload of the whole.
    Whole(u8, Vec<u8>),
    /// RFC 5722 §4: it overlaps another one, so all of its packet is refused.
    Overlap,
    /// It cannot be.
    Malformed,
}

/// Fragments whose packets are not whole.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    packets: BTreeMap<Key, Partial>,
    held: usize,
    given_up: u64,
}

/// Where it was seen and whose it is; IPv6 tells packets apart without their protocol.
type Key = (Interface, IpAddr, IpAddr, u32, Option<u8>);

#[derive(Debug, Default)]
struct Partial {
    pieces: BTreeMap<u32, Vec<u8>>,
    protocol: Option<u8>,
    length: Option<u32>,
    held: u32,
    since: u64,
    refused: bool,
}

impl Fragments {
    /// Adds a fragment that came at `now`, in nanoseconds.
    pub(crate) fn add(&mut self, interface: Interface, packet: &Packet<'_>, now: u64) -> Outcome {
        let Some(fragment) = packet.fragment else { return Outcome::Malformed };
        let length = packet.payload.len() as u32;
        let end = fragment.offset + length;
        let uneven = fragment.more && !length.is_multiple_of(8);
        if packet.missing > 0 || length == 0 || uneven || end > MAX_PAYLOAD {
            return Outcome::Malformed;
        }
        let protocol = packet.source.is_ipv4().then_some(packet.protocol);
        let key = (interface, packet.source, packet.destination, fragment.id, protocol);
        self.forget(&key, now);
        let partial =
            self.packets.entry(key).or_insert_with(|| Partial { since: now, ..Partial::default() });
        if partial.refused {
            return Outcome::Overlap;
        }
        match partial.place(fragment.offset, packet.payload, fragment.more) {
            Placed::New => {}
            Placed::Again => return Outcome::Held,
            Placed::Overlap => {
                self.held -= partial.held as usize;
                *partial = Partial { since: partial.since, refused: true, ..Partial::default() };
                return Outcome::Overlap;
            }
        }
        self.held += packet.payload.len();
        if fragment.offset == 0 {
            partial.protocol = Some(packet.protocol);
        }
        if partial.length != Some(partial.held) {
            return Outcome::Held;
        }
        let whole = self.packets.remove(&key).unwrap_or_default();
        self.held -= whole.held as usize;
        let payload = whole.pieces.into_values().collect::<Vec<_>>().concat();
        Outcome::Whole(whole.protocol.unwrap_or(packet.protocol), payload)
    }

    /// Packets that never became whole, those under way included.
    pub(crate) fn incomplete(&self) -> u64 {
        let refused = self.packets.values().filter(|partial| partial.refused).count();
        self.given_up + (self.packets.len() - refused) as u64
    }

    /// Makes room, and starts anew what is too old.
    fn forget(&mut self, key: &Key, now: u64) {
        let old = |partial: &Partial| now.saturating_sub(partial.since) > TIMEOUT;
        if self.packets.get(key).is_some_and(old) {
            self.give_up(|other, _| other == key);
        }
        if self.packets.len() >= MAX_PACKETS || self.held >= MAX_HELD {
            let mut ages: Vec<u64> = self.packets.values().map(|partial| partial.since).collect();
            let middle = ages.len() / 2;
            let median = *ages.select_nth_unstable(middle).1;
            self.give_up(|_, partial| partial.since < median);
            // Many may be of one age.
            if self.packets.len() >= MAX_PACKETS || self.held >= MAX_HELD {
                self.give_up(|_, _| true);
            }
        }
    }

    fn give_up(&mut self, which: impl Fn(&Key, &Partial) -> bool) {
        let (held, given_up) = (&mut self.held, &mut self.given_up);
        self.packets.retain(|key, partial| {
            let goes = which(key, partial);
            if goes {
                *held -= partial.held as usize;
                *given_up += u64::from(!partial.refused);
            }
            !goes
        });
    }
}

enum Placed {
    New,
    Again,
    Overlap,
}

impl Partial {
    fn place(&mut self, offset: u32, bytes: &[u8], more: bool) -> Placed {
        let end = offset + bytes.len() as u32;
        if self.pieces.get(&offset).is_some_and(|piece| piece == bytes) {
            return Placed::Again;
        }
        let before = self.pieces.range(..=offset).next_back();
        let runs_in = before.is_some_and(|(at, piece)| at + piece.len() as u32 > offset);
        let runs_out = self.pieces.range(offset..).next().is_some_and(|(at, _)| *at < end);
        let beyond = self.length.is_some_and(|length| end > length);
        let last = self.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.len() as u32);
        let ends_twice = !more && (self.length.is_some() || last > end);
        if runs_in || runs_out || beyond || ends_twice {
            return Placed::Overlap;
        }
        if !more {
            self.length = Some(end);
        }
        self.held += bytes.len() as u32;
        self.pieces.insert(offset, bytes.to_vec());
        Placed::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ip::{Fragment, UDP};

    fn add(
        table: &mut Fragments,
        id: u32,
        offset: u32,
        bytes: &[u8],
        more: bool,
        now: u64,
    ) -> Outcome {
        let packet = Packet {
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            protocol: UDP,
            payload: bytes,
            missing: 0,
            fragment: Some(Fragment { id, offset, more }),
        };
        table.add(Interface::default(), &packet, now)
    }

    #[test]
    fn fragments_in_any_order_make_the_packet() {
        let payload: Vec<u8> = (0..30).collect();
        let parts = [(0, 8, true), (8, 24, true), (24, 30, false)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1], [0, 2, 1], [1, 2, 0]] {
            let mut table = Fragments::default();
            let mut last = Outcome::Held;
            for part in order {
                assert_eq!(last, Outcome::Held);
                let (start, end, more) = parts[part];
                last = add(&mut table, 1, start as u32, &payload[start..end], more, 0);
            }
            assert_eq!(last, Outcome::Whole(UDP, payload.clone()));
            assert_eq!((table.held, table.packets.len(), table.incomplete()), (0, 0, 0));
        }
    }

    #[test]
    fn the_same_fragment_again_is_no_harm_but_an_overlap_refuses_the_packet() {
        let mut table = Fragments::default();
        assert_eq!(add(&mut table, 1, 0, &[1; 8], true, 0), Outcome::Held);
        assert_eq!(add(&mut table, 1, 0, &[1; 8], true, 0), Outcome::Held);
        assert_eq!(
            add(&mut table, 1, 8, &[2; 4], false, 0),
            Outcome::Whole(UDP, [[1; 4], [1; 4], [2; 4]].concat())
        );
        for (offset, bytes, more) in
            [(0, &[9; 8][..], true), (0, &[9; 16], true), (0, &[9; 4], false), (8, &[9; 8], false)]
        {
            assert_eq!(add(&mut table, 2, 0, &[1; 8], true, 0), Outcome::Held);
            assert_eq!(add(&mut table, 2, 16, &[1; 8], true, 0), Outcome::Held);
            assert_eq!(add(&mut table, 2, offset, bytes, more, 0), Outcome::Overlap, "{offset}");
            assert_eq!(add(&mut table, 2, 8, &[1; 8], true, 0), Outcome::Overlap);
            assert_eq!(table.held, 0);
            table.packets.clear();
        }
    }

    #[test]
    fn a_packet_has_a_minute() {
        let mut table = Fragments::default();
        assert_eq!(add(&mut table, 1, 0, &[1; 8], true, 0), Outcome::Held);
        assert_eq!(add(&mut table, 1, 8, &[2; 8], false, TIMEOUT + 1), Outcome::Held);
        assert_eq!(table.incomplete(), 2);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut table = Fragments::default();
        assert_eq!(add(&mut table, 1, 65_528, &[0; 8], false, 0), Outcome::Malformed);
        assert_eq!(add(&mut table, 1, 0, &[0; 7], true, 0), Outcome::Malformed);
        assert_eq!(add(&mut table, 1, 0, &[], true, 0), Outcome::Malformed);
        assert_eq!(table.incomplete(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let mut table = Fragments::default();
        for id in 0..10_000 {
            add(&mut table, id, 0, &[0; 40_000], true, id.into());
            assert!(table.packets.len() <= MAX_PACKETS && table.held <= MAX_HELD + 40_000);
        }
        assert_eq!(table.incomplete(), 10_000);
        let mut table = Fragments::default();
        for id in 0..10_000 {
            add(&mut table, id, 0, &[0; 8], true, 0);
            assert!(table.packets.len() <= MAX_PACKETS);
        }
    }
}
