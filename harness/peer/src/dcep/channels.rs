//! The table of channels and the rules of their life.

use std::collections::{BTreeMap, VecDeque};

use rtcspec_wire::dcep::{DcepError, Message as Dcep};
use rtcspec_wire::sctp::{Ppid, StreamId};

use super::Error;
use super::channel::{Channel, ChannelId, Options, State};
use super::payload::{Part, Payload};
use crate::dtls::Role;
use crate::sctp::Reliability;

/// Messages kept for a channel whose predecessor on the stream is not quite closed.
const MAX_DEFERRED: usize = 64;
/// The longest message taken in deprecated parts unless told otherwise: what browsers announce.
const MOST_IN_PARTS: usize = 1 << 18;
/// The same where any length is announced: a hostile peer must not make us keep parts without end.
const MOST_OF_ANY: usize = 1 << 26;
/// Stream 65535 is not used: RFC 8832 §6, as many implementations keep it for "none".
const LAST_STREAM: u16 = 65_534;

/// A message for SCTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its stream.
    pub stream: StreamId,
    /// Its payload protocol identifier.
    pub ppid: Ppid,
    /// The message, not empty.
    pub data: Vec<u8>,
    /// How SCTP is to carry it.
    pub reliability: Reliability,
}

/// What the association shall do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message.
    Send(Outgoing),
    /// Reset the outgoing stream, after what was sent on it.
    Reset(StreamId),
}

/// What happened to channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer opened a channel; it is open.
    Incoming(ChannelId),
    /// A channel of this side is open.
    Open(ChannelId),
    /// A message arrived.
    Message(ChannelId, Payload),
    /// The peer closes a channel.
    Closing(ChannelId),
    /// A channel is closed.
    Closed(ChannelId),
    /// An OPEN was refused and its stream reset (RFC 8832 §6).
    Refused {
        /// Its stream.
        stream: StreamId,
    },
    /// A message in deprecated parts is longer than this side takes; it is dropped.
    TooLong(ChannelId),
    /// A user message came where there is no channel, or with an identifier channels do not use.
    Stray {
        /// Its stream.
        stream: StreamId,
        /// Its payload protocol identifier.
        ppid: Ppid,
    },
}

#[derive(Clone, Copy, Debug)]
struct Association {
    role: Role,
    streams: u16,
    max_message_size: usize,
}

/// The data channels of one association.
///
/// After each call, drain [`poll_output`](Self::poll_output) into the association and
/// [`poll_event`](Self::poll_event).
#[derive(Clone, Debug, Default)]
pub struct Channels {
    channels: BTreeMap<ChannelId, Channel>,
    by_stream: BTreeMap<StreamId, ChannelId>,
    association: Option<Association>,
    /// The longest message this side has announced to take; `None` if it has not said.
    takes: Option<usize>,
    next: u64,
    /// Where the search for a free stream begins.
    next_stream: u16,
    outputs: VecDeque<Output>,
    events: VecDeque<Event>,
}

impl Channels {
    /// A table without channels and without association.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table without channels and without association, of a side that announces to take messages
    /// of at most so many bytes, 0 for any length (RFC 8841 §6.1).
    #[must_use]
    pub fn taking(bytes: usize) -> Self {
        Self { takes: Some(bytes), ..Self::default() }
    }

    /// A channel, until [`forget`](Self::forget).
    #[must_use]
    pub fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// All channels in the order of their creation.
    pub fn iter(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.channels.iter().map(|(id, channel)| (*id, channel))
    }

