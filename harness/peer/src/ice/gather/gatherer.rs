//! The gatherer: sockets, servers, candidates and the data path through them.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use rtcspec_tls::Trust;
use rtcspec_wire::stun::{AddressFamily, ErrorCode, View};

use super::binding::{Binding, Outcome};
use super::relay::Relay;
use crate::ice::candidate::{CandidateType, Foundations, LocalCandidate, priority};
use crate::ice::interfaces;
use crate::ice::server::{Server, Service};
use crate::io::{ConnId, Receive, Transmit};
use crate::rng::Rng;
use crate::stun::{Outgoing, Pacer, Retransmit, Via};
use crate::turn::{self, Client, ClientConfig, Failure, PermissionState, Transport};

/// Which candidates may be used (W3C `RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// All.
    #[default]
    All,
    /// Relayed ones only; nothing tells the other side any address of this machine.
    Relay,
}

/// What a gatherer works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatherConfig {
    /// Every address of the machine.
    pub interfaces: Vec<IpAddr>,
    /// STUN and TURN servers.
    pub servers: Vec<Server>,
    /// Which candidates may be used.
    pub policy: Policy,
    /// Where the ports of sockets are taken from, at random.
    pub ports: Range<u16>,
    /// Names for TCP connections start here.
    pub first_conn: u64,
    /// Families of the relayed addresses to ask for; empty asks for that of the server's address.
    pub relay_families: Vec<AddressFamily>,
    /// RFC 8445 §14.2.
    pub ta: Duration,
    /// Which certificates of TURN servers to take over TLS.
    pub trust: Trust,
}

impl Default for GatherConfig {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            servers: Vec::new(),
            policy: Policy::All,
            ports: 49152..u16::MAX,
            first_conn: 0,
            relay_families: Vec::new(),
            ta: Pacer::DEFAULT_TA,
            trust: Trust::Fixed,
        }
    }
}

/// What a gatherer reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatherEvent {
    /// A new candidate.
    Candidate(LocalCandidate),
    /// Every server has answered or failed.
    Complete,
    /// A server yielded nothing.
    Error {
        /// Its URI.
        url: String,
        /// STUN error code, or 701 when it could not be reached.
        code: u16,
        /// The server's phrase, or ours.
        reason: String,
    },
    /// The TURN server of a relayed base answered about a permission.
    Permission {
        /// The relayed address.
        base: SocketAddr,
        /// The peer's address.
        ip: IpAddr,
        /// Granted or refused.
        state: PermissionState,
    },
    /// A base is gone: its interface, or its allocation.
    Lost {
        /// The base.
        base: SocketAddr,
    },
}

/// What [`Gatherer::poll`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatherOutput {
    /// For the network, as it is.
    Transmit(Transmit),
    /// A STUN message that waits to be given to [`Gatherer::forward`].
    Stun(Outgoing),
    /// Something to know.
    Event(GatherEvent),
}

/// A datagram that reached a base of ours, directly or through a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The base: one of our sockets, or a relayed address.
    pub base: SocketAddr,
    /// Where it came from, as seen at the base.
    pub remote: SocketAddr,
    /// Payload.
    pub data: Vec<u8>,
}

/// A socket of ours, with the place of its interface in the order of preference.
#[derive(Clone, Copy, Debug)]
struct Socket {
    address: SocketAddr,
    rank: usize,
}

/// Sockets, STUN transactions and TURN clients of one session.
#[derive(Debug)]
pub struct Gatherer {
    config: GatherConfig,
    rng: Rng,
    pacer: Pacer,
    sockets: Vec<Socket>,
    /// Ports besides those of `sockets` that legs to TURN servers use.
    extra_sockets: Vec<SocketAddr>,
    bindings: Vec<Binding>,
    relays: Vec<Relay>,
    foundations: Foundations,
    candidates: Vec<LocalCandidate>,
    ranks: usize,
    conns: u64,
    started: bool,
    complete: bool,
    closing: bool,
    out: VecDeque<GatherOutput>,
}

