//! Messages that wait, their fragmentation and whose turn it is: RFC 9260 §6.6, §6.9; RFC 8260 §3.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_wire::sctp::{
    Chunk, Data, DataFlags, FragmentPosition, Fsn, IData, Mid, Ppid, Ssn, StreamId, Tsn,
};

use super::Reliability;

/// A message's place in its stream, on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// In DATA.
    Ssn(Ssn),
    /// In I-DATA.
    Mid(Mid, Fsn),
}

/// When a message is given up (RFC 3758 §4.1, RFC 7496 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_retransmits: Option<u32>,
    pub(super) expires: Option<Duration>,
}

impl Limits {
    fn expired(self, now: Duration) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether a chunk sent this often must not be sent once more.
    pub(super) fn exhausted(self, now: Duration, transmissions: u32) -> bool {
        // RFC 7496 §3.1 counts retransmissions: with limit 0 the first loss ends it, not the first
        // transmission.
        self.max_retransmits.is_some_and(|limit| transmissions > limit) || self.expired(now)
    }
}

/// What goes into one DATA or I-DATA chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) stream: StreamId,
    pub(super) ppid: Ppid,
    pub(super) unordered: bool,
    pub(super) beginning: bool,
    pub(super) ending: bool,
    pub(super) order: Order,
    pub(super) payload: Vec<u8>,
    /// Which message of this association.
    pub(super) message: u64,
    pub(super) limits: Limits,
}

impl Fragment {
    /// Bytes its chunk takes in a packet.
    pub(super) fn chunk_length(&self) -> usize {
        let header = match self.order {
            Order::Ssn(_) => Data::HEADER_LENGTH,
            Order::Mid(..) => IData::HEADER_LENGTH,
        };
        (header + self.payload.len()).next_multiple_of(4)
    }

