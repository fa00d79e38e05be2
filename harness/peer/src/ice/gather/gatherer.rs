//! The gatherer: sockets, servers, candidates and the data path through them.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::stun::{AddressFamily, ErrorCode, View};

use super::binding::{Binding, Outcome};
use super::config::{GatherConfig, Policy};
use super::event::{Datagram, GatherEvent, GatherOutput};
use super::relay::Relay;
use crate::ice::candidate::{Foundations, LocalCandidate};
use crate::ice::interfaces;
use crate::io::{ConnId, Receive, Transmit};
use crate::rng::Rng;
use crate::stun::{Outgoing, Pacer, Retransmit, Via};
use crate::turn::{self, Client, Failure, PermissionState, Transport};

/// A socket of ours, with the place of its interface in the order of preference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    pub(super) address: SocketAddr,
    pub(super) rank: usize,
}

/// Sockets, STUN transactions and TURN clients of one session.
#[derive(Debug)]
pub struct Gatherer {
    pub(super) config: GatherConfig,
    pub(super) rng: Rng,
    pacer: Pacer,
    pub(super) sockets: Vec<Socket>,
    /// Ports besides those of `sockets` that legs to TURN servers use.
    pub(super) extra_sockets: Vec<SocketAddr>,
    /// Ports somebody else on this machine uses.
    pub(super) taken: Vec<SocketAddr>,
    pub(super) bindings: Vec<Binding>,
    pub(super) relays: Vec<Relay>,
    pub(super) foundations: Foundations,
    pub(super) candidates: Vec<LocalCandidate>,
    pub(super) ranks: usize,
    pub(super) conns: u64,
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
            taken: Vec::new(),
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

    /// Does not open these sockets: they are in use.
    pub fn avoid(&mut self, sockets: impl IntoIterator<Item = SocketAddr>) {
        self.taken.extend(sockets);
    }

    /// The UDP sockets in use.
    pub fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        let hosts = self.sockets.iter().map(|socket| socket.address);
        hosts.chain(self.extra_sockets.iter().copied())
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
    /// are gathered from (RFC 8445 §5.1.1.4), unless all is given back.
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
        let closing = self.closing;
        for ip in usable.into_iter().filter(|_| !closing) {
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

    /// Takes what the network brings; yields the datagrams that are for ICE or above. Call
    /// [`Gatherer::advance`] afterwards: an answer may have made room for the next request.
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
            Receive::Unreachable { local, remote } => self.unreachable(now, local, remote),
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

    pub(super) fn is_socket(&self, base: SocketAddr) -> bool {
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
    pub(super) fn rto(&self) -> Duration {
        let candidates = self.bindings.len() + self.relays.len();
        let scaled = self.pacer.ta() * u32::try_from(candidates).unwrap_or(u32::MAX);
        scaled.max(Retransmit::MIN_RTO)
    }

    pub(super) fn lost(&mut self, base: SocketAddr) {
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

    /// RFC 8489 §6.2.1: a hard ICMP error ends a transaction.
    fn unreachable(&mut self, now: Duration, local: SocketAddr, remote: SocketAddr) {
        for index in 0..self.bindings.len() {
            let binding = &mut self.bindings[index];
            if binding.pending && binding.socket == local && binding.server == remote {
                binding.end();
                self.bound(index, Outcome::Unanswered);
            }
        }
        let leg = self.relays.iter().position(|r| r.pending && r.is_leg(local, remote));
        if let Some(index) = leg {
            self.relays[index].client.unreachable();
            self.drain(now, index);
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

    /// Passes on what a TURN client wants done, apart from data.
    pub(super) fn drain(&mut self, now: Duration, index: usize) {
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

    pub(super) fn event(&mut self, event: GatherEvent) {
        self.out.push_back(GatherOutput::Event(event));
    }
}
