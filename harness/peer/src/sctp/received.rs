//! Which TSNs have come, and what to say about it: RFC 9260 §6.2.

use rtcspec_wire::sctp::{GapBlock, Tsn};

use super::serial::LongTsn;

/// Duplicates remembered for one SACK.
const MAX_DUPLICATES: usize = 32;
/// Separate runs above the cumulative TSN; a peer that makes more has its packets dropped.
const MAX_RUNS: usize = 1024;

/// What a TSN is to the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Not seen before.
    New,
    /// Seen before.
    Duplicate,
    /// Beyond what a SACK can report.
    TooFar,
}

#[derive(Clone, Debug)]
pub(super) struct Received {
    cumulative: LongTsn,
    /// Runs above the cumulative TSN, ascending, disjoint and not touching.
    runs: Vec<(LongTsn, LongTsn)>,
    duplicates: Vec<Tsn>,
    /// Packets with data since the last SACK.
    unacknowledged: u32,
    due: bool,
}

impl Received {
    pub(super) fn new(initial: Tsn) -> Self {
        Self {
            cumulative: LongTsn::first(initial).previous(),
            runs: Vec::new(),
            duplicates: Vec::new(),
            unacknowledged: 0,
            due: false,
        }
    }

    /// Everything up to here has come.
    pub(super) fn cumulative(&self) -> LongTsn {
        self.cumulative
    }

    /// The highest TSN that has come.
    pub(super) fn highest(&self) -> LongTsn {
        self.runs.last().map_or(self.cumulative, |run| run.1)
    }

    /// What a TSN would be, without taking it in.
    pub(super) fn judge(&self, tsn: LongTsn) -> Arrival {
        let seen = |run: &(LongTsn, LongTsn)| (run.0..=run.1).contains(&tsn);
        if tsn <= self.cumulative || self.runs.iter().any(seen) {
            Arrival::Duplicate
        } else if tsn.since(self.cumulative) > u64::from(u16::MAX) || self.runs.len() >= MAX_RUNS {
            Arrival::TooFar
        } else {
            Arrival::New
        }
    }

    /// Takes a TSN in.
    pub(super) fn insert(&mut self, tsn: LongTsn) -> Arrival {
        let arrival = self.judge(tsn);
        match arrival {
            Arrival::Duplicate => {
                // RFC 9260 §6.2: duplicates are reported, and at once.
                self.due = true;
                if self.duplicates.len() < MAX_DUPLICATES {
                    self.duplicates.push(tsn.wire());
                }
            }
            Arrival::New if tsn == self.cumulative.plus(1) => {
                self.cumulative = tsn;
                self.absorb();
            }
            Arrival::New => self.add_to_runs(tsn),
            Arrival::TooFar => {}
        }
        arrival
    }

    fn add_to_runs(&mut self, tsn: LongTsn) {
        let at = self.runs.partition_point(|run| run.1 < tsn);
        let joins_before = at > 0 && self.runs[at - 1].1.plus(1) == tsn;
        let joins_after = self.runs.get(at).is_some_and(|run| tsn.plus(1) == run.0);
        match (joins_before, joins_after) {
            (true, true) => {
                self.runs[at - 1].1 = self.runs[at].1;
                self.runs.remove(at);
            }
            (true, false) => self.runs[at - 1].1 = tsn,
            (false, true) => self.runs[at].0 = tsn,
            (false, false) => self.runs.insert(at, (tsn, tsn)),
        }
    }

    /// Moves the cumulative TSN over the runs it has reached.
    fn absorb(&mut self) {
        let reached = self.runs.iter().take_while(|run| run.0 <= self.cumulative.plus(1)).count();
        if let Some(last) = self.runs.drain(..reached).next_back() {
            self.cumulative = self.cumulative.max(last.1);
        }
    }

    /// Takes everything up to `tsn` as come (RFC 3758 §3.6); says whether anything changed.
    pub(super) fn forward(&mut self, tsn: LongTsn) -> bool {
        // RFC 3758 §3.6: whatever it changes, the sender learns of it at once.
        self.due = true;
        if tsn <= self.cumulative {
            return false;
        }
        self.cumulative = tsn;
        self.absorb();
        true
    }

