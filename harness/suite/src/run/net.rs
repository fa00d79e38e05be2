//! The network of a run: the engine with its hosts and services, seen from the stage.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_capture::net::HostStreams;
use rtcspec_capture::pcapng::{Crossing as FileCrossing, EPOCH, Packet, Writer};
use rtcspec_control::{Configuration, IceServer, Receive, Transmit, TransportPolicy};
use rtcspec_net::fabric::{Action, ElementId, HostId};
use rtcspec_net::host::{self, ConnId, SendError};
use rtcspec_net::observe::{Crossing as Side, End, Journey, Journeys, PacketId, Verdict};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, link};
use rtcspec_trace::{Carrier, Crossing, Datagram, Lost, Party, Place};
use rtcspec_wire::dns::{GROUP_V4, GROUP_V6};

use crate::scenario::{File, Policy, Role, ServerKind, Time, Transport, server_reference};
use crate::topology::{Built, PeerPlace, ServerPlace};

/// Username and password of every TURN server.
pub(super) const CREDENTIALS: (&str, &str) = ("rtcspec", "correct-horse");

/// The groups of multicast DNS.
const MDNS: [IpAddr; 2] = [IpAddr::V4(GROUP_V4), IpAddr::V6(GROUP_V6)];

/// Counters an expectation may name.
pub const COUNTERS: &[&str] = &["passed", "dropped", "mappings", "ports-per-subscriber"];

/// The network of a run.
#[derive(Debug)]
pub(super) struct Net {
    world: World,
    places: BTreeMap<String, PeerPlace>,
    servers: Vec<(String, ServerPlace)>,
    names: [String; 2],
    hosts: [HostId; 2],
    built: Elements,
    journeys: Journeys,
    /// Packets under way: their numbers, in the order they were sent, and their bytes.
    sent: BTreeMap<PacketId, (u64, Vec<u8>)>,
    fresh: VecDeque<Datagram>,
    number: u64,
    /// TCP connections of the peers: where they lead.
    streams: BTreeMap<(Party, u64), (SocketAddr, SocketAddr)>,
    /// The transport by which each peer last spoke with a server.
    legs: BTreeMap<Party, Transport>,
    /// Everything the tapped elements saw, if the run is captured.
    capture: Option<Vec<Captured>>,
    /// UDP and TCP packets per peer that an element let through.
    crossed: BTreeMap<(Party, String, bool), u64>,
    /// Peers with an IP stack of their own.
    bare: BTreeSet<Party>,
    /// What their TCP carries.
    own_streams: [HostStreams; 2],
}

/// A packet at one side of an element.
#[derive(Debug)]
struct Captured {
    interface: String,
    at: Duration,
    side: Side,
    bytes: Vec<u8>,
    comment: Option<String>,
    packet: PacketId,
}

/// Elements by the names of the scenario.
#[derive(Debug)]
struct Elements {
    segments: BTreeMap<String, rtcspec_net::fabric::SegmentId>,
    nats: BTreeMap<String, rtcspec_net::fabric::NatId>,
    firewalls: BTreeMap<String, rtcspec_net::fabric::FirewallId>,
    links: BTreeMap<String, (rtcspec_net::fabric::LinkId, [link::Params; 2])>,
}

impl Net {
    /// Sets the world up: services run, hosts are watched.
    pub(super) fn new(file: &File, built: Built, seed: u64) -> Self {
        let mut names: Vec<(&String, Role)> =
            file.peer.iter().map(|(name, peer)| (name, peer.role)).collect();
        names.sort_by_key(|(_, role)| *role != Role::Offerer);
        let names = [names[0].0.clone(), names[1].0.clone()];
        let hosts = [built.peers[&names[0]].host, built.peers[&names[1]].host];
        let mut world = World::new(built.fabric);
        for host in hosts.iter().copied().chain(built.servers.values().map(|place| place.host)) {
            world.fabric_mut().tap_element(host);
        }
        for (name, host) in names.iter().zip(hosts) {
            // Who answers for names listens where they are asked for (RFC 6762 §3).
            for group in file.peer[name].ice.mdns.then_some(MDNS).into_iter().flatten() {
                world.fabric_mut().join(host, group);
            }
        }
        world.fabric_mut().record(true);
        for (name, place) in &built.servers {
            super::service::install(&mut world, file, name, place, seed);
        }
        let elements = Elements {
            segments: built.segments,
            nats: built.nats,
            firewalls: built.firewalls,
            links: built.links,
        };
        Self {
            world,
            places: built.peers,
            servers: built.servers.into_iter().collect(),
            names,
            hosts,
            built: elements,
            journeys: Journeys::new(),
            sent: BTreeMap::new(),
            fresh: VecDeque::new(),
            number: 0,
            streams: BTreeMap::new(),
            legs: BTreeMap::new(),
            capture: None,
            crossed: BTreeMap::new(),
            bare: BTreeSet::new(),
            own_streams: Default::default(),
        }
    }

