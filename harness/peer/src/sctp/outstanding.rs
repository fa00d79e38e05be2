//! Data in flight: acknowledgement, loss and abandonment. RFC 9260 §6.2.1, §6.3, §7.2.4; RFC 3758
//! §3.5.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_wire::sctp::{
    Chunk, ForwardTsn, IForwardTsn, SkippedMessage, SkippedStream, StreamId, Tsn,
};

use super::outbound::{Fragment, Order};
use super::serial::LongTsn;

/// Reports that a chunk is missing before it is sent again (RFC 9260 §7.2.4).
const MISSING_REPORTS: u8 = 3;

/// Bytes of a FORWARD TSN or I-FORWARD-TSN without its list, chunk header included.
const FORWARD_LENGTH: usize = 8;
/// Bytes of an entry in the list of either.
const SKIPPED_STREAM: usize = 4;
const SKIPPED_MESSAGE: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    InFlight,
    /// In a gap block of the last SACK; the peer may still take it back.
    GapAcked,
    /// To be sent again.
    Lost,
    /// Given up.
    Abandoned,
}

#[derive(Clone, Debug)]
struct Sent {
    fragment: Fragment,
    fate: Fate,
    transmissions: u32,
    sent_at: Duration,
    missing: u8,
    fast_retransmitted: bool,
}

/// What a SACK said that was new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Bytes newly acknowledged.
    pub(super) bytes: usize,
    /// The cumulative TSN moved.
    pub(super) advanced: bool,
    /// A round trip of a chunk sent once.
    pub(super) rtt: Option<Duration>,
    /// Chunks were reported missing often enough to be sent again now.
    pub(super) lost: bool,
    /// Bytes in flight before.
    pub(super) flight_before: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Outstanding {
    /// Chunks from the one after `cumulative` to the last sent, without holes.
    chunks: VecDeque<Sent>,
    cumulative: LongTsn,
    /// RFC 3758 §3.5: Advanced.Peer.Ack.Point.
    advanced: LongTsn,
    in_flight: usize,
    lost: usize,
    gap_acked: usize,
    /// One chunk per round trip is timed (RFC 9260 §6.3.1 C4).
    timed: Option<LongTsn>,
}

impl Outstanding {
    pub(super) fn new(initial: Tsn) -> Self {
        let cumulative = LongTsn::first(initial).previous();
        Self {
            chunks: VecDeque::new(),
            cumulative,
            advanced: cumulative,
            in_flight: 0,
            lost: 0,
            gap_acked: 0,
            timed: None,
        }
    }

    fn tsn_at(&self, index: usize) -> LongTsn {
        self.cumulative.plus(index as u64 + 1)
    }

    pub(super) fn next_tsn(&self) -> LongTsn {
        self.tsn_at(self.chunks.len())
    }

    pub(super) fn cumulative(&self) -> LongTsn {
        self.cumulative
    }

    /// Bytes in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether everything sent was acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Takes a fragment as sent for the first time.
    pub(super) fn send(&mut self, now: Duration, fragment: Fragment) -> Chunk {
        let tsn = self.next_tsn();
        let chunk = fragment.chunk(tsn.wire());
        self.in_flight += fragment.payload.len();
        self.timed.get_or_insert(tsn);
        self.chunks.push_back(Sent {
            fragment,
            fate: Fate::InFlight,
            transmissions: 1,
            sent_at: now,
            missing: 0,
            fast_retransmitted: false,
        });
        chunk
    }

    /// Bytes the next chunk to be sent again takes in a packet, and its user data.
    pub(super) fn next_lost(&self) -> Option<(usize, usize)> {
        if self.lost == 0 {
            return None;
        }
        let sent = self.chunks.iter().find(|sent| sent.fate == Fate::Lost)?;
        Some((sent.fragment.chunk_length(), sent.fragment.payload.len()))
    }

    /// Whether the next chunk to be sent again is the earliest that is outstanding.
    pub(super) fn is_earliest_lost(&self) -> bool {
        let is_open = |sent: &&Sent| matches!(sent.fate, Fate::InFlight | Fate::Lost);
        self.chunks.iter().find(is_open).is_some_and(|sent| sent.fate == Fate::Lost)
    }

