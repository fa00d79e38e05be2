//! The peer connection: its parts, and the way in and out.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::config::{Config, TransportPolicy};
use super::data::Data;
use super::delayed::Delayed;
use super::error::Error;
use super::event::Event;
use super::names::Hidden;
use super::secure::Secure;
use super::signalling::Tampered;
use super::state::{ConnectionState, IceConnectionState, IceGatheringState};
use super::step::Step;
use crate::dtls::{Identity, Session};
use crate::ice::{self, Agent, GatherConfig, Policy, Server};
use crate::io::{Receive, Transmit};
use crate::jsep::{self, Jsep, SignalingState};
use crate::mdns::{Names, Resolver};
use crate::rng::Rng;
use crate::tamper::{Honest, Injection, Tamper};

/// A W3C `RTCPeerConnection` without its clock, its sockets and its randomness.
///
/// After every call that takes `now`: drain [`Peer::poll_transmit`] and [`Peer::poll_event`], then
/// read [`Peer::wake`].
pub struct Peer {
    pub(super) config: Config,
    pub(super) tamper: Box<dyn Tamper>,
    pub(super) jsep: Jsep,
    /// Where new ICE credentials come from.
    pub(super) credentials: Rng,
    /// The description created last.
    pub(super) tampered: Tampered,
    /// Servers or policy changed since the agent got its newest generation.
    pub(super) reconfigured: bool,
    pub(super) agent: Agent,
    /// Looks up what the other side hides.
    pub(super) resolver: Resolver<Hidden>,
    /// What hides our addresses, if anything does.
    pub(super) names: Option<Names>,
    pub(super) secure: Secure,
    pub(super) data: Data,
    pub(super) delayed: Delayed<Step>,
    /// When [`Tamper::inject`] was last asked.
    pub(super) asked_tamper: Option<Duration>,
    pub(super) announced: Announced,
    pub(super) selected: Option<(String, String)>,
    pub(super) transmits: VecDeque<Transmit>,
    pub(super) events: VecDeque<Event>,
}

/// The states that events have told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    pub(super) ice: IceConnectionState,
    pub(super) gathering: IceGatheringState,
    pub(super) connection: ConnectionState,
    pub(super) negotiation_needed: bool,
}

impl Peer {
    /// A connection that does as its RFCs say; everything random in it comes from the seed.
    ///
    /// # Errors
    /// The configuration names a server that cannot be one.
    pub fn new(now: Duration, config: Config, seed: u64) -> Result<Self, Error> {
        Self::with_tamper(now, config, seed, Box::new(Honest))
    }

    /// A connection whose messages pass through a tamper.
    ///
    /// # Errors
    /// As [`Peer::new`].
    pub fn with_tamper(
        now: Duration,
        config: Config,
        seed: u64,
        tamper: Box<dyn Tamper>,
    ) -> Result<Self, Error> {
        let rng = Rng::new(seed);
        let ice = ice::Config {
            gather: gather_config(&config)?,
            lite: config.ice_lite,
            ..ice::Config::default()
        };
        let identity = Identity::from_seed(seed);
        let mut peer = Self {
            jsep: Jsep::new(jsep_config(&config, &identity, &mut rng.fork("jsep"))),
            credentials: rng.fork("ice credentials"),
            tampered: Tampered::default(),
            reconfigured: false,
            agent: Agent::new(ice, ice::Role::Controlled, &rng.fork("ice")),
            resolver: Resolver::new(rng.fork("mdns queries")),
            names: config.mdns.then(|| Names::new(rng.fork("mdns names"))),
            secure: Secure::new(identity, config.dtls, rng.fork("dtls")),
            data: Data::new(&config, rng.fork("sctp")),
            config,
            tamper,
            delayed: Delayed::default(),
            asked_tamper: None,
            announced: Announced::default(),
            selected: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        };
        peer.settle(now);
        Ok(peer)
    }

    /// Replaces servers and policy; they are used from the next gathering on, which the next offer
    /// begins if they are others than before.
    ///
    /// # Errors
    /// The configuration names a server that cannot be one, or the connection is closed.
    pub fn set_configuration(&mut self, now: Duration, config: Config) -> Result<(), Error> {
        self.refuse_if_closed()?;
        // What a reconfiguration does not mention stays: the machine is the same machine.
        let interfaces = self.config.interfaces.clone();
        let kept = if config.interfaces.is_empty() { interfaces } else { config.interfaces };
        let config = Config { interfaces: kept, ..config };
        self.agent.set_gather_config(gather_config(&config)?);
        if (&config.ice_servers, config.policy) != (&self.config.ice_servers, self.config.policy) {
            self.jsep.outdate_ice();
        }
        self.reconfigured = true;
        self.config = config;
        self.settle(now);
        Ok(())
    }

    /// The machine's addresses are these now.
    pub fn set_interfaces(&mut self, now: Duration, addresses: Vec<IpAddr>) {
        self.config.interfaces.clone_from(&addresses);
        if let Some(names) = &mut self.names {
            names.set_interfaces(&addresses);
        }
        self.agent.set_interfaces(now, addresses);
        self.settle(now);
    }

    /// Whether a local address is a socket of this connection.
    #[must_use]
    pub fn owns(&self, local: SocketAddr) -> bool {
        self.agent.owns(local)
            || self.resolver.owns(local)
            || self.names.as_ref().is_some_and(|names| names.listens(local))
    }

