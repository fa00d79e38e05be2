//! The sockets, servers and relays of one ICE generation.
//!
//! Both stacks leave gathering to the application, so the harness is one: it gathers with the
//! reference peer's [`Gatherer`] and carries what the stack sends from a relayed address the way
//! TURN client libraries do, asking for a permission before the first datagram to an address and
//! for a channel once data flows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_control::{self as control, Configuration, TransportPolicy};
use rtcspec_peer::ice::{
    CandidateType, Datagram, GatherConfig, GatherEvent, GatherOutput, Gatherer, LocalCandidate,
    Policy, Server, ServerError,
};
use rtcspec_peer::io;
use rtcspec_peer::rng::Rng;
use rtcspec_peer::turn::PermissionState;

use crate::connection::{Found, Outcome, Refusal};

/// Datagrams kept for one address while its permission is asked for.
const MOST_HELD: usize = 32;
/// Ports of one generation; the dynamic range (RFC 6335 §6) has room for sixteen.
const PORTS: u16 = 1024;
/// Names of TCP connections one generation may use.
const CONNECTIONS: u64 = 1 << 20;

/// What gathering is configured with, for every generation of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) interfaces: Vec<IpAddr>,
    pub(crate) servers: Vec<Server>,
    pub(crate) policy: Policy,
}

impl Plan {
    pub(crate) fn new(config: &Configuration) -> Outcome<Self> {
        let mut servers = Vec::new();
        for server in &config.ice_servers {
            for url in &server.urls {
                let found =
                    Server::resolve(url, &server.username, &server.credential, &config.hosts);
                servers.extend(found.map_err(refused)?);
            }
        }
        let policy = match config.ice_transport_policy {
            TransportPolicy::All => Policy::All,
            TransportPolicy::Relay => Policy::Relay,
        };
        Ok(Self { interfaces: config.interfaces.clone(), servers, policy })
    }
}

fn refused(error: ServerError) -> Refusal {
    match error {
        ServerError::Stuns { .. } => Refusal::unsupported(error.to_string()),
        ServerError::Credentials { .. } => Refusal::error("InvalidAccessError", error),
        _ => Refusal::error("SyntaxError", error),
    }
}

/// What a generation has for the connection or the network.
#[derive(Clone, Debug)]
pub(crate) enum FromSockets {
    Transmit(control::Transmit),
    Found(Found),
    Complete,
    Failed { url: String, code: u16 },
    Lost(SocketAddr),
}

/// Where to, and what, once there is a permission.
type Held = (SocketAddr, Vec<u8>);

/// One generation of sockets.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// User fragment of the description it was gathered for.
    pub(crate) ufrag: String,
    /// They are given back.
    closing: bool,
    gatherer: Gatherer,
    held: BTreeMap<(SocketAddr, IpAddr), Vec<Held>>,
    bound: BTreeSet<(SocketAddr, SocketAddr)>,
}

impl Sockets {
    /// Opens the sockets of the endpoint's generation number `number`.
    pub(crate) fn open(now: Duration, plan: &Plan, ufrag: String, number: u16, rng: &Rng) -> Self {
        let first = 49_152 + (number % 16) * PORTS;
        let config = GatherConfig {
            interfaces: plan.interfaces.clone(),
            servers: plan.servers.clone(),
            policy: plan.policy,
            ports: first..first.saturating_add(PORTS - 1),
            first_conn: u64::from(number) * CONNECTIONS,
            ..GatherConfig::default()
        };
        let mut gatherer = Gatherer::new(config, rng.fork_nth("sockets", u64::from(number)));
        gatherer.start(now);
        let (held, bound) = (BTreeMap::new(), BTreeSet::new());
        Self { ufrag, closing: false, gatherer, held, bound }
    }

    /// Whether they are in use, for the description with this user fragment.
    pub(crate) fn serves(&self, ufrag: &str) -> bool {
        !self.closing && self.ufrag == ufrag
    }

    /// Whether all candidates were found.
    pub(crate) fn is_complete(&self) -> bool {
        self.gatherer.is_complete()
    }

    pub(crate) fn follow(&mut self, now: Duration, interfaces: &[IpAddr]) {
        self.gatherer.set_interfaces(now, interfaces.to_vec());
    }

    pub(crate) fn has(&self, base: SocketAddr) -> bool {
        self.gatherer.has_base(base)
    }

    pub(crate) fn bases(&self) -> BTreeSet<SocketAddr> {
        self.gatherer.candidates().iter().map(|candidate| candidate.base).collect()
    }