    /// Sends the first lost chunk again.
    pub(super) fn resend(&mut self, now: Duration) -> Option<Chunk> {
        let index = self.chunks.iter().position(|sent| sent.fate == Fate::Lost)?;
        let tsn = self.tsn_at(index);
        // RFC 9260 §6.3.1 C5: the answer to a chunk sent twice says nothing about the round trip,
        // nor does that to one behind it, which may have waited for it.
        self.timed = self.timed.filter(|timed| *timed < tsn);
        let sent = self.chunks.get_mut(index)?;
        sent.fate = Fate::InFlight;
        sent.transmissions += 1;
        sent.sent_at = now;
        sent.missing = 0;
        self.lost -= 1;
        self.in_flight += sent.fragment.payload.len();
        Some(sent.fragment.chunk(tsn.wire()))
    }

    /// Works through a SACK; `None` if it is old or acknowledges what was never sent.
    pub(super) fn acknowledge(
        &mut self,
        now: Duration,
        cumulative: Tsn,
        gaps: impl Iterator<Item = (u16, u16)>,
        in_recovery: bool,
    ) -> Option<Acknowledged> {
        let mut done = self.acknowledge_up_to(now, cumulative)?;
        let cumulative = self.cumulative;
        let runs: Vec<(LongTsn, LongTsn)> = gaps
            .filter(|(start, end)| 0 < *start && start <= end)
            .map(|(start, end)| (cumulative.plus(start.into()), cumulative.plus(end.into())))
            .collect();
        if !runs.is_empty() || self.gap_acked > 0 {
            let newly = self.acknowledge_gaps(now, &runs, &mut done);
            let mut below = newly;
            // RFC 9260 §7.2.4: in fast recovery an advance counts against every missing chunk.
            if in_recovery && done.advanced {
                below = runs.last().map(|run| run.1).max(newly);
            }
            done.lost = below.is_some_and(|below| self.report_missing(below));
        }
        Some(done)
    }

    /// Works through a cumulative TSN without gap blocks; `None` as for a SACK. RFC 9260 §3.3.8:
    /// what was in a gap block before is not taken back.
    pub(super) fn acknowledge_up_to(
        &mut self,
        now: Duration,
        cumulative: Tsn,
    ) -> Option<Acknowledged> {
        let cumulative = self.cumulative.near(cumulative);
        if cumulative < self.cumulative || cumulative >= self.next_tsn() {
            return None;
        }
        let mut done = Acknowledged { flight_before: self.in_flight, ..Acknowledged::default() };
        done.advanced = cumulative > self.cumulative;
        while self.cumulative < cumulative {
            self.acknowledge_first(now, &mut done);
        }
        self.advanced = self.advanced.max(self.cumulative);
        Some(done)
    }

    fn acknowledge_first(&mut self, now: Duration, done: &mut Acknowledged) {
        let tsn = self.cumulative.plus(1);
        let Some(sent) = self.chunks.pop_front() else { return };
        self.cumulative = tsn;
        let length = sent.fragment.payload.len();
        match sent.fate {
            Fate::InFlight => {
                self.in_flight -= length;
                done.bytes += length;
            }
            Fate::Lost => {
                self.lost -= 1;
                done.bytes += length;
            }
            Fate::GapAcked => self.gap_acked -= 1,
            Fate::Abandoned => {}
        }
        self.time(now, tsn, sent.sent_at, done);
    }

    fn time(&mut self, now: Duration, tsn: LongTsn, sent_at: Duration, done: &mut Acknowledged) {
        if self.timed == Some(tsn) {
            self.timed = None;
            done.rtt = Some(now.saturating_sub(sent_at));
        }
    }

    /// Marks what the gap blocks say; gives the highest TSN that is new in them.
    fn acknowledge_gaps(
        &mut self,
        now: Duration,
        runs: &[(LongTsn, LongTsn)],
        done: &mut Acknowledged,
    ) -> Option<LongTsn> {
        let mut highest = None;
        for index in 0..self.chunks.len() {
            let tsn = self.tsn_at(index);
            let inside = runs.iter().any(|run| (run.0..=run.1).contains(&tsn));
            let Some(sent) = self.chunks.get_mut(index) else { break };
            let length = sent.fragment.payload.len();
            match (sent.fate, inside) {
                (Fate::InFlight | Fate::Lost, true) => {
                    if sent.fate == Fate::InFlight {
                        self.in_flight -= length;
                    } else {
                        self.lost -= 1;
                    }
                    sent.fate = Fate::GapAcked;
                    self.gap_acked += 1;
                    done.bytes += length;
                    highest = Some(tsn);
                    let sent_at = sent.sent_at;
                    self.time(now, tsn, sent_at, done);
                }
                // RFC 9260 §6.2.1 D: the receiver may take back what it only gap-acked.
                (Fate::GapAcked, false) => {
                    sent.fate = Fate::InFlight;
                    self.gap_acked -= 1;
                    self.in_flight += length;
                }
                _ => {}
            }
        }
        highest
    }