    /// What the association shall do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Makes a channel. Before the association is there, the channel waits for it.
    ///
    /// # Errors
    /// If the options contradict each other, or no stream can be had.
    pub fn create(&mut self, options: Options) -> Result<ChannelId, Error> {
        options.open()?;
        if let Some(stream) = options.negotiated {
            let streams = self.association.map_or(u16::MAX, |association| association.streams);
            if stream.0 > LAST_STREAM || stream.0 >= streams {
                return Err(Error::BadStream { stream });
            }
            if self.by_stream.contains_key(&stream) {
                return Err(Error::StreamInUse { stream });
            }
        } else if self.association.is_some() && self.free_stream().is_none() {
            return Err(Error::NoStreamLeft);
        }
        let stream = options.negotiated;
        let id = self.insert(Channel::new(options, stream, false));
        self.start(id);
        Ok(id)
    }

    /// The association is there: channels get streams and open.
    ///
    /// `role` is this side's DTLS role, `streams` what may be sent on, `max_message_size` what the
    /// peer takes in bytes, [`usize::MAX`] for any length (RFC 8841 §6.1).
    pub fn connected(&mut self, role: Role, streams: u16, max_message_size: usize) {
        self.association = Some(Association { role, streams, max_message_size });
        // RFC 8832 §6: the DTLS client uses even streams, the server odd ones.
        self.next_stream = u16::from(role == Role::Server);
        let waiting: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in waiting {
            self.start(id);
        }
    }

    /// The association is over: so are the channels.
    pub fn disconnected(&mut self) {
        self.association = None;
        self.outputs.clear();
        let all: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in all {
            self.finish(id);
        }
    }

    /// Sends a user message. Allowed as soon as the OPEN has been queued (RFC 8832 §6).
    ///
    /// # Errors
    /// If the channel has no stream yet or is closing, or the message is too long for the peer.
    pub fn send(&mut self, id: ChannelId, payload: Payload) -> Result<(), Error> {
        let channel = self.channels.get(&id).ok_or(Error::NoSuchChannel(id))?;
        let usable = matches!(channel.state, State::Connecting | State::Open);
        let (Some(stream), Some(association), true) = (channel.stream, self.association, usable)
        else {
            return Err(Error::NotOpen(id));
        };
        let (length, limit) = (payload.len(), association.max_message_size);
        if length > limit {
            return Err(Error::TooLong { length, limit });
        }
        let reliability = channel.reliability();
        let (ppid, data) = payload.into_wire();
        self.outputs.push_back(Output::Send(Outgoing { stream, ppid, data, reliability }));
        Ok(())
    }

    /// Closes a channel once what was sent on it has left (RFC 8831 §6.7).
    pub fn close(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if matches!(channel.state, State::Closing | State::Closed) {
            return;
        }
        match (channel.stream, self.association) {
            (Some(stream), Some(_)) => {
                channel.state = State::Closing;
                self.outputs.push_back(Output::Reset(stream));
            }
            _ => self.finish(id),
        }
    }

    /// Drops a closed channel from the table.
    pub fn forget(&mut self, id: ChannelId) {
        if self.channels.get(&id).is_some_and(|channel| channel.state == State::Closed) {
            self.channels.remove(&id);
        }
    }

    /// A message SCTP delivered.
    pub fn received(&mut self, stream: StreamId, ppid: Ppid, data: &[u8]) {
        if let Some(channel) = self.on_stream_mut(stream)
            && channel.incoming_done
        {
            // The peer uses the stream again and has not told that it saw this side's reset.
            if channel.deferred.len() < MAX_DEFERRED {
                channel.deferred.push((ppid, data.to_vec()));
            }
            return;
        }
        if ppid == Ppid::DCEP {
            self.received_dcep(stream, data);
        } else {
            self.received_user(stream, ppid, data);
        }
    }

    /// The peer reset its outgoing streams; none means all (RFC 6525 §4.1).
    pub fn incoming_reset(&mut self, streams: &[StreamId]) {
        let all: Vec<StreamId> = self.by_stream.keys().copied().collect();
        let streams = if streams.is_empty() { &all } else { streams };
        for stream in streams {
            let Some(id) = self.by_stream.get(stream).copied() else { continue };
            let Some(channel) = self.channels.get_mut(&id) else { continue };
            channel.incoming_done = true;
            if matches!(channel.state, State::Connecting | State::Open) {
                // RFC 8831 §6.7: the other side resets its direction in turn.
                channel.state = State::Closing;
                self.outputs.push_back(Output::Reset(*stream));
                self.events.push_back(Event::Closing(id));
            }
            self.finish_if_done(id);
        }
    }

