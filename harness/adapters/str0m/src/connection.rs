//! One `str0m::Rtc`: drained after every mutation, as its run loop demands.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtcspec_adapter_embed::{ChannelKey, Connection, Found, Gathered, Happening, Outcome, Refusal};
use rtcspec_control::{
    Candidate, ChannelInit, Description, Payload, SdpType, StateKind, StateReport,
};
use str0m::channel::{ChannelData, ChannelId};
use str0m::net::{Protocol, Receive};
use str0m::{Event, IceConnectionState, Input, Output, Rtc, RtcError};

use crate::channels::{Channels, channel_config, channel_told};
use crate::description::with_ufrag;
use crate::dtls::{SharedLog, take_lines};
use crate::negotiation::{Negotiation, Signaling};

/// str0m says "never" with an instant a century after the real start of the process, which is
/// decades after the virtual one.
const NEVER: Duration = Duration::from_secs(20 * 365 * 24 * 3600);

/// A peer connection of str0m.
pub(crate) struct Str0mConnection {
    rtc: Rtc,
    log: SharedLog,
    negotiation: Negotiation,
    channels: Channels,
    candidates: Vec<Local>,
    queue: VecDeque<Happening>,
    wake: Option<Instant>,
    ice: &'static str,
    dtls_up: bool,
    connection: &'static str,
    complaints: BTreeSet<String>,
}

/// A candidate str0m was given.
#[derive(Debug)]
struct Local {
    base: SocketAddr,
    /// Generation it was found for.
    ufrag: String,
    candidate: str0m::Candidate,
}

impl fmt::Debug for Str0mConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Str0mConnection")
            .field("negotiation", &self.negotiation)
            .field("ice", &self.ice)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Str0mConnection {
    pub(crate) fn new(rtc: Rtc, log: SharedLog, now: Instant) -> Self {
        let mut connection = Self {
            rtc,
            log,
            negotiation: Negotiation::default(),
            channels: Channels::default(),
            candidates: Vec::new(),
            queue: VecDeque::new(),
            wake: None,
            ice: "new",
            dtls_up: false,
            connection: "new",
            complaints: BTreeSet::new(),
        };
        connection.advance(now);
        connection
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::IceConnectionStateChange(state) => {
                self.ice = ice_word(state);
                self.state_is(StateKind::IceConnection, self.ice);
                self.connection_state();
            }
            Event::Connected => {
                self.dtls_up = true;
                self.connection_state();
            }
            Event::ChannelOpen(id, label) => self.channel_open(id, label),
            Event::ChannelData(data) => self.message(data),
            Event::ChannelClose(id) => {
                if let Some(key) = self.channels.closed(id) {
                    self.queue.push_back(Happening::Closed { key });
                }
            }
            // Nobody asked to be told.
            Event::ChannelBufferedAmountLow(_) => {}
            Event::Closed => self.association_gone("closed"),
            other => self.queue.push_back(Happening::Log(format!("{other:?}"))),
        }
    }

    fn channel_open(&mut self, id: ChannelId, label: String) {
        let sid = self.rtc.direct_api().sctp_stream_id_by_channel_id(id);
        let (key, theirs) = self.channels.opened(id);
        if theirs {
            let channel = self.rtc.channel(id);
            let init = channel.as_ref().and_then(|channel| channel.config());
            let init = init.map_or_else(ChannelInit::default, |config| channel_told(config, sid));
            self.queue.push_back(Happening::Channel { key, label, init });
        }
        self.queue.push_back(Happening::Open { key, sid });
    }

    fn message(&mut self, ChannelData { id, binary, data }: ChannelData) {
        let Some(key) = self.channels.key(id) else {
            self.queue.push_back(Happening::Log(format!("message on unknown {id:?}")));
            return;
        };
        let payload = if binary { Ok(Payload::Binary(data)) } else { text(data) };
        self.queue.push_back(match payload {
            Ok(payload) => Happening::Message { key, payload },
            Err(bytes) => Happening::Error {
                key: Some(key),
                name: "EncodingError",
                message: format!("text message of {bytes} bytes is not UTF-8"),
            },
        });
    }

    /// str0m ends as a whole: channels have no event of their own then.
    fn association_gone(&mut self, connection: &'static str) {
        for key in self.channels.close_all() {
            self.queue.push_back(Happening::Closed { key });
        }
        if self.connection != connection {
            self.connection = connection;
            self.state_is(StateKind::Connection, connection);
        }
    }

    /// `connectionState` from the two states str0m tells (W3C 4.3.3).
    fn connection_state(&mut self) {
        let state = match (self.ice, self.dtls_up) {
            _ if matches!(self.connection, "closed" | "failed") => return,
            ("new", _) => "new",
            ("disconnected", _) => "disconnected",
            ("connected" | "completed", true) => "connected",
            _ => "connecting",
        };
        if self.connection != state {
            self.connection = state;
            self.state_is(StateKind::Connection, state);
        }
    }

    fn state_is(&mut self, which: StateKind, value: &str) {
        self.queue.push_back(Happening::State { which, value: value.to_owned() });
    }

    fn signaling_after(&mut self, before: Signaling) {
        if self.negotiation.signaling != before {
            self.state_is(StateKind::Signaling, self.negotiation.signaling.word());
        }
    }

    /// Takes candidates back from str0m. A restart keeps its candidates, so those of sockets that
    /// are about to go must not live to see it.
    fn forget(&mut self, gone: impl Fn(&Local) -> bool) {
        let (gone, kept): (Vec<Local>, Vec<Local>) = self.candidates.drain(..).partition(gone);
        self.candidates = kept;
        for local in gone {
            self.rtc.direct_api().invalidate_candidate(&local.candidate);
        }
    }

    fn complain(&mut self, error: &RtcError) {
        let message = error.to_string();
        if self.complaints.insert(message.clone()) {
            self.queue.push_back(Happening::Error { key: None, name: "OperationError", message });
        }
        if !self.rtc.is_alive() {
            self.association_gone("failed");
        }
    }

    fn input(&mut self, input: Input<'_>) {
        if let Err(error) = self.rtc.handle_input(input) {
            self.complain(&error);
        }
    }
}

