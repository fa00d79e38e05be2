//! What a peer does that tells nothing, as the wire shows it: which channels it takes, and which
//! messages it has.
//!
//! A channel of the other side is open when it acknowledges that (RFC 8832 §6). A message has arrived
//! when it has acknowledged every TSN of it (RFC 9260 §6.2): its stack has it, its application may not.
//! A channel is closed when it resets its own side of the stream (RFC 8831 §6.7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_control::{Event, Payload};
use rtcspec_trace::watch::{Chunk, Dcep, Kind, Message, Observer, Seen};
use rtcspec_trace::{Datagram, Party, Place, Signal};
use rtcspec_wire::dcep;
use rtcspec_wire::sctp::{Body, Parameter, Ppid, SackView, StreamId, Tsn};

/// Looks on for a peer that tells nothing.
#[derive(Debug)]
pub(super) struct Onlooker {
    /// Whom it looks at.
    pub(super) of: Party,
    observer: Observer,
    /// Signals it has taken in.
    signals: usize,
    reading: Reading,
}

impl Onlooker {
    /// Nothing was seen yet. `pc` is the handle of the peer's connection.
    pub(super) fn new(of: Party, pc: &str) -> Self {
        let reading = Reading { pc: pc.to_owned(), ..Reading::default() };
        Self { of, observer: Observer::new(), signals: 0, reading }
    }

    /// Takes in secrets, which open what is seen from now on.
    pub(super) fn secrets(&mut self, secrets: &[String]) {
        secrets.iter().for_each(|line| self.observer.secrets(line));
    }

    /// Takes in what was signalled since the last time.
    pub(super) fn signalled(&mut self, signals: &[Signal]) {
        let fresh = signals.get(self.signals..).unwrap_or_default();
        fresh.iter().for_each(|signal| self.observer.signal(0, signal));
        self.signals = signals.len();
    }

    /// Looks at a datagram whose fate is known; says what the peer would have told.
    pub(super) fn look(&mut self, now: Duration, datagram: &Datagram) -> Vec<Event> {
        let own = Some(Place::Peer(self.of));
        let (by_peer, to_peer) = (datagram.from == own, datagram.to == own);
        if datagram.lost.is_none() && (by_peer || to_peer) {
            // As on the peer's own host, so that an allocation and its channels have one client
            // whatever translates it on the way.
            let (source, destination) = match by_peer {
                true => (datagram.source, datagram.destination),
                false => (datagram.seen_source, datagram.seen_destination),
            };
            let seen = Seen {
                number: datagram.number,
                at: now,
                carrier: datagram.carrier,
                source,
                destination,
                payload: &datagram.payload,
            };
            let reading = &mut self.reading;
            self.observer.seen(&seen, &mut |event| reading.hear(by_peer, &event.kind));
        }
        std::mem::take(&mut self.reading.told)
    }
}

/// A message that the peer has not acknowledged yet.
#[derive(Debug)]
struct Awaited {
    stream: StreamId,
    payload: Payload,
    /// What it has not acknowledged of it.
    tsns: BTreeSet<u32>,
}

/// What of a message a chunk carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    first: bool,
    last: bool,
    /// Stream, order and number of the message, where I-DATA tells them (RFC 8260 §2.1).
    message: Option<(StreamId, bool, u32)>,
}

/// What the wire has shown.
#[derive(Debug, Default)]
struct Reading {
    pc: String,
    /// Chunks of the other side whose messages are not whole.
    pieces: BTreeMap<u32, Piece>,
    /// The chunk that was seen last.
    newest: Option<Tsn>,
    awaited: Vec<Awaited>,
    /// Channels that were asked for, and whether the peer has taken them.
    channels: BTreeMap<u16, bool>,
    told: Vec<Event>,
}

impl Reading {
    fn hear(&mut self, by_peer: bool, kind: &Kind<'_>) {
        match kind {
            Kind::Chunk(chunk) if by_peer => self.chunk_of_peer(chunk),
            Kind::Chunk(chunk) => self.chunk_of_other(chunk),
            Kind::Dcep(message) => self.dcep(by_peer, message),
            Kind::Message(message) if !by_peer => self.message(message),
            _ => {}
        }
    }

    fn handle(&self, stream: StreamId) -> String {
        format!("{}/r{}", self.pc, stream.0)
    }

    fn chunk_of_peer(&mut self, chunk: &Chunk<'_>) {
        match &chunk.body {
            Ok(Body::Sack(sack)) => self.acknowledged(sack),
            Ok(Body::ReConfig(reset)) => {
                let parameters = reset.parameters();
                let parsed = parameters.filter_map(|found| Parameter::from_view(&found).ok());
                let streams = parsed.filter_map(|parameter| match parameter {
                    Parameter::OutgoingSsnReset(reset) => Some(reset.streams),
                    _ => None,
                });
                streams.flatten().collect::<Vec<_>>().into_iter().for_each(|s| self.closed(s));
            }
            _ => {}
        }
    }

