//! How interfaces and servers become candidates (RFC 8445 §5.1.1, §5.1.2, §5.1.3).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use rtcspec_wire::stun::AddressFamily;

use super::binding::Binding;
use super::config::Policy;
use super::event::GatherEvent;
use super::gatherer::{Gatherer, Socket};
use super::relay::Relay;
use crate::ice::candidate::{CandidateType, LocalCandidate, priority};
use crate::ice::server::{Server, Service};
use crate::io::ConnId;
use crate::turn::{Client, ClientConfig, Transport};

impl Gatherer {
    pub(super) fn add_interface(&mut self, now: Duration, ip: IpAddr) {
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
    pub(super) fn ranked_servers(&self) -> Vec<(usize, Server)> {
        let mut seen = BTreeSet::new();
        let mut servers: Vec<Server> = self.config.servers.clone();
        servers.retain(|s| seen.insert((s.service, s.address, s.username.clone())));
        servers.sort_by_key(|server| server.service);
        servers.into_iter().enumerate().collect()
    }

    pub(super) fn add_relays(
        &mut self,
        now: Duration,
        socket: Socket,
        server: &Server,
        transport: Transport,
        rank: usize,
    ) {
        for family in self.relay_families(server) {
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

    /// Families of the relayed addresses to ask a server for.
    fn relay_families(&self, server: &Server) -> Vec<AddressFamily> {
        if !self.config.relay_families.is_empty() {
            return self.config.relay_families.clone();
        }
        let own = AddressFamily::of(server.address.ip());
        // RFC 8835 §3.4: a party without IPv4 has to come to one without IPv6, and the relay is the
        // only place where the families meet.
        let meets = own == AddressFamily::V6 && !self.config.interfaces.iter().any(IpAddr::is_ipv4);
        std::iter::once(own).chain(meets.then_some(AddressFamily::V4)).collect()
    }

    pub(super) fn add_relay(
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

    pub(super) fn remove_interface(&mut self, address: SocketAddr) {
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

    pub(super) fn add_reflexive(
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
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1.2.2: not as a host candidate that is hidden.
        let hidden = |candidate: &LocalCandidate| {
            self.config.hides_hosts && candidate.kind == CandidateType::Host
        };
        let known = |candidate: &LocalCandidate| {
            candidate.address == mapped && candidate.base == base && !hidden(candidate)
        };
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

    pub(super) fn add_relayed(&mut self, index: usize, relayed: SocketAddr, mapped: SocketAddr) {
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

    pub(super) fn add_candidate(&mut self, candidate: LocalCandidate) {
        self.candidates.push(candidate.clone());
        self.event(GatherEvent::Candidate(candidate));
    }

    pub(super) fn extra_socket(&mut self, ip: IpAddr) -> SocketAddr {
        let address = self.free_port(ip);
        self.extra_sockets.push(address);
        address
    }

    /// A port of `ip` that this gatherer does not use yet.
    pub(super) fn free_port(&mut self, ip: IpAddr) -> SocketAddr {
        let Range { start, end } = self.config.ports;
        let width = end.saturating_sub(start).max(1);
        let first = self.rng.range(0..u64::from(width));
        let first = u16::try_from(first).unwrap_or_default();
        let port = |step: u16| {
            let offset = (u32::from(first) + u32::from(step)) % u32::from(width);
            start + u16::try_from(offset).unwrap_or_default()
        };
        let taken = |address: &SocketAddr| {
            self.taken.contains(address) || self.sockets().any(|used| used == *address)
        };
        let free = (0..width).map(|step| SocketAddr::new(ip, port(step))).find(|a| !taken(a));
        free.unwrap_or(SocketAddr::new(ip, start))
    }
}

/// RFC 8445 §5.1.2.1: the local preference, unique within a type: 65535 for the only address.
fn preference(major: usize, minor: usize) -> u16 {
    let major = u16::try_from(major.min(254)).unwrap_or(254);
    let minor = u16::try_from(minor.min(255)).unwrap_or(255);
    u16::MAX - (major << 8) - minor
}