    /// Counts a report against every chunk in flight below a TSN; says whether one is lost now.
    fn report_missing(&mut self, below: LongTsn) -> bool {
        let count = usize::try_from(below.since(self.cumulative.plus(1))).unwrap_or(usize::MAX);
        let mut any = false;
        for sent in self.chunks.iter_mut().take(count) {
            if sent.fate != Fate::InFlight {
                continue;
            }
            sent.missing = sent.missing.saturating_add(1);
            // RFC 9260 §7.2.4: a chunk is fast retransmitted once only.
            if sent.missing == MISSING_REPORTS && !sent.fast_retransmitted {
                sent.fast_retransmitted = true;
                sent.fate = Fate::Lost;
                self.lost += 1;
                self.in_flight -= sent.fragment.payload.len();
                any = true;
            }
        }
        any
    }

    /// T3-rtx ran out: all in flight is lost (RFC 9260 §6.3.3 E3).
    pub(super) fn all_lost(&mut self) {
        for sent in &mut self.chunks {
            if sent.fate == Fate::InFlight {
                sent.fate = Fate::Lost;
                self.lost += 1;
            }
        }
        self.in_flight = 0;
    }

    /// Gives up messages of which a lost chunk may not be sent again; says which.
    pub(super) fn abandon_exhausted(&mut self, now: Duration) -> Vec<(StreamId, u64)> {
        if self.lost == 0 {
            return Vec::new();
        }
        let mut given_up: Vec<(StreamId, u64)> = self
            .chunks
            .iter()
            .filter(|sent| sent.fate == Fate::Lost)
            .filter(|sent| sent.fragment.limits.exhausted(now, sent.transmissions))
            .map(|sent| (sent.fragment.stream, sent.fragment.message))
            .collect();
        given_up.dedup();
        for (_, message) in &given_up {
            self.abandon(*message);
        }
        given_up
    }

    /// RFC 3758 §3.5 A3: all fragments of a message go together, so that the peer is never told to
    /// go on in the middle of one.
    fn abandon(&mut self, message: u64) {
        let timed = self.timed.map(|timed| timed.since(self.cumulative.plus(1)));
        for (index, sent) in (0_u64..).zip(&mut self.chunks) {
            if sent.fragment.message != message {
                continue;
            }
            if timed == Some(index) {
                // The answer will be one to FORWARD TSN.
                self.timed = None;
            }
            match sent.fate {
                Fate::InFlight => self.in_flight -= sent.fragment.payload.len(),
                Fate::Lost => self.lost -= 1,
                Fate::GapAcked => self.gap_acked -= 1,
                Fate::Abandoned => {}
            }
            sent.fate = Fate::Abandoned;
        }
    }

    /// Ends a message that was given up before its last fragment was sent: one more TSN, which is
    /// never sent. The peer may have every fragment that was, and RFC 3758 §3.6 has it discard a
    /// FORWARD TSN that does not go beyond what it has.
    pub(super) fn end_abandoned(&mut self, now: Duration, message: u64) {
        let same = |sent: &&Sent| sent.fragment.message == message;
        let Some(last) = self.chunks.iter().rev().find(same) else { return };
        let fragment = Fragment { ending: true, payload: Vec::new(), ..last.fragment.clone() };
        self.chunks.push_back(Sent {
            fragment,
            fate: Fate::Abandoned,
            transmissions: 0,
            sent_at: now,
            missing: 0,
            fast_retransmitted: false,
        });
    }

    /// RFC 3758 §3.5 C2: moves the advanced point over what is given up; says whether the peer has
    /// to be told.
    pub(super) fn advance(&mut self) -> bool {
        let from = usize::try_from(self.advanced.since(self.cumulative)).unwrap_or(usize::MAX);
        let given_up =
            self.chunks.iter().skip(from).take_while(|sent| sent.fate == Fate::Abandoned).count();
        self.advanced = self.advanced.plus(given_up as u64);
        self.advanced > self.cumulative
    }