    /// Taps every element, for a capture.
    pub(super) fn begin_capture(&mut self) {
        let nats: Vec<_> = self.built.nats.values().copied().collect();
        let firewalls: Vec<_> = self.built.firewalls.values().copied().collect();
        let links: Vec<_> = self.built.links.values().map(|(link, _)| *link).collect();
        let fabric = self.world.fabric_mut();
        nats.into_iter().for_each(|nat| fabric.tap_element(nat));
        firewalls.into_iter().for_each(|firewall| fabric.tap_element(firewall));
        links.into_iter().for_each(|link| fabric.tap_element(link));
        self.capture = Some(Vec::new());
    }

    /// The capture as pcapng, with keys; empty if there is none.
    pub(super) fn pcapng(&mut self, secrets: &[String]) -> Vec<u8> {
        let Some(frames) = self.capture.take() else { return Vec::new() };
        let mut file = Writer::new("rtcspec", EPOCH);
        let mut interfaces = BTreeMap::new();
        for frame in &frames {
            let name = frame.interface.as_str();
            interfaces.entry(name).or_insert_with(|| file.interface(name));
        }
        if !secrets.is_empty() {
            file.secrets(&(secrets.join("\n") + "\n"));
        }
        let mut numbers = BTreeMap::new();
        for frame in &frames {
            let next = numbers.len() as u64 + 1;
            file.packet(&Packet {
                id: Some(*numbers.entry(frame.packet).or_insert(next)),
                interface: interfaces[frame.interface.as_str()],
                at: frame.at,
                crossing: Some(match frame.side {
                    Side::Inbound => FileCrossing::Inbound,
                    Side::Outbound => FileCrossing::Outbound,
                }),
                bytes: &frame.bytes,
                missing: 0,
                comment: frame.comment.as_deref(),
            });
        }
        file.finish()
    }

    /// A peer has an IP stack of its own.
    pub(super) fn make_bare(&mut self, party: Party) {
        self.bare.insert(party);
        let host = self.host(party);
        self.world.bare(host);
    }

    /// Addresses of a peer's interfaces, of the families it uses.
    pub(super) fn interfaces(&self, party: Party) -> Vec<Vec<IpAddr>> {
        let place = &self.places[self.name(party)];
        let fabric = self.world.fabric();
        let used = |address: &&IpAddr| place.addresses.contains(address);
        let ports = place.ports.iter();
        ports.map(|port| fabric.addresses(*port).iter().filter(used).copied().collect()).collect()
    }

    fn host(&self, party: Party) -> HostId {
        self.hosts[super::stage::index(party)]
    }

    /// Name of a peer in the scenario.
    pub(super) fn name(&self, party: Party) -> &str {
        &self.names[super::stage::index(party)]
    }

    /// Addresses a peer may use now.
    pub(super) fn addresses(&self, party: Party) -> Vec<IpAddr> {
        self.places[self.name(party)].addresses.clone()
    }

    pub(super) fn server_name(&self, index: usize) -> &str {
        self.servers.get(index).map_or("?", |(name, _)| name)
    }

