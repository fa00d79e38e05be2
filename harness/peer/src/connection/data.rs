//! The SCTP association over DTLS, and the data channels on it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_wire::dcep;
use rtcspec_wire::sctp::{Cause, Packet, Ppid, StreamId, Tsn};

use super::channel::{self, Channel, State};
use super::config::Config;
use super::error::Error;
use super::event::{ChannelId, ChannelInit, Event, Message};
use crate::dtls::Role;
use crate::jsep;
use crate::rng::Rng;
use crate::sctp::{self, Association, Reliability};
use crate::tamper::StreamMessage;

/// Interop: most stacks send INIT as DTLS client, some by other rules, some from both ends. A DTLS
/// server gives the client this long before it sends one too.
const SERVER_PATIENCE: Duration = Duration::from_millis(500);
/// What DTLS adds to a packet at most: header, explicit nonce and tag of DTLS 1.2 with AES-GCM.
const DTLS_OVERHEAD: usize = 40;
/// RFC 8831 §6.2: streams 0 to 65534.
const MAX_STREAM: u16 = 65_534;

/// A message for SCTP and how it is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    pub(super) message: StreamMessage,
    pub(super) reliability: Reliability,
    /// The channel whose application sent it.
    pub(super) channel: Option<ChannelId>,
}

/// The association and its channels.
#[derive(Debug)]
pub(super) struct Data {
    config: sctp::Config,
    /// Largest message this side takes, in bytes.
    max_receive: usize,
    rng: Rng,
    made: u64,
    association: Option<Association>,
    role: Option<Role>,
    /// When a server sends INIT after all.
    connect_at: Option<Duration>,
    established: bool,
    channels: BTreeMap<ChannelId, Channel>,
    by_stream: BTreeMap<u16, ChannelId>,
    named: u32,
    outbound: VecDeque<Outbound>,
    events: VecDeque<Event>,
}