impl Gatherer {
    /// A gatherer that has not begun.
    #[must_use]
    pub fn new(config: GatherConfig, rng: Rng) -> Self {
        Self {
            pacer: Pacer::new(config.ta),
            config,
            rng,
            sockets: Vec::new(),
            extra_sockets: Vec::new(),
            bindings: Vec::new(),
            relays: Vec::new(),
            foundations: Foundations::default(),
            candidates: Vec::new(),
            ranks: 0,
            conns: 0,
            started: false,
            complete: false,
            closing: false,
            out: VecDeque::new(),
        }
    }

    /// Begins: host candidates come at once, the others as servers answer.
    pub fn start(&mut self, now: Duration) {
        if self.started {
            return;
        }
        self.started = true;
        for ip in interfaces::ordered(&self.config.interfaces) {
            self.add_interface(now, ip);
        }
        self.check_complete();
    }

    /// True once [`Gatherer::start`] was called.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// True once every server has answered or failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The candidates gathered so far.
    #[must_use]
    pub fn candidates(&self) -> &[LocalCandidate] {
        &self.candidates
    }

    /// The machine's addresses are these now: bases whose address is gone are lost, new addresses
    /// are gathered from (RFC 8445 §5.1.1.4).
    pub fn set_interfaces(&mut self, now: Duration, addresses: Vec<IpAddr>) {
        let usable = interfaces::ordered(&addresses);
        self.config.interfaces = addresses;
        if !self.started {
            return;
        }
        for socket in self.sockets.clone() {
            if !usable.contains(&socket.address.ip()) {
                self.remove_interface(socket.address);
            }
        }
        for ip in usable {
            if !self.sockets.iter().any(|socket| socket.address.ip() == ip) {
                self.add_interface(now, ip);
            }
        }
        self.check_complete();
    }

    /// True if a datagram to this address, or data of this connection, is for this gatherer.
    #[must_use]
    pub fn owns(&self, input: &Receive) -> bool {
        match input {
            Receive::Udp { local, .. } | Receive::Unreachable { local, .. } => {
                self.extra_sockets.contains(local)
                    || self.sockets.iter().any(|socket| socket.address == *local)
            }
            Receive::TcpConnected { conn, .. }
            | Receive::TcpData { conn, .. }
            | Receive::TcpClosed { conn } => {
                self.relays.iter().any(|relay| relay.client.conn() == Some(*conn))
            }
        }
    }

    /// True if data can be sent from this base.
    #[must_use]
    pub fn has_base(&self, base: SocketAddr) -> bool {
        self.is_socket(base) || self.relay_of(base).is_some()
    }