    pub(super) fn servers(&self) -> &[(String, ServerPlace)] {
        &self.servers
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The configuration of a peer: interfaces, servers, options.
    pub(super) fn configuration(&self, file: &File, party: Party) -> Configuration {
        let peer = &file.peer[self.name(party)];
        let mut sctp = BTreeMap::new();
        let options = [
            ("initialTsn", peer.sctp.initial_tsn.map(u64::from)),
            ("streams", peer.sctp.streams.map(u64::from)),
            ("rwnd", peer.sctp.rwnd.map(u64::from)),
            ("readAfterMs", peer.sctp.read_after.map(milliseconds)),
            ("maxMessageSize", peer.sctp.max_message_size.map(u64::from)),
            ("interleaving", peer.sctp.interleaving.map(u64::from)),
            ("zeroChecksum", peer.sctp.zero_checksum.map(u64::from)),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                sctp.insert(name.to_owned(), value);
            }
        }
        Configuration {
            ice_servers: peer
                .ice
                .servers
                .iter()
                .filter_map(|reference| server_reference(file, reference.get_ref()))
                .filter_map(|(name, transport)| self.ice_server(file, party, name, transport))
                .collect(),
            ice_transport_policy: match peer.ice.policy {
                Policy::All => TransportPolicy::All,
                Policy::Relay => TransportPolicy::Relay,
            },
            // A machine of its own knows its addresses.
            interfaces: match self.bare.contains(&party) {
                true => Vec::new(),
                false => self.addresses(party),
            },
            ice_lite: peer.ice.lite,
            mdns: peer.ice.mdns,
            dtls_versions: peer.dtls.versions.clone(),
            dtls_role: peer.dtls.role.clone(),
            dtls_cryptography: peer.dtls.cryptography.clone(),
            sctp,
            ..Configuration::default()
        }
    }

    /// Every way to every server, as a peer reaches it.
    pub(super) fn ice_servers(&self, file: &File, party: Party) -> Vec<IceServer> {
        let ways = self.servers.iter().flat_map(|(name, place)| {
            place.ports.keys().filter_map(|way| self.ice_server(file, party, name, *way))
        });
        ways.collect()
    }

    fn ice_server(
        &self,
        file: &File,
        party: Party,
        name: &str,
        transport: Transport,
    ) -> Option<IceServer> {
        let (_, place) = self.servers.iter().find(|(other, _)| other == name)?;
        let has = |v4: bool| self.addresses(party).iter().any(|address| address.is_ipv4() == v4);
        let v4 = has(true) || !place.addresses.iter().any(IpAddr::is_ipv6);
        let address = place.addresses.iter().find(|address| address.is_ipv4() == v4)?;
        let host = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        let port = place.ports.get(&transport)?;
        if file.servers[name].kind == ServerKind::Stun {
            let urls = vec![format!("stun:{host}:{port}")];
            return Some(IceServer { urls, ..IceServer::default() });
        }
        let url = match transport {
            Transport::Udp => format!("turn:{host}:{port}?transport=udp"),
            Transport::Tcp => format!("turn:{host}:{port}?transport=tcp"),
            Transport::Tls => format!("turns:{host}:{port}?transport=tcp"),
        };
        let (username, credential) = CREDENTIALS;
        Some(IceServer {
            urls: vec![url],
            username: username.to_owned(),
            credential: credential.to_owned(),
        })
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        self.world.wake().map(Duration::from)
    }

    /// Time comes to `now`. The world stops early when a peer has something to read; the stage
    /// drains and calls again.
    pub(super) fn advance(&mut self, now: Duration) {
        // A livelock inside the world shows as a run that stands still; the stage's own limit of
        // turns reports it.
        let _ = self.world.step(Ns::from(now));
        self.collect();
    }

    pub(super) fn transmit(&mut self, now: Duration, party: Party, transmit: Transmit) {
        let request = match transmit {
            Transmit::Udp { local, remote, data } => {
                let host = self.host(party);
                let checked = self.world.host_mut(host).check_udp(local, remote, data.len());
                if let Err(why) = checked {
                    return self.never_left(now, party, (local, remote), &why, data);
                }
                host::Transmit::Udp { local, remote, data }
            }
            Transmit::TcpConnect { conn, local, remote } => {
                self.streams.insert((party, conn.0), (local, remote));
                host::Transmit::TcpConnect { conn: ConnId(conn.0), local, remote }
            }
            Transmit::TcpSend { conn, data } => {
                self.stream_bytes(now, party, conn.0, true, &data);
                host::Transmit::TcpSend { conn: ConnId(conn.0), data }
            }
            Transmit::TcpClose { conn } => host::Transmit::TcpClose { conn: ConnId(conn.0) },
            Transmit::Packet { data } => {
                let host = self.host(party);
                self.world.inject(host, data);
                return self.collect();
            }
        };
        let host = self.host(party);
        self.world.transmit(host, request);
        self.collect();
    }