    fn chunk_of_other(&mut self, chunk: &Chunk<'_>) {
        let (tsn, flags, message) = match &chunk.body {
            Ok(Body::Data(data)) => (data.tsn, data.flags, None),
            Ok(Body::IData(data)) => {
                (data.tsn, data.flags, Some((data.stream, data.flags.unordered, data.mid.0)))
            }
            Ok(Body::ForwardTsn(forward)) => return self.given_up(forward.new_cumulative_tsn),
            Ok(Body::IForwardTsn(forward)) => return self.given_up(forward.new_cumulative_tsn),
            _ => return,
        };
        if !chunk.again {
            let (first, last) = (flags.beginning, flags.ending);
            self.pieces.insert(tsn.0, Piece { first, last, message });
            self.newest = Some(tsn);
        }
    }

    /// RFC 3758 §3.2: what was not acknowledged of it never will be.
    fn given_up(&mut self, until: Tsn) {
        self.awaited.retain(|one| one.tsns.iter().all(|tsn| Tsn(*tsn).is_after(until)));
    }

    fn dcep(&mut self, by_peer: bool, message: &Dcep<'_>) {
        let stream = message.stream;
        match message.view.to_value() {
            Ok(dcep::Message::Open(open)) if !by_peer => {
                self.channels.insert(stream.0, false);
                let limit = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
                let (max_retransmits, max_packet_life_time) = match open.reliability {
                    dcep::Reliability::Reliable => (None, None),
                    dcep::Reliability::MaxRetransmits(count) => (Some(limit(count)), None),
                    dcep::Reliability::MaxPacketLifeTime(time) => (None, Some(limit(time))),
                };
                self.told.push(Event::Channel {
                    dc: self.handle(stream),
                    label: open.label.as_str().to_owned(),
                    protocol: open.protocol.as_str().to_owned(),
                    ordered: open.ordered,
                    sid: Some(stream.0),
                    max_retransmits,
                    max_packet_life_time,
                });
            }
            Ok(dcep::Message::Ack) if by_peer => {
                if let Some(taken) = self.channels.get_mut(&stream.0)
                    && !std::mem::replace(taken, true)
                {
                    self.told.push(Event::Open { dc: self.handle(stream), sid: Some(stream.0) });
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, stream: StreamId) {
        if self.channels.remove(&stream.0).is_some() {
            self.told.push(Event::Closed { dc: self.handle(stream) });
        }
    }

    /// A message of the other side is whole: every chunk of it has left.
    fn message(&mut self, message: &Message<'_>) {
        let Some(newest) = self.newest else { return };
        let tsns = self.chunks_with(newest);
        tsns.iter().for_each(|tsn| _ = self.pieces.remove(tsn));
        let known = self.channels.contains_key(&message.stream.0) && message.is_whole();
        if let Some(payload) = payload(message).filter(|_| known) {
            self.awaited.push(Awaited { stream: message.stream, payload, tsns });
        }
    }

    /// The TSNs of the message that a chunk belongs to: those between its first and its last chunk,
    /// which follow each other (RFC 9260 §6.9), or those that I-DATA gives the same name.
    fn chunks_with(&self, tsn: Tsn) -> BTreeSet<u32> {
        let Some(piece) = self.pieces.get(&tsn.0) else { return BTreeSet::new() };
        if let Some(message) = piece.message {
            let same = |(_, piece): &(&u32, &Piece)| piece.message == Some(message);
            return self.pieces.iter().filter(same).map(|(tsn, _)| *tsn).collect();
        }
        let mut tsns = BTreeSet::from([tsn.0]);
        let (mut first, mut last) = (tsn, tsn);
        while self.pieces.get(&first.0).is_some_and(|piece| !piece.first) {
            first = first.previous();
            tsns.insert(first.0);
        }
        while self.pieces.get(&last.0).is_some_and(|piece| !piece.last) {
            last = last.next();
            tsns.insert(last.0);
        }
        tsns
    }

    fn acknowledged(&mut self, sack: &SackView<'_>) {
        let until = sack.cumulative_tsn_ack;
        let beyond = |tsn: u32| Tsn(tsn).since(until);
        let gaps: Vec<(u32, u32)> =
            sack.gap_blocks().map(|gap| (gap.start.into(), gap.end.into())).collect();
        let has = |tsn: u32| {
            let within = |(start, end): &(u32, u32)| (*start..=*end).contains(&beyond(tsn));
            Tsn(tsn).is_at_or_before(until) || gaps.iter().any(within)
        };
        for mut one in std::mem::take(&mut self.awaited) {
            one.tsns.retain(|tsn| !has(*tsn));
            if one.tsns.is_empty() {
                let dc = self.handle(one.stream);
                self.told.push(Event::Message { dc, payload: one.payload });
            } else {
                self.awaited.push(one);
            }
        }
    }
}

/// A message as W3C hands it out (RFC 8831 §6.6); none if it is no application's.
fn payload(message: &Message<'_>) -> Option<Payload> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().map(Payload::Text);
    match message.ppid {
        Ppid::STRING => text(message.bytes),
        Ppid::STRING_EMPTY => text(b""),
        Ppid::BINARY => Some(Payload::Binary(message.bytes.to_vec())),
        Ppid::BINARY_EMPTY => Some(Payload::Binary(Vec::new())),
        _ => None,
    }
}