    /// Sends a datagram from a base: a socket, or a relayed address through its server. False if
    /// there is no such base.
    pub fn send(
        &mut self,
        now: Duration,
        base: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> bool {
        if self.is_socket(base) {
            let data = data.to_vec();
            let transmit = Transmit::Udp { local: base, remote, data };
            self.out.push_back(GatherOutput::Transmit(transmit));
            return true;
        }
        let Some(index) = self.relay_of(base) else { return false };
        let sent = self.relays[index].client.send(remote, data);
        self.drain(now, index);
        sent
    }

    /// Sends a STUN message that came out of [`Gatherer::poll`], or what replaces it.
    pub fn forward(&mut self, now: Duration, message: Outgoing) {
        match message.via {
            Via::Base => {
                self.send(now, message.local, message.remote, &message.bytes);
            }
            Via::Client(index) => {
                if let Some(relay) = self.relays.get_mut(index) {
                    relay.client.write(message.bytes);
                    self.drain(now, index);
                }
            }
        }
    }

    /// Asks the server of a relayed base to let a peer through. Nothing for other bases.
    pub fn permit(&mut self, base: SocketAddr, ip: IpAddr) {
        if let Some(index) = self.relay_of(base) {
            self.relays[index].client.permit(ip);
        }
    }

    /// Whether a peer is let through to a base. Sockets let everyone through.
    #[must_use]
    pub fn permission(&self, base: SocketAddr, ip: IpAddr) -> Option<PermissionState> {
        if self.is_socket(base) {
            return Some(PermissionState::Granted);
        }
        self.relays.get(self.relay_of(base)?)?.client.permission(ip)
    }

    /// Asks for a channel to a peer on the server of a relayed base. Nothing for other bases.
    pub fn bind(&mut self, base: SocketAddr, peer: SocketAddr) {
        if let Some(index) = self.relay_of(base) {
            self.relays[index].client.bind(peer);
        }
    }

    /// Takes what the network brings; yields the datagrams that are for ICE or above.
    pub fn receive(&mut self, now: Duration, input: Receive) -> Vec<Datagram> {
        let mut datagrams = Vec::new();
        match input {
            Receive::Udp { local, remote, data } => {
                self.datagram(now, Datagram { base: local, remote, data }, &mut datagrams);
            }
            Receive::TcpConnected { conn, local } => {
                self.with_conn(now, conn, &mut datagrams, |client| client.connected(local));
            }
            Receive::TcpData { conn, data } => {
                self.with_conn(now, conn, &mut datagrams, |client| client.stream_data(now, &data));
            }
            Receive::TcpClosed { conn } => {
                self.with_conn(now, conn, &mut datagrams, Client::disconnected);
            }
            Receive::Unreachable { .. } => {}
        }
        datagrams
    }

    /// The pacer: ICE checks take their slots from it too (RFC 8445 §14.1).
    pub(crate) fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// The pacer, to take a slot from.
    pub(crate) fn pacer_mut(&mut self) -> &mut Pacer {
        &mut self.pacer
    }

    /// True if a transaction with a server waits for a slot.
    #[must_use]
    pub(crate) fn wants_to_start(&self) -> bool {
        self.bindings.iter().any(Binding::wants_to_start)
            || self.relays.iter().any(|relay| relay.client.wants_to_start())
    }

    /// Starts the next transaction with a server, without asking the pacer. False if none waits.
    pub(crate) fn start_next(&mut self, now: Duration) -> bool {
        let rto = self.rto();
        if let Some(binding) = self.bindings.iter_mut().find(|binding| binding.wants_to_start()) {
            let request = binding.start(now, rto, &mut self.rng);
            self.out.extend(request.map(GatherOutput::Stun));
            return true;
        }
        let waiting = self.relays.iter().position(|relay| relay.client.wants_to_start());
        let Some(index) = waiting else { return false };
        self.relays[index].client.start_next(now);
        self.drain(now, index);
        true
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<GatherOutput> {
        self.out.pop_front()
    }

    /// When [`Gatherer::advance`] wants to be called next.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let slot = self.wants_to_start().then(|| self.pacer.free_at());
        let bindings = self.bindings.iter().filter_map(Binding::wake);
        let relays = self.relays.iter().filter_map(|relay| relay.client.wake());
        bindings.chain(relays).chain(slot).min()
    }

    /// Time has come to `now`: timers run, then transactions start as far as Ta allows.
    pub fn advance(&mut self, now: Duration) {
        self.run_timers(now);
        self.pump(now);
    }

    /// Timers alone; whoever shares the pacer starts transactions.
    pub(crate) fn run_timers(&mut self, now: Duration) {
        for index in 0..self.bindings.len() {
            let (resend, outcome) = self.bindings[index].advance(now);
            self.out.extend(resend.map(GatherOutput::Stun));
            if let Some(outcome) = outcome {
                self.bound(index, outcome);
            }
        }
        for index in 0..self.relays.len() {
            if self.relays[index].client.wake().is_some_and(|at| at <= now) {
                self.relays[index].client.advance(now);
                self.drain(now, index);
            }
        }
    }

    /// ICE has concluded: mappings are no longer kept and allocations other than `base`'s are
    /// given back, permissions other than `peer`'s are let go (RFC 8445 §8.3).
    pub fn keep_only(&mut self, now: Duration, base: SocketAddr, peer: SocketAddr) {
        self.bindings.iter_mut().for_each(Binding::end);
        let kept = self.relay_of(base);
        for index in 0..self.relays.len() {
            if Some(index) == kept {
                self.relays[index].client.keep_only(&[peer]);
            } else {
                self.relays[index].client.close();
            }
            self.drain(now, index);
        }
        self.check_complete();
    }

    /// Gives everything back. Refresh requests with lifetime 0 are answered or time out after
    /// this, so [`Gatherer::is_closed`] comes later.
    pub fn close(&mut self, now: Duration) {
        self.closing = true;
        self.bindings.iter_mut().for_each(Binding::end);
        for index in 0..self.relays.len() {
            self.relays[index].client.close();
            self.relays[index].client.start_next(now);
            self.drain(now, index);
        }
    }

    /// True once nothing is left to give back.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closing && self.relays.iter().all(|relay| relay.client.is_ended())
    }