    /// A datagram that its own host could not send, told like any other that is lost.
    fn never_left(
        &mut self,
        now: Duration,
        party: Party,
        (source, destination): (SocketAddr, SocketAddr),
        why: &SendError,
        payload: Vec<u8>,
    ) {
        let word = match why {
            SendError::TooBig { .. } => "too-big",
            _ => "no-address",
        };
        let at = self.world.fabric().element_name(self.host(party)).to_owned();
        self.number += 1;
        self.fresh.push_back(Datagram {
            number: self.number,
            sent: now,
            arrived: None,
            from: Some(Place::Peer(party)),
            to: self.addressee(destination.ip()),
            carrier: Carrier::Udp,
            source,
            destination,
            seen_source: source,
            seen_destination: destination,
            crossings: Vec::new(),
            lost: Some(Lost { at, word: word.to_owned(), reason: why.to_string() }),
            copies: 0,
            payload,
        });
    }

    /// The next thing for a peer.
    pub(super) fn receive(&mut self) -> Option<(Party, Receive)> {
        for party in [Party::A, Party::B] {
            let host = self.host(party);
            if let Some(data) = self.world.packet(host) {
                return Some((party, Receive::Packet { data }));
            }
            while let Some(received) = self.world.receive(host) {
                if let Some(receive) = self.received(party, received) {
                    return Some((party, receive));
                }
            }
        }
        None
    }

    fn received(&mut self, party: Party, received: host::Receive) -> Option<Receive> {
        let conn = |ConnId(id): ConnId| rtcspec_control::ConnId(id);
        Some(match received {
            host::Receive::Udp { local, remote, data } => Receive::Udp { local, remote, data },
            host::Receive::TcpConnected { conn: id, local } => {
                if let Some(stream) = self.streams.get_mut(&(party, id.0)) {
                    stream.0 = local;
                }
                Receive::TcpConnected { conn: conn(id), local }
            }
            host::Receive::TcpData { conn: id, data } => {
                let now = Duration::from(self.world.now());
                self.stream_bytes(now, party, id.0, false, &data);
                Receive::TcpData { conn: conn(id), data }
            }
            host::Receive::TcpClosed { conn: id } => Receive::TcpClosed { conn: conn(id) },
            host::Receive::Unreachable { local, remote, .. } => {
                Receive::Unreachable { local, remote }
            }
            // Peers do not listen, and are told neither of path MTUs nor how much of a stream waits.
            host::Receive::TcpAccepted { .. }
            | host::Receive::TcpBacklog { .. }
            | host::Receive::TooBig { .. } => return None,
        })
    }

    /// Bytes of a peer's TCP stream, as the peer's host saw them.
    fn stream_bytes(&mut self, now: Duration, party: Party, conn: u64, out: bool, data: &[u8]) {
        let Some((local, remote)) = self.streams.get(&(party, conn)).copied() else { return };
        let server = self.server_of(remote.ip());
        if let Some(index) = server {
            let ports = &self.servers[index].1.ports;
            let tls = ports.get(&Transport::Tls) == Some(&remote.port());
            self.legs.insert(party, if tls { Transport::Tls } else { Transport::Tcp });
        }
        let (peer, other) = (Some(Place::Peer(party)), self.addressee(remote.ip()));
        if !out && other == Some(Place::Peer(party.other())) && self.bare.contains(&party.other()) {
            // ICE over TCP (RFC 6544), which is told as its sender saw it.
            return;
        }
        let (from, to) = if out { (peer, other) } else { (other, peer) };
        let (source, destination) = if out { (local, remote) } else { (remote, local) };
        self.number += 1;
        self.fresh.push_back(Datagram {
            number: self.number,
            sent: now,
            arrived: Some(now),
            from,
            to,
            carrier: Carrier::Tcp(conn),
            source,
            destination,
            seen_source: source,
            seen_destination: destination,
            crossings: Vec::new(),
            lost: None,
            copies: 0,
            payload: data.to_vec(),
        });
    }

    /// A packet at a host whose TCP is its own: what its streams carry.
    fn stream_packet(&mut self, at: Duration, party: Party, packet: &[u8]) {
        let own = self.addresses(party);
        let mut pieces = Vec::new();
        let streams = &mut self.own_streams[super::stage::index(party)];
        streams.packet(packet, &mut |number, source, destination, bytes| {
            pieces.push((number, source, destination, bytes.to_vec()));
        });
        for (number, source, destination, bytes) in pieces {
            let out = own.contains(&source.ip());
            let ends = if out { (source, destination) } else { (destination, source) };
            self.streams.insert((party, number), ends);
            self.stream_bytes(at, party, number, out, &bytes);
        }
    }