    /// FORWARD TSN or I-FORWARD-TSN of at most `room` bytes, up to the advanced point if that fits.
    pub(super) fn forward_chunk(&self, interleaving: bool, room: usize) -> Chunk {
        let room = room.saturating_sub(FORWARD_LENGTH);
        if interleaving {
            let (new_cumulative_tsn, last) =
                self.skipped(room / SKIPPED_MESSAGE, |fragment| match fragment.order {
                    Order::Mid(mid, _) => Some(((fragment.stream, fragment.unordered), mid)),
                    Order::Ssn(_) => None,
                });
            let messages = last
                .into_iter()
                .map(|((stream, unordered), mid)| SkippedMessage { stream, unordered, mid })
                .collect();
            return Chunk::IForwardTsn(IForwardTsn { new_cumulative_tsn, messages });
        }
        // RFC 3758 §3.2: only ordered messages are listed.
        let (new_cumulative_tsn, last) =
            self.skipped(room / SKIPPED_STREAM, |fragment| match fragment.order {
                Order::Ssn(ssn) if !fragment.unordered => Some((fragment.stream, ssn)),
                _ => None,
            });
        let streams = last.into_iter().map(|(stream, ssn)| SkippedStream { stream, ssn }).collect();
        Chunk::ForwardTsn(ForwardTsn { new_cumulative_tsn, streams })
    }

