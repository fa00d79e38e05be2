//! Fragments to messages, and messages in the order of their streams: RFC 9260 §6.5, §6.6, §6.9;
//! RFC 8260 §2; RFC 3758 §3.6.

use std::collections::BTreeMap;

use rtcspec_wire::sctp::{
    DataView, ForwardTsnView, FragmentPosition, IDataView, IForwardTsnView, Mid, Ppid, Ssn,
    StreamId,
};

use super::Message;
use super::serial::{LongTsn, nearest16, nearest32};

#[derive(Clone, Debug)]
struct Piece {
    beginning: bool,
    ending: bool,
    ppid: Ppid,
    payload: Vec<u8>,
}

/// A message whose pieces have a common number: the SSN of ordered DATA or a MID. The key of a
/// piece is its TSN (DATA) or its FSN (I-DATA).
#[derive(Clone, Debug, Default)]
struct Partial {
    pieces: BTreeMap<u64, Piece>,
    first: Option<u64>,
    last: Option<u64>,
}

impl Partial {
    fn insert(&mut self, key: u64, piece: Piece) {
        if piece.beginning {
            self.first = Some(key);
        }
        if piece.ending {
            self.last = Some(key);
        }
        self.pieces.insert(key, piece);
    }

    fn is_complete(&self) -> bool {
        let (Some(first), Some(last)) = (self.first, self.last) else { return false };
        let Some(count) = last.checked_sub(first).map(|span| span + 1) else { return false };
        // Of a peer that numbers wrongly there may be pieces outside, which must not make up for
        // those that lack. Counting costs something only once there are enough.
        self.pieces.len() as u64 >= count && self.pieces.range(first..=last).count() as u64 == count
    }

    /// The pieces from the first to the last, and the bytes of those outside.
    fn within(mut self) -> (impl Iterator<Item = Piece>, usize) {
        let span = self.first.unwrap_or_default()..=self.last.unwrap_or(u64::MAX);
        let all = self.length();
        self.pieces.retain(|key, _| span.contains(key));
        let outside = all - self.length();
        (self.pieces.into_values(), outside)
    }

    fn length(&self) -> usize {
        self.pieces.values().map(|piece| piece.payload.len()).sum()
    }
}

/// One order of messages on a stream.
#[derive(Clone, Debug)]
struct Sequence {
    /// The number whose message is delivered next, where order counts.
    next: u64,
    partial: BTreeMap<u64, Partial>,
}

impl Default for Sequence {
    fn default() -> Self {
        // Low bits zero, and room below: numbers from before a wrap must not go under 0.
        Self { next: 1 << 32, partial: BTreeMap::new() }
    }
}

impl Sequence {
    /// Forgets everything up to a number; gives the bytes this frees.
    fn skip(&mut self, number: u64) -> usize {
        let kept = self.partial.split_off(&(number + 1));
        let freed = std::mem::replace(&mut self.partial, kept);
        self.next = self.next.max(number + 1);
        freed.values().map(Partial::length).sum()
    }
}

#[derive(Clone, Debug, Default)]
struct Stream {
    ordered: Sequence,
    /// Of I-DATA, whose unordered messages have numbers too.
    unordered: Sequence,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Reassembly {
    streams: BTreeMap<StreamId, Stream>,
    /// Unordered DATA: only the TSNs tell what belongs together.
    loose: BTreeMap<LongTsn, (StreamId, Piece)>,
    buffered: usize,
}

/// Where complete messages go, in order.
type Delivered = Vec<Message>;

impl Reassembly {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    pub(super) fn data(&mut self, tsn: LongTsn, data: &DataView<'_>, out: &mut Delivered) {
        let piece = Piece {
            beginning: data.flags.beginning,
            ending: data.flags.ending,
            ppid: data.ppid,
            payload: data.payload.to_vec(),
        };
        self.buffered += piece.payload.len();
        if data.flags.unordered {
            self.loose.insert(tsn, (data.stream, piece));
            self.deliver_loose(tsn, out);
            return;
        }
        let sequence = &mut self.streams.entry(data.stream).or_default().ordered;
        let number = nearest16(sequence.next, data.ssn.0);
        if number < sequence.next {
            // Already delivered or skipped: a peer that numbers wrongly.
            self.buffered -= piece.payload.len();
            return;
        }
        sequence.partial.entry(number).or_default().insert(tsn.key(), piece);
        self.deliver_ordered(data.stream, out);
    }

    pub(super) fn i_data(&mut self, data: &IDataView<'_>, out: &mut Delivered) {
        let ppid = match data.position {
            FragmentPosition::First(ppid) => ppid,
            FragmentPosition::Later(_) => Ppid(0),
        };
        let piece = Piece {
            beginning: data.flags.beginning,
            ending: data.flags.ending,
            ppid,
            payload: data.payload.to_vec(),
        };
        let length = piece.payload.len();
        let stream = self.streams.entry(data.stream).or_default();
        let sequence =
            if data.flags.unordered { &mut stream.unordered } else { &mut stream.ordered };
        let number = nearest32(sequence.next, data.mid.0);
        let fsn = u64::from(data.position.fsn().0);
        let partial = sequence.partial.entry(number).or_default();
        // RFC 8260 §2.1: no fragment lies after the last; usrsctp #355 let one in.
        let impossible = partial.pieces.contains_key(&fsn)
            || partial.last.is_some_and(|last| fsn > last)
            || (!data.flags.unordered && number < sequence.next);
        if impossible {
            if partial.pieces.is_empty() {
                sequence.partial.remove(&number);
            }
            return;
        }
        self.buffered += length;
        partial.insert(fsn, piece);
        if data.flags.unordered {
            self.deliver_unordered(data.stream, number, out);
        } else {
            self.deliver_ordered(data.stream, out);
        }
    }