    fn server_of(&self, address: IpAddr) -> Option<usize> {
        self.servers.iter().position(|(_, place)| place.addresses.contains(&address))
    }

    /// Datagrams whose fate is known since the last call.
    pub(super) fn datagrams(&mut self) -> Vec<Datagram> {
        self.fresh.drain(..).collect()
    }

    /// At the end of the run: datagrams still under way.
    pub(super) fn finish(&mut self, into: &mut Vec<Datagram>) {
        self.collect();
        into.extend(self.fresh.drain(..));
        for journey in std::mem::take(&mut self.journeys).under_way() {
            into.extend(self.datagram(&journey));
        }
        into.sort_by_key(|datagram| (datagram.sent, datagram.number));
    }

    fn collect(&mut self) {
        let fabric = self.world.fabric_mut();
        let records = fabric.records();
        if records.is_empty() {
            return;
        }
        let tap = fabric.take_tap();
        for frame in tap.frames() {
            let interface = &tap.interfaces()[frame.interface];
            // Hosts' own sides have no dot in their names; the first to see a packet is its sender.
            if frame.crossing == Side::Outbound && !interface.contains('.') {
                self.sent.entry(frame.packet).or_insert_with(|| {
                    self.number += 1;
                    (self.number, frame.bytes.to_vec())
                });
            }
            let party = [Party::A, Party::B]
                .into_iter()
                .find(|party| self.bare.contains(party) && self.name(*party) == interface);
            if let Some(party) = party {
                self.stream_packet(frame.at.into(), party, frame.bytes);
            }
            if let Some(capture) = &mut self.capture {
                capture.push(Captured {
                    interface: interface.clone(),
                    at: frame.at.into(),
                    side: frame.crossing,
                    bytes: frame.bytes.to_vec(),
                    comment: frame.comment.map(str::to_owned),
                    packet: frame.packet,
                });
            }
        }
        for journey in self.journeys.read(&records) {
            if let Some(datagram) = self.datagram(&journey) {
                self.fresh.push_back(datagram);
            }
        }
    }

    fn place(&self, element: ElementId) -> Option<Place> {
        if element == self.hosts[0].element() {
            return Some(Place::Peer(Party::A));
        }
        if element == self.hosts[1].element() {
            return Some(Place::Peer(Party::B));
        }
        let server = self.servers.iter().position(|(_, place)| place.host.element() == element);
        server.map(Place::Server)
    }

    /// A journey as an observer tells it; TCP segments are told as stream bytes instead.
    fn datagram(&mut self, journey: &Journey) -> Option<Datagram> {
        let sent = journey.sent()?;
        let from = self.place(sent.element);
        self.count_crossings(journey, from);
        let (number, packet) = self.sent.remove(&journey.packet)?;
        if sent.flow.protocol != Some(rtcspec_net::fabric::Protocol::Udp) {
            return None;
        }
        let payload = rtcspec_net::packet::udp_payload(&packet)?.to_vec();
        let mut flow = sent.flow;
        let mut crossings = Vec::new();
        for hop in &journey.hops {
            if let Verdict::Translated { to, new_mapping, hairpin } = hop.verdict {
                flow = to;
                let name = self.world.fabric().element_name(hop.element);
                crossings.push(Crossing {
                    nat: name.strip_prefix("nat.").unwrap_or(name).to_owned(),
                    new: new_mapping,
                    hairpin,
                    source: to.source,
                    destination: to.destination,
                });
            }
        }
        let delivered = journey.delivered();
        let to = match delivered {
            Some((host, _)) => self.place(host),
            None => self
                .addressee(sent.flow.destination.ip())
                .or_else(|| self.nearly_reached(flow.destination.ip(), journey)),
        };
        if let (Some(Place::Peer(party)), Some(Place::Server(_))) = (from, to) {
            self.legs.insert(party, Transport::Udp);
        }
        let lost = journey.dropped().map(|(element, why)| Lost {
            at: self.world.fabric().element_name(element).to_owned(),
            word: drop_word(&why).to_owned(),
            reason: why.words(&flow),
        });
        Some(Datagram {
            number,
            sent: sent.at.into(),
            arrived: delivered.map(|(_, at)| at.into()),
            from,
            to,
            carrier: Carrier::Udp,
            source: sent.flow.source,
            destination: sent.flow.destination,
            seen_source: flow.source,
            seen_destination: flow.destination,
            crossings,
            lost,
            copies: u32::try_from(
                journey.ends.iter().filter(|end| matches!(end, End::Delivered { .. })).count(),
            )
            .unwrap_or(u32::MAX)
            .saturating_sub(1),
            payload,
        })
    }