impl Data {
    pub(super) fn new(config: &Config, rng: Rng) -> Self {
        let wanted = &config.sctp;
        let defaults = sctp::Config::default();
        let max_receive = wanted.max_message_size.map(|size| usize::try_from(size).ok());
        Self {
            max_receive: max_receive.flatten().unwrap_or(defaults.max_message_size),
            config: sctp::Config {
                max_packet: config.dtls.mtu.saturating_sub(DTLS_OVERHEAD) & !3,
                a_rwnd: wanted.rwnd.unwrap_or(defaults.a_rwnd),
                interleaving: wanted.interleaving.unwrap_or(defaults.interleaving),
                zero_checksum: wanted.zero_checksum.unwrap_or(defaults.zero_checksum),
                initial_tsn: wanted.initial_tsn.map(Tsn),
                ..defaults
            },
            rng,
            made: 0,
            association: None,
            role: None,
            connect_at: None,
            established: false,
            channels: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            named: 0,
            outbound: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes what the descriptions say.
    pub(super) fn agree(&mut self, sctp: &jsep::Sctp) {
        self.config.local_port = sctp.local_port;
        self.config.remote_port = sctp.remote_port;
        let limit = sctp.max_message_size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        self.config.max_message_size = limit.unwrap_or(usize::MAX);
    }

    /// DTLS is connected.
    pub(super) fn connected(&mut self, now: Duration, role: Option<Role>) {
        let rng = self.rng.fork_nth("association", self.made);
        self.made += 1;
        let mut association = Association::new(self.config.clone(), rng);
        self.role = role;
        if role == Some(Role::Client) {
            association.connect(now);
        } else {
            self.connect_at = Some(now + SERVER_PATIENCE);
        }
        self.association = Some(association);
    }

    /// DTLS is gone, and the association with it.
    pub(super) fn lost(&mut self) {
        self.association = None;
        self.connect_at = None;
        self.close_all();
    }

    /// Ends the association; the other side is told.
    pub(super) fn close(&mut self, now: Duration) {
        if let Some(association) = &mut self.association {
            // RFC 9260 §3.3.10.12: the layer above wants it so.
            association.abort(now, Cause::UserInitiatedAbort(Vec::new()));
        }
        self.close_all();
    }

    pub(super) fn advance(&mut self, now: Duration) {
        let Some(association) = &mut self.association else { return };
        if self.connect_at.take_if(|time| *time <= now).is_some() {
            association.connect(now);
        }
        association.advance(now);
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        let association = self.association.as_ref()?;
        association.wake().into_iter().chain(self.connect_at).min()
    }

    /// A decrypted packet.
    pub(super) fn receive(&mut self, now: Duration, packet: &[u8]) {
        if let Some(association) = &mut self.association {
            association.receive(now, packet);
        }
    }

    /// The next packet to be encrypted.
    pub(super) fn poll_packet(&mut self) -> Option<Vec<u8>> {
        let association = self.association.as_mut()?;
        let packet: Packet = association.poll_transmit()?;
        association.encode(&packet).ok()
    }

    /// The next message to be given to SCTP, once there is an association.
    pub(super) fn poll_outbound(&mut self) -> Option<Outbound> {
        let outbound = self.outbound.pop_front()?;
        let channel = outbound.channel.and_then(|id| self.channels.get_mut(&id));
        if let Some(channel) = channel {
            channel.waiting = channel.waiting.saturating_sub(outbound.message.data.len());
        }
        Some(outbound)
    }

    /// Gives a message to SCTP.
    pub(super) fn send_now(&mut self, now: Duration, outbound: Outbound) {
        let Some(association) = &mut self.association else { return };
        let Outbound { message: StreamMessage { stream, ppid, data }, reliability, channel } =
            outbound;
        let sent = association.send(now, StreamId(stream), Ppid(ppid), data, reliability);
        if let Err(error) = sent {
            self.events.push_back(Event::Error { channel, reason: error.to_string() });
        }
    }

    /// Sends a message nobody asked for.
    pub(super) fn inject(&mut self, now: Duration, message: StreamMessage) {
        let reliability = Reliability::RELIABLE;
        self.send_now(now, Outbound { message, reliability, channel: None });
    }

    /// The next event for the application.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message SCTP has delivered; other news of the association takes effect here.
    pub(super) fn poll_delivered(&mut self, now: Duration) -> Option<StreamMessage> {
        while let Some(event) = self.association.as_mut().and_then(Association::poll_event) {
            match event {
                sctp::Event::Message(message) => {
                    return Some(StreamMessage {
                        stream: message.stream.0,
                        ppid: message.ppid.0,
                        data: message.data,
                    });
                }
                sctp::Event::Connected => self.established(),
                sctp::Event::IncomingReset(streams) => {
                    streams.into_iter().for_each(|stream| self.incoming_reset(now, stream));
                }
                sctp::Event::OutgoingReset(stream) | sctp::Event::ResetRefused { stream, .. } => {
                    self.outgoing_reset(stream);
                }
                sctp::Event::Closed(_) => self.close_all(),
                sctp::Event::Restarted => {
                    self.close_all();
                    self.established = true;
                }
                sctp::Event::PeerError(_) => {}
            }
        }
        None
    }

    fn established(&mut self) {
        self.established = true;
        self.connect_at = None;
        let waiting: Vec<ChannelId> = self.channels.keys().copied().collect();
        waiting.into_iter().for_each(|id| self.open(id));
    }

    /// The association is over, or the other side has forgotten it (RFC 9260 §5.2.4): so are all
    /// channels. It stays, for what it still has to send.
    fn close_all(&mut self) {
        self.established = false;
        self.outbound.clear();
        let open: Vec<ChannelId> = self.channels.keys().copied().collect();
        open.into_iter().for_each(|id| self.closed(id));
    }

    /// `createDataChannel`.
    pub(super) fn create(&mut self, init: ChannelInit) -> Result<ChannelId, Error> {
        check(&init)?;
        let channel = Channel::new(init);
        if let Some(stream) = channel.stream
            && self.by_stream.contains_key(&stream)
        {
            let what = format!("create a channel on stream {stream}, which is in use");
            return Err(Error::new("OperationError", what));
        }
        let stream = channel.stream;
        let id = self.name(channel);
        self.by_stream.extend(stream.map(|stream| (stream, id)));
        self.open(id);
        Ok(id)
    }

    fn name(&mut self, channel: Channel) -> ChannelId {
        let id = ChannelId(self.named);
        self.named += 1;
        self.channels.insert(id, channel);
        id
    }

    /// Opens a channel that waits, if the association is there.
    fn open(&mut self, id: ChannelId) {
        let is_waiting =
            self.channels.get(&id).is_some_and(|channel| channel.state == State::Connecting);
        if !self.established || !is_waiting {
            return;
        }
        let free = self.free_stream();
        let Some(channel) = self.channels.get_mut(&id) else { return };
        let Some(stream) = channel.stream.or(free) else {
            let reason = "open a channel: no stream is free".to_owned();
            self.events.push_back(Event::Error { channel: Some(id), reason });
            self.closed(id);
            return;
        };
        channel.stream = Some(stream);
        channel.state = State::Open;
        self.by_stream.insert(stream, id);
        if let Some(open) = channel.open_message().filter(|_| !channel.init.negotiated) {
            self.outbound.push_back(dcep_message(stream, &dcep::Message::Open(open)));
        }
        self.events.push_back(Event::Open { channel: id, stream });
    }

    /// RFC 8832 §6: the DTLS client has the even streams, the server the odd ones.
    fn free_stream(&self) -> Option<u16> {
        let first = u16::from(self.role != Some(Role::Client));
        let limit = self.association.as_ref().map_or(0, Association::outbound_streams);
        let mut ours = (first..=MAX_STREAM).step_by(2).take_while(|stream| *stream < limit);
        ours.find(|stream| !self.by_stream.contains_key(stream))
    }

    /// Sends a message on a channel.
    pub(super) fn send(&mut self, id: ChannelId, message: Message) -> Result<(), Error> {
        let Some(channel) = self.channels.get_mut(&id) else {
            return Err(Error::invalid_state("send on a channel that is closed"));
        };
        let (State::Open, Some(stream)) = (channel.state, channel.stream) else {
            return Err(Error::invalid_state("send on a channel that is not open"));
        };
        let (ppid, data) = channel::to_wire(message);
        let limit = self.config.max_message_size;
        if data.len() > limit {
            let what = format!("send {} bytes, the other side takes {limit}", data.len());
            return Err(Error::new("TypeError", what));
        }
        channel.waiting += data.len();
        let reliability = channel.reliability();
        let message = StreamMessage { stream, ppid: ppid.0, data };
        self.outbound.push_back(Outbound { message, reliability, channel: Some(id) });
        Ok(())
    }

    /// `bufferedAmount`: bytes that were not sent once yet.
    pub(super) fn buffered(&self, id: ChannelId) -> usize {
        let Some(channel) = self.channels.get(&id) else { return 0 };
        let queued = self.association.as_ref().zip(channel.stream);
        let queued =
            queued.map_or(0, |(association, stream)| association.buffered_on(StreamId(stream)));
        channel.waiting + queued
    }

    /// `close` of a channel: its stream is reset when all is sent (RFC 8831 §6.7).
    pub(super) fn close_channel(&mut self, now: Duration, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match (channel.state, channel.stream, &mut self.association) {
            (State::Open, Some(stream), Some(association)) => {
                channel.state = State::Closing { outgoing: false, incoming: false };
                association.reset_stream(now, StreamId(stream));
            }
            (State::Connecting, ..) => self.closed(id),
            _ => {}
        }
    }

    /// RFC 8831 §6.7: the other side closes; this side resets its direction too.
    fn incoming_reset(&mut self, now: Duration, stream: StreamId) {
        let Some(&id) = self.by_stream.get(&stream.0) else { return };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match channel.state {
            State::Open => {
                channel.state = State::Closing { outgoing: false, incoming: true };
                if let Some(association) = &mut self.association {
                    association.reset_stream(now, stream);
                }
            }
            State::Closing { outgoing: true, .. } => self.closed(id),
            State::Closing { outgoing: false, .. } => {
                channel.state = State::Closing { outgoing: false, incoming: true };
            }
            State::Connecting => {}
        }
    }

    fn outgoing_reset(&mut self, stream: StreamId) {
        let Some(&id) = self.by_stream.get(&stream.0) else { return };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        match channel.state {
            State::Closing { incoming: true, .. } => self.closed(id),
            State::Closing { incoming: false, .. } => {
                channel.state = State::Closing { outgoing: true, incoming: false };
            }
            _ => {}
        }
    }

    /// The channel is over; its stream is free.
    fn closed(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.remove(&id) else { return };
        if let Some(stream) = channel.stream {
            self.by_stream.remove(&stream);
        }
        self.events.push_back(Event::Closed(id));
    }

    /// A message that SCTP delivered.
    pub(super) fn take_message(&mut self, now: Duration, message: StreamMessage) {
        let StreamMessage { stream, ppid, data } = message;
        if Ppid(ppid) == Ppid::DCEP {
            self.take_dcep(now, stream, &data);
            return;
        }
        let Some(&id) = self.by_stream.get(&stream) else { return };
        let Some(channel) = self.channels.get_mut(&id) else { return };
        // RFC 8832 §6: whoever speaks on the channel has got the OPEN.
        channel.acknowledged = true;
        match channel.take(Ppid(ppid), data, self.max_receive) {
            Ok(Some(message)) => {
                self.events.push_back(Event::Message { channel: id, message });
            }
            Ok(None) => {}
            Err(reason) => {
                self.events.push_back(Event::Error { channel: Some(id), reason });
            }
        }
    }

    fn take_dcep(&mut self, now: Duration, stream: u16, data: &[u8]) {
        match dcep::Message::parse(data) {
            Ok(dcep::Message::Ack) => {
                let channel = self.by_stream.get(&stream).and_then(|id| self.channels.get_mut(id));
                if let Some(channel) = channel {
                    channel.acknowledged = true;
                }
            }
            Ok(dcep::Message::Open(open)) => self.take_open(now, stream, &open),
            Err(error) => self.refuse(now, stream, &error.to_string()),
        }
    }

    /// RFC 8832 §6: a stream of the wrong parity or one in use cannot be opened.
    fn take_open(&mut self, now: Duration, stream: u16, open: &dcep::Open) {
        let ours = u16::from(self.role != Some(Role::Client));
        if stream % 2 == ours {
            self.refuse(now, stream, "open a channel on a stream of the wrong parity");
        } else if self.by_stream.contains_key(&stream) {
            self.refuse(now, stream, "open a channel on a stream that is in use");
        } else {
            let channel = Channel::opened_by_peer(stream, open);
            let init = channel.init.clone();
            let id = self.name(channel);
            self.by_stream.insert(stream, id);
            self.outbound.push_back(dcep_message(stream, &dcep::Message::Ack));
            self.events.push_back(Event::Channel { channel: id, init });
            self.events.push_back(Event::Open { channel: id, stream });
        }
    }

    /// RFC 8832 §6: what cannot be opened is closed, by a reset of its stream.
    fn refuse(&mut self, now: Duration, stream: u16, reason: &str) {
        let channel = self.by_stream.get(&stream).copied();
        self.events.push_back(Event::Error { channel, reason: reason.to_owned() });
        match channel {
            Some(id) => self.close_channel(now, id),
            None => {
                if let Some(association) = &mut self.association {
                    association.reset_stream(now, StreamId(stream));
                }
            }
        }
    }
}

/// RFC 8832 §6: DCEP messages are reliable and in order, whatever the channel is.
fn dcep_message(stream: u16, message: &dcep::Message) -> Outbound {
    let message = StreamMessage { stream, ppid: Ppid::DCEP.0, data: message.to_bytes() };
    Outbound { message, reliability: Reliability::RELIABLE, channel: None }
}

/// webrtc-pc §6.1: what `createDataChannel` refuses.
fn check(init: &ChannelInit) -> Result<(), Error> {
    let refuse = |what: &str| Err(Error::new("TypeError", what));
    if init.label.len() > usize::from(u16::MAX) || init.protocol.len() > usize::from(u16::MAX) {
        return refuse("create a channel with a name of more than 65535 bytes");
    }
    if init.max_retransmits.is_some() && init.max_packet_life_time.is_some() {
        return refuse("create a channel with both limits on retransmission");
    }
    match init.id {
        None if init.negotiated => refuse("create a negotiated channel without an id"),
        Some(id) if init.negotiated && id > MAX_STREAM => {
            refuse("create a channel on stream 65535")
        }
        _ => Ok(()),
    }
}