    pub(super) fn chunk(&self, tsn: Tsn) -> Chunk {
        let (stream, payload) = (self.stream, self.payload.clone());
        let (unordered, beginning, ending) = (self.unordered, self.beginning, self.ending);
        match self.order {
            Order::Ssn(ssn) => {
                let flags = DataFlags { immediate: false, unordered, beginning, ending };
                Chunk::Data(Data { flags, tsn, stream, ssn, ppid: self.ppid, payload })
            }
            Order::Mid(mid, fsn) => {
                let position = if beginning {
                    FragmentPosition::First(self.ppid)
                } else {
                    FragmentPosition::Later(fsn)
                };
                let immediate = false;
                Chunk::IData(IData {
                    immediate,
                    unordered,
                    ending,
                    tsn,
                    stream,
                    mid,
                    position,
                    payload,
                })
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Waiting {
    message: u64,
    ppid: Ppid,
    unordered: bool,
    limits: Limits,
    data: Vec<u8>,
    /// Bytes already in fragments.
    taken: usize,
    /// Given out with the first fragment.
    order: Option<Order>,
}

impl Waiting {
    fn left(&self) -> usize {
        self.data.len() - self.taken
    }
}

#[derive(Clone, Debug, Default)]
struct Stream {
    queue: VecDeque<Waiting>,
    next_ssn: Ssn,
    next_ordered_mid: Mid,
    next_unordered_mid: Mid,
    buffered: usize,
}

impl Stream {
    fn order_for(&mut self, unordered: bool, interleaving: bool) -> Order {
        match (interleaving, unordered) {
            (false, true) => Order::Ssn(Ssn(0)),
            (false, false) => Order::Ssn(take_number(&mut self.next_ssn, Ssn::next)),
            (true, true) => {
                Order::Mid(take_number(&mut self.next_unordered_mid, Mid::next), Fsn(0))
            }
            (true, false) => Order::Mid(take_number(&mut self.next_ordered_mid, Mid::next), Fsn(0)),
        }
    }
}

fn take_number<T: Copy>(counter: &mut T, next: impl Fn(T) -> T) -> T {
    let number = *counter;
    *counter = next(number);
    number
}

#[derive(Clone, Debug, Default)]
pub(super) struct Outbound {
    streams: BTreeMap<StreamId, Stream>,
    /// Streams with something to send, in the order of their turns.
    turns: VecDeque<StreamId>,
    buffered: usize,
    next_message: u64,
    /// Whether fragments of different messages may alternate (I-DATA).
    pub(super) interleaving: bool,
    /// Whether messages may be given up.
    pub(super) partial_reliability: bool,
}

impl Outbound {
    pub(super) fn push(
        &mut self,
        now: Duration,
        stream: StreamId,
        ppid: Ppid,
        data: Vec<u8>,
        reliability: Reliability,
    ) {
        let limits = Limits {
            max_retransmits: reliability.max_retransmits,
            expires: reliability.lifetime.map(|lifetime| now + lifetime),
        };
        let message = take_number(&mut self.next_message, |n| n + 1);
        let unordered = !reliability.ordered;
        self.buffered += data.len();
        let queue = self.streams.entry(stream).or_default();
        queue.buffered += data.len();
        if queue.queue.is_empty() {
            self.turns.push_back(stream);
        }
        let (taken, order) = (0, None);
        queue.queue.push_back(Waiting { message, ppid, unordered, limits, data, taken, order });
    }

    /// Bytes not in fragments yet.
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    /// Bytes of a stream not in fragments yet.
    pub(super) fn buffered_on(&self, stream: StreamId) -> usize {
        self.streams.get(&stream).map_or(0, |stream| stream.buffered)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Forgets the numbering of a stream that was reset (RFC 6525 §5.2.2).
    pub(super) fn restart(&mut self, stream: StreamId) {
        if let Some(stream) = self.streams.get_mut(&stream) {
            stream.next_ssn = Ssn(0);
            stream.next_ordered_mid = Mid(0);
            stream.next_unordered_mid = Mid(0);
        }
    }

    /// Bytes left of the message whose turn it is, once what has expired is dropped.
    pub(super) fn peek(&mut self, now: Duration) -> Option<usize> {
        loop {
            let stream = *self.turns.front()?;
            let head = self.streams.get(&stream).and_then(|stream| stream.queue.front());
            // RFC 3758 §4.1: what expired before its first transmission never gets a TSN.
            match head {
                Some(head)
                    if self.partial_reliability
                        && head.order.is_none()
                        && head.limits.expired(now) =>
                {
                    self.drop_head(stream);
                }
                Some(head) => return Some(head.left()),
                None => {
                    self.turns.pop_front();
                }
            }
        }
    }

    /// The next fragment, of at most `room` bytes; [`Self::peek`] was asked before.
    pub(super) fn take(&mut self, room: usize) -> Option<Fragment> {
        let stream_id = *self.turns.front()?;
        let interleaving = self.interleaving;
        let stream = self.streams.get_mut(&stream_id)?;
        let unordered = stream.queue.front()?.unordered;
        let fresh = match stream.queue.front()?.order {
            Some(order) => order,
            None => stream.order_for(unordered, interleaving),
        };
        let head = stream.queue.front_mut()?;
        let beginning = head.taken == 0;
        let end = head.taken + head.left().min(room);
        let payload = head.data.get(head.taken..end)?.to_vec();
        head.taken = end;
        head.order = Some(match fresh {
            Order::Mid(mid, fsn) => Order::Mid(mid, fsn.next()),
            ssn @ Order::Ssn(_) => ssn,
        });
        let ending = head.left() == 0;
        let fragment = Fragment {
            stream: stream_id,
            ppid: head.ppid,
            unordered,
            beginning,
            ending,
            order: fresh,
            message: head.message,
            limits: head.limits,
            payload,
        };
        stream.buffered -= fragment.payload.len();
        self.buffered -= fragment.payload.len();
        if ending {
            stream.queue.pop_front();
        }
        self.end_turn(ending);
        Some(fragment)
    }

    /// RFC 9260 §6.9: fragments of one DATA message have consecutive TSNs, so its stream keeps the
    /// turn. I-DATA lets every chunk go to another stream (RFC 8260 §3.2, round robin).
    fn end_turn(&mut self, ending: bool) {
        if !(ending || self.interleaving) {
            return;
        }
        if let Some(stream) = self.turns.pop_front() {
            let waits = self.streams.get(&stream).is_some_and(|stream| !stream.queue.is_empty());
            if waits {
                self.turns.push_back(stream);
            }
        }
    }

    fn drop_head(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id)
            && let Some(head) = stream.queue.pop_front()
        {
            stream.buffered -= head.left();
            self.buffered -= head.left();
            if stream.queue.is_empty() {
                self.turns.retain(|turn| *turn != id);
            }
        }
    }

    /// Drops what is left of a message that was given up; says whether anything was.
    pub(super) fn abandon(&mut self, stream: StreamId, message: u64) -> bool {
        let is_head = |waiting: &Waiting| waiting.message == message;
        let left = self.streams.get(&stream).and_then(|s| s.queue.front()).is_some_and(is_head);
        if left {
            self.drop_head(stream);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn push(out: &mut Outbound, stream: u16, length: usize) {
        let data = vec![0; length];
        out.push(NOW, StreamId(stream), Ppid::BINARY, data, Reliability::RELIABLE);
    }

    fn drain(out: &mut Outbound, room: usize) -> Vec<(u16, usize)> {
        let mut taken = Vec::new();
        while out.peek(NOW).is_some() {
            let fragment = out.take(room).expect("peeked");
            taken.push((fragment.stream.0, fragment.payload.len()));
        }
        taken
    }

    #[test]
    fn without_interleaving_a_message_is_finished_before_the_next_stream_gets_its_turn() {
        let mut out = Outbound::default();
        push(&mut out, 1, 25);
        push(&mut out, 1, 5);
        push(&mut out, 2, 5);
        assert_eq!(drain(&mut out, 10), [(1, 10), (1, 10), (1, 5), (2, 5), (1, 5)]);
        assert_eq!(out.buffered(), 0);
    }

    #[test]
    fn with_interleaving_a_small_message_overtakes_a_big_one() {
        let mut out = Outbound { interleaving: true, ..Outbound::default() };
        push(&mut out, 1, 25);
        push(&mut out, 2, 5);
        assert_eq!(drain(&mut out, 10), [(1, 10), (2, 5), (1, 10), (1, 5)]);
    }

    #[test]
    fn message_that_expires_before_its_first_fragment_takes_no_sequence_number() {
        let mut out = Outbound { partial_reliability: true, ..Outbound::default() };
        let short =
            Reliability { lifetime: Some(Duration::from_millis(5)), ..Reliability::RELIABLE };
        out.push(NOW, StreamId(1), Ppid::BINARY, vec![1], short);
        push(&mut out, 1, 2);
        assert_eq!(out.peek(Duration::from_millis(5)), Some(2));
        let fragment = out.take(100).expect("peeked");
        assert_eq!(fragment.order, Order::Ssn(Ssn(0)));
        assert_eq!(out.buffered_on(StreamId(1)), 0);
    }
}