fn text(data: Vec<u8>) -> Result<Payload, usize> {
    String::from_utf8(data).map(Payload::Text).map_err(|error| error.as_bytes().len())
}

fn ice_word(state: IceConnectionState) -> &'static str {
    match state {
        IceConnectionState::New => "new",
        IceConnectionState::Checking => "checking",
        IceConnectionState::Connected => "connected",
        IceConnectionState::Completed => "completed",
        IceConnectionState::Disconnected => "disconnected",
    }
}

fn base_of(found: Found) -> SocketAddr {
    match found {
        Found::Host { address } | Found::Relayed { address, .. } => address,
        Found::Reflexive { base, .. } => base,
    }
}

fn candidate(found: Found) -> Outcome<str0m::Candidate> {
    match found {
        Found::Host { address } => str0m::Candidate::host(address, Protocol::Udp),
        Found::Reflexive { address, base } => {
            str0m::Candidate::server_reflexive(address, base, Protocol::Udp)
        }
        Found::Relayed { address, related } => {
            str0m::Candidate::relayed(address, related, Protocol::Udp)
        }
    }
    .map_err(|error| Refusal::error("OperationError", error))
}

impl Connection for Str0mConnection {
    fn offer(&mut self, _now: Instant, ice_restart: bool) -> Outcome<String> {
        self.negotiation.offer(&mut self.rtc, &mut self.channels, ice_restart)
    }

    fn answer(&mut self, _now: Instant) -> Outcome<String> {
        if self.negotiation.offer_restarts() {
            self.forget(|_| true);
        }
        self.negotiation.answer(&mut self.rtc, &mut self.channels)
    }

    fn local(&mut self, _now: Instant, description: &Description) -> Outcome<()> {
        let before = self.negotiation.signaling;
        self.negotiation.set_local(description)?;
        self.signaling_after(before);
        Ok(())
    }

    fn local_description(&self) -> Option<String> {
        let ufrag = self.negotiation.local.ufrag();
        let current = self.candidates.iter().filter(|local| local.ufrag == ufrag);
        self.negotiation.local.with_candidates(current.map(|local| &local.candidate))
    }