    fn count_crossings(&mut self, journey: &Journey, from: Option<Place>) {
        let Some(Place::Peer(party)) = from else { return };
        let Some(sent) = journey.sent() else { return };
        let tcp = sent.flow.protocol == Some(rtcspec_net::fabric::Protocol::Tcp);
        for hop in &journey.hops {
            let passed = matches!(hop.verdict, Verdict::Forwarded | Verdict::Translated { .. });
            if passed {
                let name = self.world.fabric().element_name(hop.element);
                let name = name.split_once('.').map_or(name, |(_, name)| name).to_owned();
                *self.crossed.entry((party, name, tcp)).or_default() += 1;
            }
        }
    }

    /// Whom an address belongs to, for datagrams that never arrived.
    fn addressee(&self, address: IpAddr) -> Option<Place> {
        if let Some(index) = self.server_of(address) {
            return Some(Place::Server(index));
        }
        [Party::A, Party::B]
            .into_iter()
            .find(|party| self.addresses(*party).contains(&address))
            .map(Place::Peer)
    }

    /// Who would have had a datagram that was lost between a NAT and an address behind it. Homes can
    /// have the same addresses: then the link says whose it was.
    fn nearly_reached(&self, address: IpAddr, journey: &Journey) -> Option<Place> {
        let has = |party: &Party| self.addresses(*party).contains(&address);
        let (element, _) = journey.dropped()?;
        let lost_at = self.world.fabric().element_name(element);
        let at_link = |party: &Party| lost_at.strip_prefix("link.") == Some(self.name(*party));
        let mut candidates: Vec<Party> = [Party::A, Party::B].into_iter().filter(has).collect();
        if candidates.len() > 1 {
            candidates.retain(at_link);
        }
        candidates.first().copied().map(Place::Peer)
    }

    /// How a peer last spoke with a server.
    pub(super) fn leg(&self, party: Party) -> Option<Transport> {
        self.legs.get(&party).copied()
    }

    /// Packets of a peer that an element let through.
    pub(super) fn crossed(&self, party: Party, element: &str, tcp: bool) -> u64 {
        self.crossed.get(&(party, element.to_owned(), tcp)).copied().unwrap_or(0)
    }

    /// A counter of an element.
    pub(super) fn counter(&self, kind: &str, name: &str, counter: &str) -> u64 {
        let fabric = self.world.fabric();
        let Some(element) = fabric.find(&format!("{kind}.{name}")) else { return 0 };
        let counters = fabric.counters(element);
        match counter {
            "passed" => counters.passed,
            "dropped" => counters.dropped,
            "mappings" => u64::from(counters.mappings),
            "ports-per-subscriber" => u64::from(counters.most_per_subscriber),
            _ => 0,
        }
    }

    /// Does something to the network.
    pub(super) fn apply(&mut self, action: Action) -> Result<(), String> {
        self.world.apply(action).map_err(|error| error.to_string())
    }

    pub(super) fn nat(&self, name: &str) -> Option<rtcspec_net::fabric::NatId> {
        self.built.nats.get(name).copied()
    }

    pub(super) fn firewall(&self, name: &str) -> Option<rtcspec_net::fabric::FirewallId> {
        self.built.firewalls.get(name).copied()
    }

    pub(super) fn segment(&self, name: &str) -> Option<rtcspec_net::fabric::SegmentId> {
        self.built.segments.get(name).copied()
    }

    pub(super) fn link(
        &mut self,
        name: &str,
    ) -> Option<&mut (rtcspec_net::fabric::LinkId, [link::Params; 2])> {
        self.built.links.get_mut(name)
    }