    /// Takes what the network brings.
    pub fn receive(&mut self, now: Duration, input: Receive) {
        let named = match &input {
            Receive::Udp { local, remote, data } => self.take_name(now, *local, *remote, data),
            _ => false,
        };
        if !named {
            for datagram in self.agent.open(now, input) {
                self.take_datagram(now, datagram);
            }
            self.agent.advance(now);
        }
        self.settle(now);
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Duration) {
        self.agent.advance(now);
        self.resolver.advance(now, &self.config.interfaces);
        if let Some(names) = &mut self.names {
            names.advance(now);
        }
        self.secure.advance(now);
        self.data.advance(now);
        self.settle(now);
    }

    /// When [`Peer::advance`] wants to be called next.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let tamper = self.tamper.wake().filter(|wake| Some(*wake) > self.asked_tamper);
        let names = self.names.as_ref().and_then(Names::wake);
        let wakes = [
            self.agent.wake(),
            self.resolver.wake(),
            names,
            self.secure.wake(),
            self.data.wake(),
            self.delayed.wake(),
            tamper,
        ];
        wakes.into_iter().flatten().min()
    }

    /// The next thing to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends something that no layer asked for.
    pub fn inject(&mut self, now: Duration, injection: Injection) {
        self.apply_injection(now, injection);
        self.settle(now);
    }

    /// Closes the connection: the association is aborted, DTLS says `close_notify`, allocations
    /// are given back.
    pub fn close(&mut self, now: Duration) {
        if self.is_closed() {
            return;
        }
        self.disconnect(now);
        self.jsep.close();
        self.agent.close(now);
        self.resolver.close();
        if let Some(names) = &mut self.names {
            names.close();
        }
        self.settle(now);
    }

    /// Ends the association and DTLS, in this order and not in the middle of a flow.
    pub(super) fn disconnect(&mut self, now: Duration) {
        self.data.close(now);
        while self.turn_data(now) {}
        self.secure.close(now);
        while self.turn_dtls(now) {}
    }

    /// `iceConnectionState`.
    #[must_use]
    pub fn ice_connection_state(&self) -> IceConnectionState {
        match self.agent.state() {
            ice::State::New => IceConnectionState::New,
            ice::State::Checking => IceConnectionState::Checking,
            ice::State::Connected => IceConnectionState::Connected,
            ice::State::Disconnected => IceConnectionState::Disconnected,
            ice::State::Failed => IceConnectionState::Failed,
            ice::State::Closed => IceConnectionState::Closed,
        }
    }

    /// `iceGatheringState`.
    #[must_use]
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        if self.agent.is_gathering_complete() {
            IceGatheringState::Complete
        } else if self.agent.is_gathering() {
            IceGatheringState::Gathering
        } else {
            IceGatheringState::New
        }
    }

    /// `connectionState`.
    #[must_use]
    pub fn connection_state(&self) -> ConnectionState {
        ConnectionState::of(self.ice_connection_state(), self.secure.state())
    }

    /// `signalingState`.
    #[must_use]
    pub fn signaling_state(&self) -> SignalingState {
        self.jsep.state()
    }

    /// The pair data goes over: `candidate:...` of our side and of the other.
    #[must_use]
    pub fn selected_pair(&self) -> Option<(String, String)> {
        self.selected.clone()
    }

    /// The DTLS session, for its version and its SRTP keys.
    #[must_use]
    pub fn dtls(&self) -> Option<&Session> {
        self.secure.session()
    }

    /// NSS key log lines since the last call.
    pub fn take_key_log(&mut self) -> Vec<String> {
        self.secure.take_key_log()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.agent.state() == ice::State::Closed
    }

    pub(super) fn refuse_if_closed(&self) -> Result<(), Error> {
        if self.is_closed() {
            return Err(Error::invalid_state("use a closed connection"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("signaling", &self.signaling_state())
            .field("ice", &self.ice_connection_state())
            .field("dtls", &self.secure.state())
            .finish_non_exhaustive()
    }
}

fn jsep_config(config: &Config, identity: &Identity, rng: &mut Rng) -> jsep::Config {
    let ours = jsep::Config::new(rng.u64(), vec![identity.fingerprint().clone()]);
    jsep::Config {
        answer_role: config.dtls_role.unwrap_or(ours.answer_role),
        ice_lite: config.ice_lite,
        max_message_size: config.sctp.max_message_size.unwrap_or(ours.max_message_size),
        ..ours
    }
}

fn gather_config(config: &Config) -> Result<GatherConfig, Error> {
    let mut servers = Vec::new();
    for server in &config.ice_servers {
        for url in &server.urls {
            let resolved =
                Server::resolve(url, &server.username, &server.credential, &config.hosts);
            let resolved = resolved.map_err(|error| {
                let name = match error {
                    ice::ServerError::Credentials { .. } => "InvalidAccessError",
                    _ => "SyntaxError",
                };
                Error::new(name, error.to_string())
            })?;
            servers.extend(resolved);
        }
    }
    Ok(GatherConfig {
        interfaces: config.interfaces.clone(),
        hides_hosts: config.mdns,
        servers,
        policy: match config.policy {
            TransportPolicy::All => Policy::All,
            TransportPolicy::Relay => Policy::Relay,
        },
        ..GatherConfig::default()
    })
}
