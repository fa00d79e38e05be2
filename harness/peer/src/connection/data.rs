//! The SCTP association over DTLS, and the data channels on it.

use std::collections::VecDeque;
use std::time::Duration;

use rtcspec_wire::sctp::{Cause, Packet, Ppid, StreamId, Tsn};

use super::config::Config;
use super::error::Error;
use super::event::{ChannelInit, Event, Message};
use crate::dcep::{self, ChannelId, Channels, Output};
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

/// A message for SCTP and how it is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Outbound {
    pub(super) message: StreamMessage,
    pub(super) reliability: Reliability,
}

/// The association and its channels.
#[derive(Debug)]
pub(super) struct Data {
    config: sctp::Config,
    rng: Rng,
    read_after: Option<Duration>,
    made: u64,
    association: Option<Association>,
    role: Role,
    /// When a server sends INIT after all.
    connect_at: Option<Duration>,
    /// When the application starts to read.
    read_at: Option<Duration>,
    channels: Channels,
    events: VecDeque<Event>,
}

impl Data {
    pub(super) fn new(config: &Config, rng: Rng) -> Self {
        let wanted = &config.sctp;
        let defaults = sctp::Config::default();
        let takes = wanted.max_message_size.unwrap_or(jsep::MAX_MESSAGE_SIZE);
        Self {
            config: sctp::Config {
                max_packet: config.dtls.mtu.saturating_sub(DTLS_OVERHEAD) & !3,
                a_rwnd: wanted.rwnd.unwrap_or(defaults.a_rwnd),
                streams: wanted.streams.unwrap_or(defaults.streams),
                interleaving: wanted.interleaving.unwrap_or(defaults.interleaving),
                zero_checksum: wanted.zero_checksum.unwrap_or(defaults.zero_checksum),
                initial_tsn: wanted.initial_tsn.map(Tsn),
                ..defaults
            },
            rng,
            read_after: wanted.read_after,
            made: 0,
            association: None,
            role: Role::Server,
            connect_at: None,
            read_at: None,
            channels: Channels::taking(usize::try_from(takes).unwrap_or(usize::MAX)),
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
    pub(super) fn connected(&mut self, now: Duration, role: Role) {
        let rng = self.rng.fork_nth("association", self.made);
        self.made += 1;
        let association = self.association.insert(Association::new(self.config.clone(), rng));
        self.role = role;
        self.read_at = self.read_after.map(|wait| now + wait);
        match role {
            Role::Client => association.connect(now),
            Role::Server => self.connect_at = Some(now + SERVER_PATIENCE),
        }
    }

    /// DTLS is gone, and the association with it.
    pub(super) fn lost(&mut self) {
        self.association = None;
        self.connect_at = None;
        self.channels.disconnected();
    }

    /// Ends the association; the other side is told.
    pub(super) fn close(&mut self, now: Duration) {
        if let Some(association) = &mut self.association {
            // RFC 9260 §3.3.10.12: the layer above wants it so.
            association.abort(now, Cause::UserInitiatedAbort(Vec::new()));
        }
        self.connect_at = None;
        self.channels.disconnected();
    }

    pub(super) fn advance(&mut self, now: Duration) {
        let Some(association) = &mut self.association else { return };
        if self.connect_at.take_if(|time| *time <= now).is_some() {
            association.connect(now);
        }
        association.advance(now);
        self.read_at.take_if(|time| *time <= now);
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        let association = self.association.as_ref()?;
        let reading = self.read_at.filter(|_| self.is_kept_waiting());
        association.wake().into_iter().chain(self.connect_at).chain(reading).min()
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

    /// The next message to be given to SCTP. Resets of streams take effect here, in their place
    /// among the messages.
    pub(super) fn poll_outbound(&mut self, now: Duration) -> Option<Outbound> {
        loop {
            match self.channels.poll_output()? {
                Output::Send(dcep::Outgoing { stream, ppid, data, reliability }) => {
                    let message = StreamMessage { stream: stream.0, ppid: ppid.0, data };
                    return Some(Outbound { message, reliability });
                }
                Output::Reset(stream) => {
                    if let Some(association) = &mut self.association {
                        association.reset_stream(now, stream);
                    }
                }
            }
        }
    }

    /// Gives a message to SCTP.
    pub(super) fn send_now(&mut self, now: Duration, outbound: Outbound) {
        let Some(association) = &mut self.association else { return };
        let Outbound { message: StreamMessage { stream, ppid, data }, reliability } = outbound;
        let sent = association.send(now, StreamId(stream), Ppid(ppid), data, reliability);
        if let Err(error) = sent {
            let on = |channel: &dcep::Channel| channel.stream == Some(StreamId(stream));
            let channel = self.channels.iter().find(|(_, channel)| on(channel)).map(|(id, _)| id);
            self.events.push_back(Event::Error { channel, reason: error.to_string() });
        }
    }

    /// Sends a message nobody asked for.
    pub(super) fn inject(&mut self, now: Duration, message: StreamMessage) {
        self.send_now(now, Outbound { message, reliability: Reliability::RELIABLE });
    }

    /// Whether a message waits for an application that does not read yet.
    fn is_kept_waiting(&self) -> bool {
        let next = self.association.as_ref().and_then(Association::peek_event);
        let waits = |message: &sctp::Message| message.ppid != Ppid::DCEP;
        self.read_at.is_some() && matches!(next, Some(sctp::Event::Message(m)) if waits(m))
    }

    /// The next message SCTP has delivered; other news of the association takes effect here.
    pub(super) fn poll_delivered(&mut self) -> Option<StreamMessage> {
        while !self.is_kept_waiting() {
            match self.association.as_mut()?.poll_event()? {
                sctp::Event::Message(message) => {
                    return Some(StreamMessage {
                        stream: message.stream.0,
                        ppid: message.ppid.0,
                        data: message.data,
                    });
                }
                sctp::Event::Connected => self.established(),
                sctp::Event::IncomingReset(streams) => self.channels.incoming_reset(&streams),
                sctp::Event::OutgoingReset(stream) => self.channels.outgoing_reset(stream),
                sctp::Event::ResetRefused { stream, .. } => self.channels.reset_refused(stream),
                // The association stays, for what it still has to send.
                sctp::Event::Closed(_) => self.channels.disconnected(),
                // RFC 9260 §5.2.4: the other side has lost its state, and with it all channels.
                sctp::Event::Restarted => {
                    self.channels.disconnected();
                    self.established();
                }
                sctp::Event::PeerError(_) => {}
            }
        }
        None
    }

    fn established(&mut self) {
        self.connect_at = None;
        let streams = self.association.as_ref().map_or(0, Association::outbound_streams);
        self.channels.connected(self.role, streams, self.config.max_message_size);
    }

    /// `createDataChannel`.
    pub(super) fn create(&mut self, init: ChannelInit) -> Result<ChannelId, Error> {
        if init.negotiated && init.id.is_none() {
            let what = "create a channel: it is negotiated and has no id";
            return Err(Error::new("TypeError", what));
        }
        Ok(self.channels.create(init.into())?)
    }

    /// Sends a message on a channel.
    pub(super) fn send(&mut self, id: ChannelId, message: Message) -> Result<(), Error> {
        Ok(self.channels.send(id, message)?)
    }

    /// `bufferedAmount`: bytes that were not sent once yet.
    pub(super) fn buffered(&self, id: ChannelId) -> usize {
        let stream = self.channels.get(id).and_then(|channel| channel.stream);
        let queue = self.association.as_ref().zip(stream);
        queue.map_or(0, |(association, stream)| association.buffered_on(stream))
    }

    /// `close` of a channel: its stream is reset when all is sent (RFC 8831 §6.7).
    pub(super) fn close_channel(&mut self, id: ChannelId) {
        self.channels.close(id);
    }

    /// A message that SCTP delivered.
    pub(super) fn take_message(&mut self, message: &StreamMessage) {
        self.channels.received(StreamId(message.stream), Ppid(message.ppid), &message.data);
    }

    /// The next event for the application.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        loop {
            let event = self.channels.poll_event()?;
            if let Some(event) = self.translate(event) {
                return Some(event);
            }
        }
    }

    fn translate(&mut self, event: dcep::Event) -> Option<Event> {
        Some(match event {
            dcep::Event::Incoming(channel) => {
                let init = ChannelInit::of(self.channels.get(channel)?);
                // W3C: a channel the other side opened is open when it is announced.
                let stream = init.id?;
                self.events.push_back(Event::Open { channel, stream });
                Event::Channel { channel, init }
            }
            dcep::Event::Open(channel) => {
                Event::Open { channel, stream: self.channels.get(channel)?.stream?.0 }
            }
            dcep::Event::Message(channel, message) => Event::Message { channel, message },
            dcep::Event::Closing(_) => return None,
            dcep::Event::Closed(channel) => {
                self.channels.forget(channel);
                Event::Closed(channel)
            }
            dcep::Event::TooLong(channel) => Event::Error {
                channel: Some(channel),
                reason: "take a message in parts: it is too long".to_owned(),
            },
            dcep::Event::Refused { stream } => Event::Error {
                channel: None,
                reason: format!("take the OPEN on stream {stream}: it was refused"),
            },
            dcep::Event::Stray { stream, ppid } => Event::Error {
                channel: None,
                reason: format!("take a message with identifier {ppid} on stream {stream}"),
            },
        })
    }
}