    fn is_socket(&self, base: SocketAddr) -> bool {
        self.sockets.iter().any(|socket| socket.address == base)
    }

    fn relay_of(&self, base: SocketAddr) -> Option<usize> {
        self.relays.iter().position(|relay| relay.client.relayed() == Some(base))
    }

    fn pump(&mut self, now: Duration) {
        while self.wants_to_start() && self.pacer.is_free(now) {
            self.pacer.take(now);
            self.start_next(now);
        }
    }

    /// RFC 8445 §14.3: the RTO grows with the number of candidates to gather.
    fn rto(&self) -> Duration {
        let candidates = self.bindings.len() + self.relays.len();
        let scaled = self.pacer.ta() * u32::try_from(candidates).unwrap_or(u32::MAX);
        scaled.max(Retransmit::MIN_RTO)
    }

    fn add_interface(&mut self, now: Duration, ip: IpAddr) {
        let rank = self.ranks;
        self.ranks += 1;
        let address = self.free_port(ip);
        self.sockets.push(Socket { address, rank });
        if self.config.policy == Policy::All {
            let foundation = self.foundations.of(CandidateType::Host, ip, None, None);
            let local_preference = preference(rank, 0);
            self.add_candidate(LocalCandidate {
                kind: CandidateType::Host,
                address,
                base: address,
                related: None,
                priority: priority(CandidateType::Host, local_preference),
                foundation,
                local_preference,
                server: None,
                relay_transport: None,
            });
        }
        for (index, server) in self.ranked_servers() {
            if server.address.is_ipv4() != ip.is_ipv4() {
                continue;
            }
            match server.service {
                Service::Stun if self.config.policy == Policy::Relay => {}
                Service::Stun => {
                    self.bindings.push(Binding::new(address, server.address, server.url, index));
                }
                Service::Turn(transport) => {
                    self.add_relays(now, Socket { address, rank }, &server, transport, index);
                }
            }
        }
    }

    /// Servers with their places, relays over UDP before those over TCP and TLS, each address and
    /// service once.
    fn ranked_servers(&self) -> Vec<(usize, Server)> {
        let mut seen = BTreeSet::new();
        let mut servers: Vec<Server> = self.config.servers.clone();
        servers.retain(|s| seen.insert((s.service, s.address, s.username.clone())));
        servers.sort_by_key(|server| server.service);
        servers.into_iter().enumerate().collect()
    }

    fn add_relays(
        &mut self,
        now: Duration,
        socket: Socket,
        server: &Server,
        transport: Transport,
        rank: usize,
    ) {
        let families = if self.config.relay_families.is_empty() {
            vec![AddressFamily::of(server.address.ip())]
        } else {
            self.config.relay_families.clone()
        };
        for family in families {
            // One allocation per 5-tuple (RFC 8656 §5): only the first client of a server shares
            // the port of the host candidate, which also yields the server-reflexive one.
            let shared = transport == Transport::Udp
                && !self.relays.iter().any(|r| r.is_leg(socket.address, server.address));
            let local = match transport {
                Transport::Udp if shared => socket.address,
                Transport::Udp => self.extra_socket(socket.address.ip()),
                Transport::Tcp | Transport::Tls => SocketAddr::new(socket.address.ip(), 0),
            };
            self.add_relay(now, socket, server, transport, (rank, family, local, false));
        }
    }