    /// A peer's own address and the outer one that its deployment announces in its place.
    pub(super) fn outer_address(&self, file: &File, party: Party) -> Option<(String, String)> {
        let announces = file.peer.get(self.name(party))?.ice.announces.as_ref()?;
        let nat = self.nat(announces.get_ref())?;
        let fabric = self.world.fabric();
        let outer = fabric.addresses(fabric.outside(nat)).iter().find(|ip| ip.is_ipv4())?;
        let own = self.addresses(party).into_iter().find(IpAddr::is_ipv4)?;
        Some((own.to_string(), outer.to_string()))
    }

    /// Joins a peer's first interface to another segment, or to none.
    pub(super) fn move_peer(&mut self, party: Party, segment: Option<&str>) -> Result<(), String> {
        let to = segment.and_then(|name| self.segment(name));
        let name = self.name(party).to_owned();
        let port = self.places[&name].ports[0];
        self.apply(Action::Move { port, to, addresses: Vec::new() })?;
        let families = &self.places[&name].families;
        let family = |address: &IpAddr| {
            let wanted = if address.is_ipv4() {
                crate::scenario::Family::Ipv4
            } else {
                crate::scenario::Family::Ipv6
            };
            families.contains(&wanted)
        };
        let fabric = self.world.fabric();
        let ports = &self.places[&name].ports;
        let all: Vec<IpAddr> =
            ports.iter().flat_map(|port| fabric.addresses(*port).iter().copied()).collect();
        let addresses = all.into_iter().filter(family).collect();
        if let Some(place) = self.places.get_mut(&name) {
            place.addresses = addresses;
        }
        Ok(())
    }
}

fn milliseconds(time: Time) -> u64 {
    u64::try_from(time.0.as_millis()).unwrap_or(u64::MAX)
}

/// One word for a transcript.
fn drop_word(why: &rtcspec_net::observe::Drop) -> &'static str {
    use rtcspec_net::observe::Drop;
    match why {
        Drop::NoRoute | Drop::NoSuchHost | Drop::Detached | Drop::NotMine => "no-route",
        Drop::Filtered { .. } | Drop::SourceBlocked => "filter",
        Drop::NoMapping => "no-mapping",
        Drop::HairpinOff => "no-hairpin",
        Drop::NoMember => "no-member",
        Drop::Isolated => "isolated",
        Drop::Partitioned => "partition",
        Drop::Down | Drop::LinkDown => "down",
        Drop::NoPort | Drop::NoAddress | Drop::Limit(_) => "exhausted",
        Drop::Blocked | Drop::Killed | Drop::Rule(_) | Drop::Default => "blocked",
        Drop::Reserved => "clash",
        Drop::Lost => "loss",
        Drop::QueueFull { .. } => "queue",
        Drop::TooBig(_) => "too-big",
        Drop::BadChecksum => "checksum",
        Drop::NoListener => "closed-port",
        _ => "dropped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"schema = 1
name   = "two peers"
tests  = ["RFC 1122 §3.3.4.2"]
limit  = "5s"

[peer.alice]
on   = "wan"
runs = "reference"
role = "offerer"

[peer.bob]
on   = "wan"
runs = "reference"

[[do]]
connect = ["alice", "bob"]
"#;

    #[test]
    fn a_datagram_that_its_host_cannot_send_is_told_as_lost_there() {
        let file = crate::scenario::read("test/peers", FILE).unwrap().file;
        let mut net = Net::new(&file, crate::topology::build(&file, None, 1).unwrap(), 1);
        let [own, theirs] = [Party::A, Party::B].map(|party| net.addresses(party)[0]);
        let remote = SocketAddr::new(theirs, 5000);
        for (local, length, reason) in [
            (own, 1473, "send 1501 bytes: more than the MTU of 1500"),
            (
                IpAddr::from([192, 0, 2, 1]),
                1,
                "send from 192.0.2.1:5000: not an address of this host",
            ),
        ] {
            let local = SocketAddr::new(local, 5000);
            let transmit = Transmit::Udp { local, remote, data: vec![0; length] };
            net.transmit(Duration::ZERO, Party::A, transmit);
            let told = net.datagrams();
            assert_eq!(told.len(), 1, "{reason}");
            assert_eq!((told[0].from, told[0].arrived), (Some(Place::Peer(Party::A)), None));
            let lost = told[0].lost.as_ref().unwrap();
            assert_eq!((lost.at.as_str(), lost.reason.as_str()), ("alice", reason));
        }
    }
}
