//! The endpoint: commands in, replies, events and traffic out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rtcspec_control::{
    Candidate, Command, Configuration, Description, Endpoint, Event, Hello, Message, Payload,
    Receive, Reply, ReplyBody, RequestId, SelectedPair, SpawnContext, StateKind, StateReport,
    Transmit, VirtualEndpoint,
};
use rtcspec_peer::connection::{self, ChannelId, ConnectionState, Peer, SdpType};
use rtcspec_peer::io;
use rtcspec_peer::rng::Rng;
use rtcspec_peer::tamper::{Honest, Injection, Tamper};

use crate::{capability, translate};

/// One reference peer under the contract: any number of peer connections in virtual time.
pub struct ReferenceEndpoint {
    hello: Hello,
    rng: Rng,
    tampers: VecDeque<Box<dyn Tamper>>,
    connections: BTreeMap<String, Connection>,
    /// How many connections were ever made.
    made: u32,
    /// Which connection a channel's handle belongs to.
    channels: BTreeMap<String, (String, ChannelId)>,
    messages: VecDeque<Message>,
}

/// A peer connection and the handles of its channels.
struct Connection {
    /// Counts the connections of the endpoint, in order of their making.
    number: u32,
    peer: Peer,
    handles: BTreeMap<ChannelId, String>,
    /// How many channels the other side has opened.
    remote_channels: usize,
}

/// Why a command gets no answer but this.
enum Refusal {
    Error(connection::Error),
    Handle(String),
    Unsupported(String),
}

impl From<connection::Error> for Refusal {
    fn from(error: connection::Error) -> Self {
        Self::Error(error)
    }
}

impl ReferenceEndpoint {
    /// A peer with no connection yet; everything random in it comes from the seed.
    #[must_use]
    pub fn new(context: SpawnContext) -> Self {
        Self {
            hello: capability::hello(),
            rng: Rng::new(context.seed),
            tampers: VecDeque::new(),
            connections: BTreeMap::new(),
            made: 0,
            channels: BTreeMap::new(),
            messages: VecDeque::new(),
        }
    }

    /// Puts a tamper into the next connection that `new` makes; further ones go into the
    /// connections after it.
    #[must_use]
    pub fn with_tamper(mut self, tamper: impl Tamper + 'static) -> Self {
        self.tampers.push_back(Box::new(tamper));
        self
    }

    /// Sends something that no layer of the connection asked for; nothing happens if there is no
    /// such connection.
    pub fn inject(&mut self, now: Duration, pc: &str, injection: Injection) {
        if let Some(connection) = self.connections.get_mut(pc) {
            connection.peer.inject(now, injection);
        }
        self.collect();
    }

    /// The connection behind a handle, to look into.
    #[must_use]
    pub fn peer(&self, pc: &str) -> Option<&Peer> {
        self.connections.get(pc).map(|connection| &connection.peer)
    }

    fn obey(&mut self, now: Duration, command: Command) -> Result<ReplyBody, Refusal> {
        match command {
            Command::Hello {} => return Ok(ReplyBody::Hello(self.hello.clone())),
            // What earlier runs closed is not asked for again.
            Command::Case { .. } => {
                self.connections.retain(|_, connection| {
                    connection.peer.connection_state() != ConnectionState::Closed
                });
                self.channels.retain(|_, (pc, _)| self.connections.contains_key(pc));
            }
            Command::New { pc, config } => self.make(now, pc, config)?,
            Command::Offer { pc, ice_restart } => {
                let offer = self.of(&pc)?.create_offer(now, ice_restart)?;
                return Ok(ReplyBody::Sdp(offer));
            }
            Command::Answer { pc } => {
                return Ok(ReplyBody::Sdp(self.of(&pc)?.create_answer(now)?));
            }
            Command::Local { pc, desc: Description { kind, sdp } } => {
                let peer = self.of(&pc)?;
                peer.set_local_description(now, sdp_type(kind), &sdp)?;
                return Ok(ReplyBody::Sdp(peer.local_description(now).unwrap_or_default()));
            }
            Command::Remote { pc, desc: Description { kind, sdp } } => {
                self.of(&pc)?.set_remote_description(now, sdp_type(kind), &sdp)?;
            }
            Command::Candidate { pc, candidate } => self.candidate(now, &pc, candidate)?,
            Command::Channel { pc, dc, label, init } => {
                let init = translate::channel_init(label, init);
                let id = self.of(&pc)?.create_data_channel(now, init)?;
                self.name(pc, dc, id);
            }
            Command::Send { dc, payload, repeat } => self.send(now, &dc, &payload, repeat)?,
            Command::CloseChannel { dc } => {
                let (peer, id) = self.channel(&dc)?;
                peer.close_data_channel(now, id);
            }
            Command::Close { pc } => self.of(&pc)?.close(now),
            Command::State { pc } => return Ok(ReplyBody::State(state(self.of(&pc)?))),
            Command::RestartIce { pc } => self.of(&pc)?.restart_ice(now),
            Command::SetConfig { pc, config } => {
                let config = translate::config(config).map_err(Refusal::Unsupported)?;
                self.of(&pc)?.set_configuration(now, config)?;
            }
            Command::Interfaces { pc, addresses } => {
                self.of(&pc)?.set_interfaces(now, addresses);
            }
            other => return Err(Refusal::Unsupported(other.op().to_owned())),
        }
        Ok(ReplyBody::Done {})
    }