    fn add_relay(
        &mut self,
        now: Duration,
        socket: Socket,
        server: &Server,
        transport: Transport,
        (rank, family, local, retried): (usize, AddressFamily, SocketAddr, bool),
    ) {
        let conn = ConnId(self.config.first_conn + self.conns);
        self.conns += 2;
        let config = ClientConfig {
            server: server.address,
            transport,
            server_name: server.name.clone(),
            trust: self.config.trust.clone(),
            local,
            conn,
            username: server.username.clone(),
            password: server.password.clone(),
            family,
            rto: self.rto(),
        };
        let index = self.relays.len();
        let rng = self.rng.fork_nth("turn", index as u64);
        let mut client = Client::new(config, rng);
        client.start(now);
        self.relays.push(Relay {
            client,
            server: server.clone(),
            rank,
            interface: socket.address.ip(),
            interface_rank: socket.rank,
            pending: true,
            retried,
            relayed: None,
        });
        self.drain(now, index);
    }

    fn remove_interface(&mut self, address: SocketAddr) {
        self.sockets.retain(|socket| socket.address != address);
        self.extra_sockets.retain(|extra| extra.ip() != address.ip());
        self.bindings.retain(|binding| binding.socket != address);
        self.lost(address);
        for index in 0..self.relays.len() {
            let relay = &mut self.relays[index];
            if relay.interface == address.ip() && !relay.client.is_ended() {
                // The server cannot be reached any more from here; the allocation will expire.
                relay.client.abandon();
                relay.pending = false;
                if let Some(relayed) = relay.relayed.take() {
                    self.lost(relayed);
                }
            }
        }
    }

    fn lost(&mut self, base: SocketAddr) {
        self.candidates.retain(|candidate| candidate.base != base);
        self.event(GatherEvent::Lost { base });
    }

    fn datagram(&mut self, now: Duration, datagram: Datagram, out: &mut Vec<Datagram>) {
        let Datagram { base, remote, data } = &datagram;
        let leg = self.relays.iter().position(|relay| relay.is_leg(*base, *remote));
        if let Some(index) = leg
            && self.relays[index].client.datagram(now, data)
        {
            self.drain_into(now, index, out);
            return;
        }
        let view = View::new(data);
        let asked = |binding: &Binding| binding.socket == *base && binding.server == *remote;
        for index in 0..self.bindings.len() {
            let binding = &mut self.bindings[index];
            if asked(binding)
                && view.check().is_ok()
                && let Some(outcome) = binding.receive(now, &view)
            {
                self.bound(index, outcome);
                return;
            }
        }
        if self.is_socket(*base) {
            out.push(datagram);
        }
    }

    /// A STUN server has answered, or will not.
    fn bound(&mut self, index: usize, outcome: Outcome) {
        let Binding { socket, server, rank, .. } = self.bindings[index];
        let url = self.bindings[index].url.clone();
        match outcome {
            Outcome::Mapped(mapped) => self.add_reflexive(socket, mapped, server, rank),
            Outcome::Refused { code, reason } => {
                self.event(GatherEvent::Error { url, code, reason });
            }
            Outcome::Unanswered => {
                let reason = "STUN server does not answer".to_owned();
                self.event(GatherEvent::Error { url, code: 701, reason });
            }
        }
        self.check_complete();
    }