    /// What is listed of the chunks up to the advanced point, the last of each stream, and the TSN
    /// up to which it is complete. RFC 3758 §3.5 C4: that is lower where the list would not fit.
    fn skipped<K: Ord, V>(
        &self,
        most: usize,
        entry: impl Fn(&Fragment) -> Option<(K, V)>,
    ) -> (Tsn, BTreeMap<K, V>) {
        let mut last = BTreeMap::new();
        let mut point = self.cumulative;
        for sent in &self.chunks {
            if point >= self.advanced {
                break;
            }
            if let Some((stream, number)) = entry(&sent.fragment) {
                if last.len() >= most.max(1) && !last.contains_key(&stream) {
                    break;
                }
                last.insert(stream, number);
            }
            point = point.plus(1);
        }
        (point.wire(), last)
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::{Ppid, Ssn};

    use super::super::outbound::Limits;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn fragment(message: u64, limits: Limits) -> Fragment {
        Fragment {
            stream: StreamId(1),
            ppid: Ppid::BINARY,
            unordered: false,
            beginning: true,
            ending: true,
            order: Order::Ssn(Ssn(u16::try_from(message).expect("few messages"))),
            payload: vec![0; 100],
            message,
            limits,
        }
    }

    const RELIABLE: Limits = Limits { max_retransmits: None, expires: None };

    /// Ten chunks in flight, the first with the TSN before the wrap.
    fn ten(limits: Limits) -> Outstanding {
        let mut outstanding = Outstanding::new(Tsn(u32::MAX));
        for message in 0..10 {
            outstanding.send(Duration::ZERO, fragment(message, limits));
        }
        outstanding
    }

    fn sack(out: &mut Outstanding, cumulative: u32, gaps: &[(u16, u16)]) -> Option<Acknowledged> {
        out.acknowledge(MS * 50, Tsn(cumulative), gaps.iter().copied(), false)
    }

    #[test]
    fn sack_acknowledges_over_the_wrap_and_times_one_round_trip() {
        let mut out = ten(RELIABLE);
        let done = sack(&mut out, 1, &[(2, 3)]).expect("a new SACK");
        assert_eq!(done.bytes, 500);
        assert!(done.advanced);
        assert_eq!(done.rtt, Some(MS * 50));
        assert_eq!(out.in_flight(), 500);
        assert_eq!(sack(&mut out, 0, &[]), None);
    }

    #[test]
    fn acknowledgement_of_what_was_never_sent_is_refused() {
        let mut out = ten(RELIABLE);
        assert_eq!(sack(&mut out, 9, &[]), None);
        assert!(sack(&mut out, 8, &[]).is_some());
        assert!(out.is_empty());
    }

    #[test]
    fn three_reports_of_a_missing_chunk_make_it_lost_once() {
        let mut out = ten(RELIABLE);
        assert!(!sack(&mut out, u32::MAX, &[(2, 2)]).expect("new").lost);
        assert!(!sack(&mut out, u32::MAX, &[(2, 3)]).expect("new").lost);
        // Nothing new in the gap blocks: no report.
        assert!(!sack(&mut out, u32::MAX, &[(2, 3)]).expect("new").lost);
        assert!(sack(&mut out, u32::MAX, &[(2, 4)]).expect("new").lost);
        let resent = out.resend(MS * 60).expect("a lost chunk");
        assert!(matches!(resent, Chunk::Data(data) if data.tsn == Tsn(0)));
        for end in 5..9 {
            assert!(!sack(&mut out, u32::MAX, &[(2, end)]).expect("new").lost);
        }
    }

    #[test]
    fn what_was_gap_acked_and_taken_back_is_in_flight_again() {
        let mut out = ten(RELIABLE);
        sack(&mut out, u32::MAX, &[(2, 9)]);
        assert_eq!(out.in_flight(), 100);
        sack(&mut out, u32::MAX, &[]);
        assert_eq!(out.in_flight(), 900);
    }

    #[test]
    fn chunk_behind_a_retransmission_is_not_timed() {
        // RFC 9260 §6.3.1 C5.
        let mut out = ten(RELIABLE);
        assert!(sack(&mut out, u32::MAX, &[]).expect("new").rtt.is_some());
        out.send(MS * 20, fragment(10, RELIABLE));
        for end in 2..5 {
            sack(&mut out, u32::MAX, &[(2, end)]);
        }
        assert!(out.resend(MS * 30).is_some());
        assert_eq!(sack(&mut out, 9, &[]).expect("new").rtt, None);
        out.send(MS * 40, fragment(11, RELIABLE));
        assert_eq!(sack(&mut out, 10, &[]).expect("new").rtt, Some(MS * 10));
    }

    #[test]
    fn chunk_that_was_given_up_is_not_timed() {
        let mut out = ten(Limits { max_retransmits: Some(0), expires: None });
        out.all_lost();
        out.abandon_exhausted(MS);
        assert_eq!(sack(&mut out, 8, &[]).expect("new").rtt, None);
    }

    #[test]
    fn limit_zero_survives_the_first_transmission_and_ends_with_the_first_loss() {
        let mut out = ten(Limits { max_retransmits: Some(0), expires: None });
        assert!(out.abandon_exhausted(MS).is_empty());
        assert!(!out.advance());
        out.all_lost();
        assert_eq!(out.abandon_exhausted(MS).len(), 10);
        assert!(out.advance());
        assert_eq!(out.resend(MS), None);
        let Chunk::ForwardTsn(forward) = out.forward_chunk(false, 1000) else {
            panic!("FORWARD TSN")
        };
        assert_eq!(forward.new_cumulative_tsn, Tsn(8));
        assert_eq!(forward.streams, [SkippedStream { stream: StreamId(1), ssn: Ssn(9) }]);
    }

    #[test]
    fn a_message_given_up_before_its_end_takes_a_tsn_beyond_what_the_peer_may_have() {
        let mut out = Outstanding::new(Tsn(5));
        let limits = Limits { max_retransmits: Some(0), expires: None };
        for _ in 0..2 {
            out.send(Duration::ZERO, Fragment { ending: false, ..fragment(0, limits) });
        }
        out.all_lost();
        assert_eq!(out.abandon_exhausted(MS), [(StreamId(1), 0)]);
        out.end_abandoned(MS, 0);
        assert!(out.advance());
        assert_eq!((out.in_flight(), out.next_tsn().wire()), (0, Tsn(8)));
        let Chunk::ForwardTsn(forward) = out.forward_chunk(false, 1000) else {
            panic!("FORWARD TSN")
        };
        assert_eq!(forward.new_cumulative_tsn, Tsn(7));
        // Both fragments arrive after all: the peer is still to be told.
        out.acknowledge(MS, Tsn(6), [].into_iter(), false);
        assert!(out.advance() && !out.is_empty());
    }

    #[test]
    fn fragments_of_one_message_are_given_up_together() {
        let mut out = Outstanding::new(Tsn(5));
        let limits = Limits { max_retransmits: Some(0), expires: None };
        for ending in [false, false, true] {
            out.send(Duration::ZERO, Fragment { ending, ..fragment(0, limits) });
        }
        out.send(Duration::ZERO, fragment(1, RELIABLE));
        out.acknowledge(MS, Tsn(4), [(1, 1), (3, 4)].into_iter(), false);
        out.all_lost();
        assert_eq!(out.abandon_exhausted(MS), [(StreamId(1), 0)]);
        assert!(out.advance());
        let Chunk::ForwardTsn(forward) = out.forward_chunk(false, 1000) else {
            panic!("FORWARD TSN")
        };
        assert_eq!(forward.new_cumulative_tsn, Tsn(7));
    }
}