    fn make(&mut self, now: Duration, pc: String, config: Configuration) -> Result<(), Refusal> {
        let config = translate::config(config).map_err(Refusal::Unsupported)?;
        let number = self.made;
        self.made += 1;
        let seed = self.rng.fork_nth("pc", number.into()).u64();
        let tamper = self.tampers.pop_front().unwrap_or_else(|| Box::new(Honest));
        let peer = Peer::with_tamper(now, config, seed, tamper)?;
        let connection = Connection { number, peer, handles: BTreeMap::new(), remote_channels: 0 };
        self.connections.insert(pc, connection);
        Ok(())
    }

    fn candidate(
        &mut self,
        now: Duration,
        pc: &str,
        candidate: Option<Candidate>,
    ) -> Result<(), Refusal> {
        let candidate = candidate.map(translate::candidate_in);
        Ok(self.of(pc)?.add_ice_candidate(now, candidate)?)
    }

    fn send(
        &mut self,
        now: Duration,
        dc: &str,
        payload: &Payload,
        repeat: u32,
    ) -> Result<(), Refusal> {
        let (peer, id) = self.channel(dc)?;
        for _ in 0..repeat {
            peer.send(now, id, translate::message_in(payload.clone()))?;
        }
        Ok(())
    }

    fn of(&mut self, pc: &str) -> Result<&mut Peer, Refusal> {
        let connection = self.connections.get_mut(pc);
        connection.map(|found| &mut found.peer).ok_or_else(|| Refusal::Handle(pc.to_owned()))
    }

    fn channel(&mut self, dc: &str) -> Result<(&mut Peer, ChannelId), Refusal> {
        let found = self.channels.get(dc).cloned();
        let (pc, id) = found.ok_or_else(|| Refusal::Handle(dc.to_owned()))?;
        Ok((self.of(&pc)?, id))
    }

    fn name(&mut self, pc: String, dc: String, id: ChannelId) {
        if let Some(connection) = self.connections.get_mut(&pc) {
            connection.handles.insert(id, dc.clone());
        }
        self.channels.insert(dc, (pc, id));
    }

    /// Takes the events of all connections.
    fn collect(&mut self) {
        for (pc, connection) in &mut self.connections {
            while let Some(event) = connection.peer.poll_event() {
                let opened = match &event {
                    connection::Event::Channel { channel, .. } => Some(*channel),
                    _ => None,
                };
                if let Some(id) = opened {
                    connection.remote_channels += 1;
                    let dc = format!("{pc}/r{}", connection.remote_channels);
                    connection.handles.insert(id, dc.clone());
                    self.channels.insert(dc, (pc.clone(), id));
                }
                let event = connection.event(pc, event);
                self.messages.extend(event.map(Message::Event));
            }
        }
    }
}

impl Connection {
    fn handle(&self, channel: ChannelId) -> String {
        self.handles.get(&channel).cloned().unwrap_or_default()
    }

