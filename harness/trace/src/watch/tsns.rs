//! Which TSNs of one side were seen.

use std::collections::BTreeMap;

use rtcspec_wire::sctp::Tsn;

use super::limits;

/// Where counting starts, so that what comes before the first has a place too.
const ORIGIN: u64 = 1 << 40;

/// TSNs as ranges of places that do not turn over.
#[derive(Debug, Default)]
pub(super) struct Tsns {
    /// The last TSN that was counted, and its place.
    last: Option<(Tsn, u64)>,
    /// First and last place of each range.
    ranges: BTreeMap<u64, u64>,
}

impl Tsns {
    /// The place of a TSN: it is within 2^31 of the last one (RFC 9260 §1.6).
    pub(super) fn place(&self, tsn: Tsn) -> u64 {
        let Some((last, place)) = self.last else { return ORIGIN };
        let ahead = tsn.0.wrapping_sub(last.0);
        if ahead <= u32::MAX / 2 {
            place.saturating_add(ahead.into())
        } else {
            place.saturating_sub(ahead.wrapping_neg().into())
        }
    }

    /// Takes a TSN in; its place, and whether it was seen before.
    pub(super) fn insert(&mut self, tsn: Tsn) -> (u64, bool) {
        let place = self.place(tsn);
        if self.last.is_none_or(|(_, last)| place > last) {
            self.last = Some((tsn, place));
        }
        let before = self.ranges.range(..=place).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= place) {
            return (place, true);
        }
        let first = match before {
            Some((first, last)) if last + 1 == place => first,
            _ => place,
        };
        let last = self.ranges.remove(&(place + 1)).unwrap_or(place);
        self.ranges.insert(first, last);
        if self.ranges.len() > limits::GAPS {
            self.fill_oldest();
        }
        (place, false)
    }

    fn fill_oldest(&mut self) {
        if let Some((first, _)) = self.ranges.pop_first()
            && let Some((_, last)) = self.ranges.pop_first()
        {
            self.ranges.insert(first, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tsns_are_seen_once_across_the_turn_of_the_counter() {
        let mut tsns = Tsns::default();
        let known = |tsns: &mut Tsns, tsn: u32| tsns.insert(Tsn(tsn)).1;
        for tsn in [0xffff_fffe, 0xffff_ffff, 1, 0] {
            assert!(!known(&mut tsns, tsn));
        }
        assert_eq!(tsns.ranges.len(), 1);
        for tsn in [0xffff_fffe, 0, 1] {
            assert!(known(&mut tsns, tsn));
        }
        assert!(!known(&mut tsns, 0xffff_fffd));
    }

    #[test]
    fn gaps_are_bounded() {
        let mut tsns = Tsns::default();
        for step in 0..10_000 {
            assert!(!tsns.insert(Tsn(2 * step)).1);
        }
        assert!(tsns.ranges.len() <= limits::GAPS);
        assert!(!tsns.insert(Tsn(2 * 9_999 - 1)).1);
    }
}