    /// Sends what the stack wants sent from one of its bases.
    pub(crate) fn send(&mut self, now: Duration, base: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        match self.gatherer.permission(base, to.ip()) {
            Some(PermissionState::Granted) => {
                // RFC 7983 §7: what does not start like STUN is data, and data is worth a channel.
                if data.first().is_some_and(|first| *first > 3) && self.bound.insert((base, to)) {
                    self.gatherer.bind(base, to);
                }
                self.gatherer.send(now, base, to, &data);
            }
            Some(PermissionState::Refused(_)) => {}
            asked => {
                if asked.is_none() {
                    self.gatherer.permit(base, to.ip());
                }
                let held = self.held.entry((base, to.ip())).or_default();
                if held.len() < MOST_HELD {
                    held.push((to, data));
                }
            }
        }
    }

    pub(crate) fn owns(&self, input: &io::Receive) -> bool {
        self.gatherer.owns(input)
    }

    pub(crate) fn receive(&mut self, now: Duration, input: io::Receive) -> Vec<Datagram> {
        self.gatherer.receive(now, input)
    }

    pub(crate) fn wake(&self) -> Option<Duration> {
        self.gatherer.wake()
    }

    pub(crate) fn advance(&mut self, now: Duration) {
        self.gatherer.advance(now);
    }

    /// Gives allocations back.
    pub(crate) fn close(&mut self, now: Duration) {
        self.closing = true;
        self.gatherer.close(now);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.gatherer.is_closed()
    }

    pub(crate) fn poll(&mut self, now: Duration) -> Option<FromSockets> {
        loop {
            match self.gatherer.poll()? {
                GatherOutput::Transmit(transmit) => {
                    return Some(FromSockets::Transmit(to_control(transmit)));
                }
                GatherOutput::Stun(message) => self.gatherer.forward(now, message),
                GatherOutput::Event(GatherEvent::Permission { base, ip, state }) => {
                    self.permission(now, base, ip, state);
                }
                GatherOutput::Event(GatherEvent::Candidate(candidate)) => {
                    if let Some(found) = found(&candidate) {
                        return Some(FromSockets::Found(found));
                    }
                }
                GatherOutput::Event(GatherEvent::Complete) => return Some(FromSockets::Complete),
                GatherOutput::Event(GatherEvent::Error { url, code, .. }) => {
                    return Some(FromSockets::Failed { url, code });
                }
                GatherOutput::Event(GatherEvent::Lost { base }) => {
                    return Some(FromSockets::Lost(base));
                }
            }
        }
    }

    fn permission(&mut self, now: Duration, base: SocketAddr, ip: IpAddr, state: PermissionState) {
        if state == PermissionState::Requested {
            return;
        }
        for (to, data) in self.held.remove(&(base, ip)).unwrap_or_default() {
            self.send(now, base, to, data);
        }
    }
}

fn found(candidate: &LocalCandidate) -> Option<Found> {
    let LocalCandidate { address, base, related, .. } = *candidate;
    match candidate.kind {
        CandidateType::Host => Some(Found::Host { address }),
        CandidateType::ServerReflexive => Some(Found::Reflexive { address, base }),
        CandidateType::Relayed => {
            Some(Found::Relayed { address, related: related.unwrap_or(base) })
        }
        // The stack learns these itself.
        CandidateType::PeerReflexive => None,
    }
}

fn to_control(transmit: io::Transmit) -> control::Transmit {
    let name = |conn: io::ConnId| control::ConnId(conn.0);
    match transmit {
        io::Transmit::Udp { local, remote, data } => control::Transmit::Udp { local, remote, data },
        io::Transmit::TcpConnect { conn, local, remote } => {
            control::Transmit::TcpConnect { conn: name(conn), local, remote }
        }
        io::Transmit::TcpSend { conn, data } => {
            control::Transmit::TcpSend { conn: name(conn), data }
        }
        io::Transmit::TcpClose { conn } => control::Transmit::TcpClose { conn: name(conn) },
    }
}

/// What came in, in the words of the gatherer.
pub(crate) fn from_control(input: control::Receive) -> Option<io::Receive> {
    let name = |conn: control::ConnId| io::ConnId(conn.0);
    Some(match input {
        control::Receive::Udp { local, remote, data } => io::Receive::Udp { local, remote, data },
        control::Receive::TcpConnected { conn, local } => {
            io::Receive::TcpConnected { conn: name(conn), local }
        }
        control::Receive::TcpData { conn, data } => io::Receive::TcpData { conn: name(conn), data },
        control::Receive::TcpClosed { conn } => io::Receive::TcpClosed { conn: name(conn) },
        control::Receive::Unreachable { local, remote } => {
            io::Receive::Unreachable { local, remote }
        }
        // These stacks have sockets, no IP stack.
        control::Receive::Packet { .. } => return None,
    })
}