    fn event(&self, pc: &str, event: connection::Event) -> Option<Event> {
        use connection::Event as Ours;
        let pc = pc.to_owned();
        let state =
            |which, value: &str| Event::State { pc: pc.clone(), which, value: value.to_owned() };
        Some(match event {
            Ours::Candidate(candidate) => {
                Event::Candidate { pc, candidate: candidate.map(translate::candidate_out) }
            }
            Ours::IceConnectionState(value) => state(StateKind::IceConnection, value.word()),
            Ours::IceGatheringState(value) => state(StateKind::IceGathering, value.word()),
            Ours::ConnectionState(value) => state(StateKind::Connection, value.word()),
            Ours::SignalingState(value) => state(StateKind::Signaling, value.word()),
            Ours::NegotiationNeeded => Event::Negotiationneeded { pc },
            Ours::CandidateError { url, code } => {
                Event::CandidateError { pc, url, error_code: code }
            }
            Ours::SelectedPair { local, remote } => {
                Event::SelectedPair { pc, pair: SelectedPair { local, remote } }
            }
            Ours::Channel { channel, init } => Event::Channel {
                dc: self.handle(channel),
                label: init.label,
                protocol: init.protocol,
                ordered: init.ordered,
                sid: init.id,
                max_retransmits: init.max_retransmits,
                max_packet_life_time: init.max_packet_life_time,
            },
            Ours::Open { channel, stream } => {
                Event::Open { dc: self.handle(channel), sid: Some(stream) }
            }
            Ours::Message { channel, message } => Event::Message {
                dc: self.handle(channel),
                payload: translate::message_out(message),
            },
            Ours::Closed(channel) => Event::Closed { dc: self.handle(channel) },
            Ours::Error { channel, reason } => Event::Error {
                on: channel.map_or(pc, |channel| self.handle(channel)),
                name: "OperationError".to_owned(),
                message: reason,
            },
            _ => return None,
        })
    }
}

impl Endpoint for ReferenceEndpoint {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn submit(&mut self, now: Duration, id: RequestId, command: Command) {
        let body = match self.obey(now, command) {
            Ok(body) => body,
            Err(Refusal::Unsupported(what)) => ReplyBody::Unsupported(what),
            Err(Refusal::Error(error)) => {
                let name = error.name.to_owned();
                ReplyBody::Error { name, message: error.to_string() }
            }
            Err(Refusal::Handle(handle)) => ReplyBody::Error {
                name: "NotFoundError".to_owned(),
                message: format!("no handle {handle}"),
            },
        };
        self.messages.push_back(Message::Reply(Reply { id, body }));
        self.collect();
    }

    fn poll(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }
}

impl VirtualEndpoint for ReferenceEndpoint {
    fn receive(&mut self, now: Duration, input: Receive) {
        let Some((number, input)) = translate::receive(input) else { return };
        let mut connections = self.connections.values_mut();
        if let io::Receive::Udp { local, .. } = &input
            && local.ip().is_multicast()
        {
            for connection in connections.filter(|connection| connection.peer.owns(*local)) {
                connection.peer.receive(now, input.clone());
            }
            return self.collect();
        }
        let found = match &input {
            io::Receive::Udp { local, .. } | io::Receive::Unreachable { local, .. } => {
                connections.find(|connection| connection.peer.owns(*local))
            }
            _ => connections.find(|connection| Some(connection.number) == number),
        };
        if let Some(connection) = found {
            connection.peer.receive(now, input);
        }
        self.collect();
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.connections.values_mut().find_map(|connection| {
            let transmit = connection.peer.poll_transmit()?;
            Some(translate::transmit(connection.number, transmit))
        })
    }

    fn wake(&self) -> Option<Duration> {
        self.connections.values().filter_map(|connection| connection.peer.wake()).min()
    }

    fn advance(&mut self, now: Duration) {
        for connection in self.connections.values_mut() {
            connection.peer.advance(now);
        }
        self.collect();
    }

    fn secrets(&mut self) -> Vec<String> {
        let connections = self.connections.values_mut();
        connections.flat_map(|connection| connection.peer.take_key_log()).collect()
    }
}

impl std::fmt::Debug for ReferenceEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReferenceEndpoint")
            .field("connections", &self.connections.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn state(peer: &Peer) -> StateReport {
    StateReport {
        ice_connection: peer.ice_connection_state().word().to_owned(),
        connection: peer.connection_state().word().to_owned(),
        ice_gathering: peer.ice_gathering_state().word().to_owned(),
        signaling: peer.signaling_state().word().to_owned(),
        selected_pair: peer.selected_pair().map(|(local, remote)| SelectedPair { local, remote }),
    }
}

fn sdp_type(kind: rtcspec_control::SdpType) -> SdpType {
    match kind {
        rtcspec_control::SdpType::Offer => SdpType::Offer,
        rtcspec_control::SdpType::Pranswer => SdpType::Pranswer,
        rtcspec_control::SdpType::Answer => SdpType::Answer,
        rtcspec_control::SdpType::Rollback => SdpType::Rollback,
    }
}