    /// A reset this side asked for is done.
    pub fn outgoing_reset(&mut self, stream: StreamId) {
        let Some(id) = self.by_stream.get(&stream).copied() else { return };
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.outgoing_done = true;
            self.finish_if_done(id);
        }
    }

    /// The peer did not reset: the channel is closed here, and its stream is not used again.
    pub fn reset_refused(&mut self, stream: StreamId) {
        if let Some(id) = self.by_stream.get(&stream).copied() {
            self.finish(id);
            self.by_stream.insert(stream, id);
        }
    }

    fn insert(&mut self, channel: Channel) -> ChannelId {
        let id = ChannelId(self.next);
        self.next += 1;
        if let Some(stream) = channel.stream {
            self.by_stream.insert(stream, id);
        }
        self.channels.insert(id, channel);
        id
    }

    fn on_stream_mut(&mut self, stream: StreamId) -> Option<&mut Channel> {
        self.channels.get_mut(self.by_stream.get(&stream)?)
    }

    /// A stream of this side's parity that no channel has, the lowest not used yet first.
    fn free_stream(&self) -> Option<StreamId> {
        let association = self.association?;
        let streams = association.streams;
        let parity = u16::from(association.role == Role::Server);
        let free = |stream: &u16| !self.by_stream.contains_key(&StreamId(*stream));
        let fresh = (self.next_stream..streams).step_by(2).find(free);
        fresh.or_else(|| (parity..self.next_stream).step_by(2).find(free)).map(StreamId)
    }

    /// Opens a channel that waits, if there is an association.
    fn start(&mut self, id: ChannelId) {
        let Some(association) = self.association else { return };
        let Some(channel) = self.channels.get(&id) else { return };
        if channel.state != State::Connecting || channel.by_peer {
            return;
        }
        if let Some(stream) = channel.options.negotiated {
            if stream.0 < association.streams {
                self.opened(id);
            } else {
                self.finish(id);
            }
            return;
        }
        if channel.stream.is_some() {
            return;
        }
        let open = channel.options.open();
        let (Some(stream), Ok(open)) = (self.free_stream(), open) else {
            self.finish(id);
            return;
        };
        self.next_stream = stream.0.saturating_add(2);
        self.by_stream.insert(stream, id);
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.stream = Some(stream);
        }
        self.say(stream, &Dcep::Open(open));
    }

    /// RFC 8832 §6: DCEP messages are sent reliably and in order, whatever the channel is.
    fn say(&mut self, stream: StreamId, message: &Dcep) {
        let (ppid, data, reliability) = (Ppid::DCEP, message.to_bytes(), Reliability::RELIABLE);
        self.outputs.push_back(Output::Send(Outgoing { stream, ppid, data, reliability }));
    }

    fn opened(&mut self, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(&id)
            && channel.state == State::Connecting
        {
            channel.state = State::Open;
            self.events.push_back(Event::Open(id));
        }
    }

    fn received_dcep(&mut self, stream: StreamId, data: &[u8]) {
        match Dcep::parse(data) {
            // pion 3.1.56 sends four bytes (RFC 8832 §5.2: one); its type says what is meant.
            Ok(Dcep::Ack) | Err(DcepError::LongAck(_)) => {
                if let Some(id) = self.by_stream.get(&stream).copied() {
                    self.heard(id);
                }
            }
            Ok(Dcep::Open(open)) => self.received_open(stream, Options::of(&open)),
            Err(_) if data.first() == Some(&rtcspec_wire::dcep::OPEN) => self.refuse(stream),
            // Other messages are reserved (RFC 8832 §8.2.1): nothing is known to be wrong.
            Err(_) => {}
        }
    }

    /// RFC 8832 §6: of the peer's parity and on a stream nobody uses, or it is not taken.
    fn received_open(&mut self, stream: StreamId, options: Options) {
        let Some(association) = self.association else { return };
        let peer_parity = u16::from(association.role == Role::Client);
        let valid = stream.0 % 2 == peer_parity
            && stream.0 <= LAST_STREAM
            && stream.0 < association.streams
            && !self.by_stream.contains_key(&stream);
        if !valid {
            self.refuse(stream);
            return;
        }
        let mut channel = Channel::new(options, Some(stream), true);
        channel.state = State::Open;
        let id = self.insert(channel);
        self.say(stream, &Dcep::Ack);
        self.events.push_back(Event::Incoming(id));
    }

    /// RFC 8832 §6: no ACK; the channel, whichever has the stream, is closed.
    fn refuse(&mut self, stream: StreamId) {
        self.events.push_back(Event::Refused { stream });
        match self.by_stream.get(&stream).copied() {
            Some(id) => self.close(id),
            None => self.outputs.push_back(Output::Reset(stream)),
        }
    }

    /// Something came on a channel: its OPEN has arrived.
    fn heard(&mut self, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.unanswered = false;
        }
        self.opened(id);
    }

    fn received_user(&mut self, stream: StreamId, ppid: Ppid, data: &[u8]) {
        let part = Part::of(ppid);
        let Some(id) = self.by_stream.get(&stream).copied().filter(|_| part != Part::Foreign)
        else {
            self.events.push_back(Event::Stray { stream, ppid });
            return;
        };
        self.heard(id);
        if self.channels.get(&id).is_none_or(|channel| channel.state != State::Open) {
            // W3C: what arrives while closing is not delivered.
            return;
        }
        let payload = match part {
            Part::Partial(_) => {
                self.add_part(id, data);
                return;
            }
            Part::Empty(kind) => Some(kind.payload(Vec::new())),
            Part::Last(kind) => self.finish_parts(id, data).map(|bytes| kind.payload(bytes)),
            Part::Foreign => None,
        };
        self.events.extend(payload.map(|payload| Event::Message(id, payload)));
    }

    /// Bounded: a message in parts is no longer than one in one piece may be.
    fn add_part(&mut self, id: ChannelId, data: &[u8]) {
        let limit = match self.takes {
            None => MOST_IN_PARTS,
            Some(0) => MOST_OF_ANY,
            Some(bytes) => bytes,
        };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if !channel.parts.add(data, limit) {
            self.events.push_back(Event::TooLong(id));
        }
    }

    /// The message a last part ends, or one in one piece; `None` if it was lost.
    fn finish_parts(&mut self, id: ChannelId, data: &[u8]) -> Option<Vec<u8>> {
        if self.channels.get(&id)?.parts.is_empty() {
            return Some(data.to_vec());
        }
        self.add_part(id, data);
        self.channels.get_mut(&id)?.parts.take()
    }

    fn finish_if_done(&mut self, id: ChannelId) {
        let done = |channel: &Channel| channel.outgoing_done && channel.incoming_done;
        if self.channels.get(&id).is_some_and(done) {
            self.finish(id);
        }
    }

    /// Closes for good and frees the stream; what waited for it is worked through.
    fn finish(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        if channel.state == State::Closed {
            return;
        }
        channel.state = State::Closed;
        let deferred = std::mem::take(&mut channel.deferred);
        let stream = channel.stream;
        self.events.push_back(Event::Closed(id));
        let Some(stream) = stream else { return };
        if self.by_stream.get(&stream) == Some(&id) {
            self.by_stream.remove(&stream);
        }
        if self.association.is_some() {
            for (ppid, data) in deferred {
                self.received(stream, ppid, &data);
            }
        }
    }
}