    /// A packet with data has been worked through. RFC 9260 §6.2: acknowledge every second one,
    /// and at once while something is missing or the sender asks for it.
    pub(super) fn packet_done(&mut self, immediate: bool) {
        self.unacknowledged += 1;
        self.due |= immediate || self.unacknowledged >= 2 || !self.runs.is_empty();
    }

    /// Acknowledge with the next packet.
    pub(super) fn acknowledge_now(&mut self) {
        self.due = true;
    }

    /// Whether a SACK must go out now.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// Whether a SACK is owed, now or by the timer.
    pub(super) fn is_owed(&self) -> bool {
        self.due || self.unacknowledged > 0
    }

    /// The lists of a SACK that may take `room` bytes, and the debt is paid.
    pub(super) fn report(&mut self, room: usize) -> (Vec<GapBlock>, Vec<Tsn>) {
        self.due = false;
        self.unacknowledged = 0;
        let offset = |tsn: LongTsn| u16::try_from(tsn.since(self.cumulative)).ok();
        let gaps: Vec<GapBlock> = self
            .runs
            .iter()
            .filter_map(|run| Some(GapBlock { start: offset(run.0)?, end: offset(run.1)? }))
            .take(room / 4)
            .collect();
        let left = room / 4 - gaps.len();
        let mut duplicates = std::mem::take(&mut self.duplicates);
        duplicates.truncate(left);
        (gaps, duplicates)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> (Received, LongTsn) {
        let initial = Tsn(u32::MAX - 1);
        (Received::new(initial), LongTsn::first(initial))
    }

    #[test]
    fn gaps_are_reported_over_the_wrap_and_closed() {
        let (mut received, first) = start();
        for offset in [0, 2, 3, 6] {
            assert_eq!(received.insert(first.plus(offset)), Arrival::New);
        }
        let (gaps, _) = received.report(100);
        assert_eq!(gaps, [GapBlock { start: 2, end: 3 }, GapBlock { start: 6, end: 6 }]);
        received.insert(first.plus(1));
        assert_eq!(received.cumulative(), first.plus(3));
        assert_eq!(received.cumulative().wire(), Tsn(1));
    }

    #[test]
    fn duplicates_are_reported_once_and_at_once() {
        let (mut received, first) = start();
        received.insert(first);
        assert!(!received.is_due());
        assert_eq!(received.insert(first), Arrival::Duplicate);
        assert!(received.is_due());
        assert_eq!(received.report(100).1, [first.wire()]);
        assert_eq!(received.report(100).1, []);
    }

    #[test]
    fn every_second_packet_is_acknowledged() {
        let (mut received, first) = start();
        received.insert(first);
        received.packet_done(false);
        assert!(received.is_owed() && !received.is_due());
        received.insert(first.plus(1));
        received.packet_done(false);
        assert!(received.is_due());
    }

    #[test]
    fn tsn_no_sack_could_report_is_too_far() {
        let (received, first) = start();
        assert_eq!(received.judge(first.plus(65_534)), Arrival::New);
        assert_eq!(received.judge(first.plus(65_535)), Arrival::TooFar);
    }

    proptest! {
        #[test]
        fn runs_equal_a_set_of_what_came(offsets in proptest::collection::vec(0_u64..60, 0..120)) {
            let (mut received, first) = start();
            let mut model = std::collections::BTreeSet::new();
            for offset in offsets {
                let arrival = received.insert(first.plus(offset));
                prop_assert_eq!(arrival == Arrival::New, model.insert(offset));
                let cumulative = (0..).take_while(|n| model.contains(n)).count() as u64;
                prop_assert_eq!(received.cumulative().plus(1), first.plus(cumulative));
                for n in 0..61 {
                    let seen = received.judge(first.plus(n)) == Arrival::Duplicate;
                    prop_assert_eq!(seen, model.contains(&n));
                }
                prop_assert!(received.runs.windows(2).all(|w| w[0].1.plus(1) < w[1].0));
            }
        }
    }
}