    fn deliver_ordered(&mut self, id: StreamId, out: &mut Delivered) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let sequence = &mut stream.ordered;
        while sequence.partial.get(&sequence.next).is_some_and(Partial::is_complete) {
            if let Some(partial) = sequence.partial.remove(&sequence.next) {
                let (pieces, outside) = partial.within();
                let message = join(id, false, pieces);
                self.buffered -= message.data.len() + outside;
                out.push(message);
            }
            sequence.next += 1;
        }
    }

    fn deliver_unordered(&mut self, id: StreamId, number: u64, out: &mut Delivered) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let sequence = &mut stream.unordered;
        if sequence.partial.get(&number).is_some_and(Partial::is_complete)
            && let Some(partial) = sequence.partial.remove(&number)
        {
            // Later numbers are told from wrapped ones by what came last.
            sequence.next = sequence.next.max(number);
            let (pieces, outside) = partial.within();
            let message = join(id, true, pieces);
            self.buffered -= message.data.len() + outside;
            out.push(message);
        }
    }

    /// Delivers the unordered DATA message around a TSN, if all of it is there.
    fn deliver_loose(&mut self, tsn: LongTsn, out: &mut Delivered) {
        let Some((stream, _)) = self.loose.get(&tsn) else { return };
        let id = *stream;
        let Some(last) = self.loose_end(tsn, id, |piece| piece.ending, |tsn| tsn.plus(1)) else {
            return;
        };
        let Some(first) = self.loose_end(tsn, id, |piece| piece.beginning, LongTsn::previous)
        else {
            return;
        };
        let mut pieces = Vec::new();
        let mut at = first;
        while at <= last {
            pieces.extend(self.loose.remove(&at).map(|(_, piece)| piece));
            at = at.plus(1);
        }
        let message = join(id, true, pieces.into_iter());
        self.buffered -= message.data.len();
        out.push(message);
    }

    /// Walks from a TSN over pieces of one stream to the one that ends the message on that side.
    fn loose_end(
        &self,
        from: LongTsn,
        id: StreamId,
        is_end: impl Fn(&Piece) -> bool,
        step: impl Fn(LongTsn) -> LongTsn,
    ) -> Option<LongTsn> {
        let mut at = from;
        loop {
            let (stream, piece) = self.loose.get(&at)?;
            if *stream != id {
                return None;
            }
            if is_end(piece) {
                return Some(at);
            }
            at = step(at);
        }
    }

    /// RFC 3758 §3.6: goes on behind what the peer has given up.
    pub(super) fn forward(
        &mut self,
        cumulative: LongTsn,
        view: &ForwardTsnView<'_>,
        out: &mut Delivered,
    ) {
        self.drop_loose(cumulative);
        for skipped in view.streams() {
            let Ssn(ssn) = skipped.ssn;
            let sequence = &mut self.streams.entry(skipped.stream).or_default().ordered;
            let number = nearest16(sequence.next, ssn);
            if number >= sequence.next {
                self.buffered -= sequence.skip(number);
            }
            self.deliver_ordered(skipped.stream, out);
        }
    }

    /// RFC 8260 §2.3.1: the same with I-FORWARD-TSN.
    pub(super) fn i_forward(&mut self, view: &IForwardTsnView<'_>, out: &mut Delivered) {
        for skipped in view.messages() {
            let Mid(mid) = skipped.mid;
            let stream = self.streams.entry(skipped.stream).or_default();
            let sequence =
                if skipped.unordered { &mut stream.unordered } else { &mut stream.ordered };
            let number = nearest32(sequence.next, mid);
            if skipped.unordered || number >= sequence.next {
                self.buffered -= sequence.skip(number);
            }
            self.deliver_ordered(skipped.stream, out);
        }
    }

    fn drop_loose(&mut self, cumulative: LongTsn) {
        let kept = self.loose.split_off(&cumulative.plus(1));
        let dropped = std::mem::replace(&mut self.loose, kept);
        self.buffered -= dropped.values().map(|(_, piece)| piece.payload.len()).sum::<usize>();
    }

    /// RFC 6525 §5.2.2: incoming streams start again at 0.
    pub(super) fn reset(&mut self, streams: &[StreamId]) {
        if streams.is_empty() {
            for stream in self.streams.values_mut() {
                self.buffered -= clear(stream);
            }
        }
        for id in streams {
            if let Some(stream) = self.streams.get_mut(id) {
                self.buffered -= clear(stream);
            }
        }
    }
}

fn clear(stream: &mut Stream) -> usize {
    let Stream { ordered, unordered } = std::mem::take(stream);
    let partial = ordered.partial.values().chain(unordered.partial.values());
    partial.map(Partial::length).sum()
}

fn join(stream: StreamId, unordered: bool, mut pieces: impl Iterator<Item = Piece>) -> Message {
    let (ppid, mut data) =
        pieces.next().map(|piece| (piece.ppid, piece.payload)).unwrap_or_default();
    for piece in pieces {
        data.extend_from_slice(&piece.payload);
    }
    Message { stream, ppid, unordered, data }
}