    fn add_reflexive(
        &mut self,
        base: SocketAddr,
        mapped: SocketAddr,
        server: SocketAddr,
        server_rank: usize,
    ) {
        let Some(socket) = self.sockets.iter().find(|socket| socket.address == base) else {
            return;
        };
        // RFC 8445 §5.1.3: same address and base as another candidate.
        let known =
            |candidate: &LocalCandidate| candidate.address == mapped && candidate.base == base;
        if self.config.policy == Policy::Relay || self.candidates.iter().any(known) {
            return;
        }
        let kind = CandidateType::ServerReflexive;
        let local_preference = preference(socket.rank, server_rank);
        let foundation = self.foundations.of(kind, base.ip(), Some(server.ip()), None);
        self.add_candidate(LocalCandidate {
            kind,
            address: mapped,
            base,
            related: Some(base),
            priority: priority(kind, local_preference),
            foundation,
            local_preference,
            server: Some(server),
            relay_transport: None,
        });
    }

    fn add_relayed(&mut self, index: usize, relayed: SocketAddr, mapped: SocketAddr) {
        let relay = &mut self.relays[index];
        relay.relayed = Some(relayed);
        let (server, transport) = (relay.client.server(), relay.client.transport());
        let local_preference = preference(relay.rank, relay.interface_rank);
        // RFC 8445 §5.1.1.2: a relayed candidate identical to a host candidate is discarded.
        if self.is_socket(relayed) {
            return;
        }
        let kind = CandidateType::Relayed;
        let foundation =
            self.foundations.of(kind, relayed.ip(), Some(server.ip()), Some(transport));
        // RFC 8839 §5.1: the related address may be withheld as 0.0.0.0 or :: and port 9.
        let related = match (self.config.policy, relayed.ip()) {
            (Policy::All, _) => mapped,
            (Policy::Relay, IpAddr::V4(_)) => SocketAddr::from(([0, 0, 0, 0], 9)),
            (Policy::Relay, IpAddr::V6(_)) => SocketAddr::from(([0u16; 8], 9)),
        };
        self.add_candidate(LocalCandidate {
            kind,
            address: relayed,
            base: relayed,
            related: Some(related),
            priority: priority(kind, local_preference),
            foundation,
            local_preference,
            server: Some(server),
            relay_transport: Some(transport),
        });
    }

    fn add_candidate(&mut self, candidate: LocalCandidate) {
        self.candidates.push(candidate.clone());
        self.event(GatherEvent::Candidate(candidate));
    }

    /// Passes on what a TURN client wants done, apart from data.
    fn drain(&mut self, now: Duration, index: usize) {
        let mut datagrams = Vec::new();
        self.drain_into(now, index, &mut datagrams);
    }

    fn drain_into(&mut self, now: Duration, index: usize, out: &mut Vec<Datagram>) {
        while let Some(output) = self.relays[index].client.poll() {
            match output {
                turn::Output::Transmit(transmit) => {
                    self.out.push_back(GatherOutput::Transmit(transmit));
                }
                turn::Output::Request { bytes, key } => {
                    let client = &self.relays[index].client;
                    let (local, remote) = (client.local(), client.server());
                    let via = Via::Client(index);
                    let outgoing = Outgoing { local, remote, bytes, key, session: 0, via };
                    self.out.push_back(GatherOutput::Stun(outgoing));
                }
                turn::Output::Event(event) => self.turn_event(now, index, event, out),
            }
        }
    }

    fn turn_event(
        &mut self,
        now: Duration,
        index: usize,
        event: turn::Event,
        out: &mut Vec<Datagram>,
    ) {
        match event {
            turn::Event::Allocated { relayed, mapped } => {
                self.relays[index].pending = false;
                let client = &self.relays[index].client;
                let (local, server) = (client.local(), client.server());
                let rank = self.relays[index].rank;
                // RFC 8445 §5.1.1.2: an Allocate response brings both candidates, the reflexive
                // one only if the leg is UDP and shares the socket of a host candidate.
                if client.transport() == Transport::Udp && self.is_socket(local) {
                    self.add_reflexive(local, mapped, server, rank);
                }
                self.add_relayed(index, relayed, mapped);
                self.check_complete();
            }
            turn::Event::Failed(failure) => self.turn_failed(now, index, failure),
            turn::Event::Closed => {
                self.relays[index].pending = false;
                self.relays[index].relayed = None;
                self.check_complete();
            }
            turn::Event::Permission { ip, state } => {
                if let Some(base) = self.relays[index].relayed {
                    self.event(GatherEvent::Permission { base, ip, state });
                }
            }
            turn::Event::Data { peer, data } => {
                if let Some(base) = self.relays[index].relayed {
                    out.push(Datagram { base, remote: peer, data });
                }
            }
        }
    }