    fn remote(&mut self, _now: Instant, description: &Description) -> Outcome<()> {
        let before = self.negotiation.signaling;
        if description.kind == SdpType::Answer && self.negotiation.answer_restarts() {
            let ufrag = self.negotiation.local.ufrag().to_owned();
            self.forget(|local| local.ufrag != ufrag);
        }
        self.negotiation.set_remote(&mut self.rtc, description)?;
        self.signaling_after(before);
        Ok(())
    }

    /// str0m knows no end of candidates.
    fn remote_candidate(&mut self, _now: Instant, given: Option<&Candidate>) -> Outcome<()> {
        match given {
            Some(given) => self.negotiation.remote_candidate(&mut self.rtc, given),
            None => Ok(()),
        }
    }

    fn local_candidate(&mut self, _now: Instant, found: Found) -> Outcome<Gathered> {
        let ufrag = self.negotiation.local.ufrag().to_owned();
        let Some(candidate) = self.rtc.add_local_candidate(candidate(found)?).cloned() else {
            return Ok(Gathered::Declined);
        };
        let text = with_ufrag(&candidate, &ufrag);
        self.candidates.push(Local { base: base_of(found), ufrag, candidate });
        Ok(Gathered::Signal(text))
    }

    fn end_of_local_candidates(&mut self, _now: Instant) {}

    fn forget_local_address(&mut self, _now: Instant, base: SocketAddr) {
        self.forget(|local| local.base == base);
    }

    fn channel(&mut self, _now: Instant, label: &str, init: &ChannelInit) -> Outcome<ChannelKey> {
        if !self.rtc.is_alive() || self.negotiation.signaling == Signaling::Closed {
            return Err(Refusal::state("closed"));
        }
        let config = channel_config(label, init)?;
        let key = self.channels.create();
        if self.negotiation.want_channel(&mut self.rtc, &mut self.channels, key, config) {
            self.queue.push_back(Happening::NegotiationNeeded);
        }
        Ok(key)
    }

    fn send(&mut self, _now: Instant, key: ChannelKey, payload: &Payload) -> Outcome<()> {
        self.channels.send(&mut self.rtc, key, payload)
    }

    fn close_channel(&mut self, _now: Instant, key: ChannelKey) -> Outcome<()> {
        if let Some(id) = self.channels.id(key) {
            self.rtc.direct_api().close_data_channel(id);
        }
        Ok(())
    }

    fn close(&mut self, _now: Instant) -> Outcome<()> {
        self.negotiation.signaling = Signaling::Closed;
        self.connection = "closed";
        self.ice = "closed";
        self.rtc.close().map_err(|error| Refusal::error("OperationError", error))
    }

    fn state(&self) -> StateReport {
        StateReport {
            ice_connection: self.ice.to_owned(),
            connection: self.connection.to_owned(),
            ice_gathering: String::new(),
            signaling: self.negotiation.signaling.word().to_owned(),
            selected_pair: None,
        }
    }

    fn restart_ice(&mut self, _now: Instant) -> Outcome<()> {
        self.negotiation.want_restart();
        self.queue.push_back(Happening::NegotiationNeeded);
        Ok(())
    }

    fn receive(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr, data: &[u8]) {
        // What is neither STUN, DTLS nor RTP is not for str0m; an application drops it here.
        if let Ok(receive) = Receive::new(Protocol::Udp, remote, local, data) {
            self.input(Input::Receive(now, receive));
        }
    }

    fn advance(&mut self, now: Instant) {
        self.input(Input::Timeout(now));
    }

    fn wake(&mut self) -> Option<Instant> {
        self.wake
    }

    fn secrets(&mut self) -> Vec<String> {
        take_lines(&self.log)
    }

    fn poll(&mut self, now: Instant) -> Option<Happening> {
        while self.queue.is_empty() {
            if let Err(error) = self.channels.flush(&mut self.rtc) {
                self.complain(&error);
            }
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.wake = (at < now + NEVER).then_some(at);
                    break;
                }
                Ok(Output::Transmit(transmit)) => self.queue.push_back(Happening::Datagram {
                    local: transmit.source,
                    remote: transmit.destination,
                    data: transmit.contents.to_vec(),
                }),
                Ok(Output::Event(event)) => self.event(event),
                Err(error) => {
                    self.complain(&error);
                    break;
                }
            }
        }
        self.queue.pop_front()
    }
}