    fn turn_failed(&mut self, now: Duration, index: usize, failure: Failure) {
        if let Some(base) = self.relays[index].relayed.take() {
            self.lost(base);
            return;
        }
        let relay = &mut self.relays[index];
        relay.pending = false;
        let (server, rank, retried) = (relay.server.clone(), relay.rank, relay.retried);
        let (interface, transport) = (relay.interface, relay.client.transport());
        let Some(socket) = self.sockets.iter().find(|s| s.address.ip() == interface).copied()
        else {
            return;
        };
        let udp = transport == Transport::Udp;
        if udp && failure.code == ErrorCode::ALLOCATION_MISMATCH && !retried {
            // RFC 8656 §7.4: the server believes this 5-tuple in use; another port may do.
            let local = self.extra_socket(interface);
            let family = AddressFamily::of(server.address.ip());
            self.add_relay(now, socket, &server, transport, (rank, family, local, true));
            return;
        }
        // RFC 8445 §5.1.1.2: a server that refuses to allocate can still tell the mapped address.
        if udp && self.config.policy == Policy::All && failure.code != 701 {
            let url = server.url.clone();
            self.bindings.push(Binding::new(socket.address, server.address, url, rank));
        }
        let Failure { code, reason } = failure;
        self.event(GatherEvent::Error { url: server.url, code, reason });
        self.check_complete();
    }

    fn with_conn(
        &mut self,
        now: Duration,
        conn: ConnId,
        out: &mut Vec<Datagram>,
        act: impl FnOnce(&mut Client),
    ) {
        let found = self.relays.iter().position(|relay| relay.client.conn() == Some(conn));
        if let Some(index) = found {
            act(&mut self.relays[index].client);
            self.drain_into(now, index, out);
        }
    }

    fn check_complete(&mut self) {
        let pending = self.bindings.iter().any(|binding| binding.pending)
            || self.relays.iter().any(|relay| relay.pending);
        if self.started && !self.complete && !pending {
            self.complete = true;
            self.event(GatherEvent::Complete);
        }
    }

    fn extra_socket(&mut self, ip: IpAddr) -> SocketAddr {
        let address = self.free_port(ip);
        self.extra_sockets.push(address);
        address
    }

    /// A port of `ip` that this gatherer does not use yet.
    fn free_port(&mut self, ip: IpAddr) -> SocketAddr {
        let Range { start, end } = self.config.ports;
        let width = end.saturating_sub(start).max(1);
        let first = self.rng.range(0..u64::from(width));
        let first = u16::try_from(first).unwrap_or_default();
        let port = |step: u16| {
            let offset = (u32::from(first) + u32::from(step)) % u32::from(width);
            start + u16::try_from(offset).unwrap_or_default()
        };
        let taken =
            |address: &SocketAddr| self.extra_sockets.contains(address) || self.is_socket(*address);
        let free = (0..width).map(|step| SocketAddr::new(ip, port(step))).find(|a| !taken(a));
        free.unwrap_or(SocketAddr::new(ip, start))
    }

    fn event(&mut self, event: GatherEvent) {
        self.out.push_back(GatherOutput::Event(event));
    }
}

/// RFC 8445 §5.1.2.1: the local preference, unique within a type: 65535 for the only address.
fn preference(major: usize, minor: usize) -> u16 {
    let major = u16::try_from(major.min(254)).unwrap_or(254);
    let minor = u16::try_from(minor.min(255)).unwrap_or(255);
    u16::MAX - (major << 8) - minor
}
