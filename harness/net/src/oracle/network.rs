//! A topology made ready to carry packets: nodes, gates between them, and the way to each address.

use super::InvalidTopology;
use super::topology::{Family, Middlebox, SegmentId, ServerId, Topology};
use super::translate::{Ep, Fresh, Gate, Refusal};

/// Whose an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Host { side: u8, base: u8 },
    Gate(u16),
    Server,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    node: usize,
    pub(super) owner: Owner,
    pub(super) family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Here,
    Down(u16),
    Up(u16),
    Nowhere,
}

#[derive(Debug)]
struct Node {
    up: Option<u16>,
    isolated: bool,
    segment: usize,
}

/// Where and why a packet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// At that gate.
    Refused(u16, Refusal),
    /// Client isolation of that segment.
    Isolated(usize),
    /// The address means nothing where the packet is.
    Unreachable,
    /// A TURN server has no permission for the sender.
    NoPermission,
}

/// A packet's addresses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) src: Ep,
    pub(super) dst: Ep,
}

/// Nodes, gates and addresses.
#[derive(Debug)]
pub(super) struct Network {
    nodes: Vec<Node>,
    gates: Vec<Gate>,
    /// Which box of the topology each gate is: segment and place.
    origins: Vec<(usize, usize)>,
    /// The first is nobody's: 0 stands for "any" in filters.
    addresses: Vec<Address>,
    hops: Vec<Hop>,
    segment_nodes: Vec<usize>,
    hosts: [Vec<u16>; 2],
    servers: Vec<(ServerId, Family, u16)>,
}

/// Ports from here on are names that stand for some port; below are those of servers.
pub(super) const FIRST_NAMED_PORT: u16 = 10_000;

const MOST_GATES: usize = 256;
const MOST_BASES: usize = 16;

impl Network {
    /// Lays a topology out.
    pub(super) fn new(topology: &Topology) -> Result<Self, InvalidTopology> {
        let mut network = Self {
            nodes: Vec::new(),
            gates: Vec::new(),
            origins: Vec::new(),
            addresses: vec![Address { node: 0, owner: Owner::Server, family: Family::V4 }],
            hops: Vec::new(),
            segment_nodes: Vec::new(),
            hosts: [Vec::new(), Vec::new()],
            servers: Vec::new(),
        };
        network.lay_segments(topology)?;
        network.lay_addresses(topology)?;
        network.find_ways();
        Ok(network)
    }

    fn lay_segments(&mut self, topology: &Topology) -> Result<(), InvalidTopology> {
        if topology.segments.is_empty() {
            return Err(InvalidTopology::NoInternet);
        }
        for (index, segment) in topology.segments.iter().enumerate() {
            let node = self.node(index, segment.isolated);
            self.segment_nodes.push(node);
            if index == 0 {
                continue;
            }
            let SegmentId(outside) = segment.outside;
            if outside >= index {
                return Err(InvalidTopology::Order { segment: index, outside });
            }
            if self.gates.len() + segment.behind.len().max(1) > MOST_GATES {
                return Err(InvalidTopology::TooLarge);
            }
            let mut inside = node;
            for (place, middlebox) in segment.behind.iter().enumerate() {
                let last = place + 1 == segment.behind.len();
                let beyond =
                    if last { self.segment_nodes[outside] } else { self.node(index, false) };
                self.gate(Gate::new(&middlebox.kind, inside, beyond), (index, place));
                inside = beyond;
            }
            if segment.behind.is_empty() {
                let open = super::Kind::Firewall(crate::firewall::Params::default());
                self.gate(Gate::new(&open, node, self.segment_nodes[outside]), (index, 0));
            }
        }
        Ok(())
    }

    fn node(&mut self, segment: usize, isolated: bool) -> usize {
        self.nodes.push(Node { up: None, isolated, segment });
        self.nodes.len() - 1
    }

    fn gate(&mut self, gate: Gate, origin: (usize, usize)) {
        self.origins.push(origin);
        let index = small(self.gates.len());
        self.nodes[gate.inside].up = Some(index);
        self.gates.push(gate);
    }

    fn lay_addresses(&mut self, topology: &Topology) -> Result<(), InvalidTopology> {
        for index in 0..self.gates.len() {
            let (node, count) = (self.gates[index].outside, self.gates[index].addresses());
            let first = small(self.addresses.len());
            self.gates[index].set_first_address(first);
            for _ in 0..count {
                self.address(node, Owner::Gate(small(index)), Family::V4);
            }
        }
        for (number, side) in topology.sides.iter().enumerate() {
            if side.bases.len() > MOST_BASES {
                return Err(InvalidTopology::TooLarge);
            }
            for (place, base) in side.bases.iter().enumerate() {
                let node = *self
                    .segment_nodes
                    .get(base.segment.0)
                    .ok_or(InvalidTopology::NoSuchSegment { segment: base.segment.0 })?;
                let owner = Owner::Host { side: tiny(number), base: tiny(place) };
                let ip = self.address(node, owner, base.family);
                self.hosts[number].push(ip);
            }
            let turn = side.turn.map(|turn| turn.server);
            for server in side.stun.into_iter().chain(turn) {
                if self.servers.iter().all(|(id, ..)| *id != server) {
                    for family in [Family::V4, Family::V6] {
                        let ip = self.address(0, Owner::Server, family);
                        self.servers.push((server, family, ip));
                    }
                }
            }
        }
        Ok(())
    }

    fn address(&mut self, node: usize, owner: Owner, family: Family) -> u16 {
        self.addresses.push(Address { node, owner, family });
        small(self.addresses.len() - 1)
    }

    fn find_ways(&mut self) {
        let width = self.addresses.len();
        self.hops = vec![Hop::Nowhere; self.nodes.len() * width];
        // What no node on the way out knows goes all that way, and the boxes there note it.
        for (place, node) in self.nodes.iter().enumerate() {
            if let Some(up) = node.up {
                self.hops[place * width..(place + 1) * width].fill(Hop::Up(up));
            }
        }
        for (ip, address) in self.addresses.iter().enumerate() {
            let mut node = address.node;
            self.hops[node * width + ip] = Hop::Here;
            while let Some(up) = self.nodes[node].up {
                let gate = &self.gates[usize::from(up)];
                if gate.hides(address.family) {
                    break;
                }
                node = gate.outside;
                self.hops[node * width + ip] = Hop::Down(up);
            }
        }
    }

    fn hop(&self, node: usize, ip: u16) -> Hop {
        self.hops[node * self.addresses.len() + usize::from(ip)]
    }

    /// Forgets all state.
    pub(super) fn reset(&mut self) {
        for gate in &mut self.gates {
            gate.reset();
        }
    }

    pub(super) fn owner(&self, ip: u16) -> Owner {
        self.addresses[usize::from(ip)].owner
    }

    pub(super) fn family(&self, ip: u16) -> Family {
        self.addresses[usize::from(ip)].family
    }

    /// The address of a side's base.
    pub(super) fn host(&self, side: usize, base: usize) -> u16 {
        self.hosts[side][base]
    }

    /// The address of a server.
    pub(super) fn server(&self, id: ServerId, family: Family) -> Option<u16> {
        self.servers.iter().find(|(i, f, _)| *i == id && *f == family).map(|(_, _, ip)| *ip)
    }

    /// The node that an address is on.
    pub(super) fn node_of(&self, ip: u16) -> usize {
        self.addresses[usize::from(ip)].node
    }

    /// The box that a gate is.
    pub(super) fn middlebox<'a>(&self, topology: &'a Topology, gate: u16) -> Option<&'a Middlebox> {
        let (segment, place) = *self.origins.get(usize::from(gate))?;
        topology.segments.get(segment)?.behind.get(place)
    }

    /// The segment that a node belongs to.
    pub(super) fn segment_of(&self, node: usize) -> usize {
        self.nodes[node].segment
    }

    /// A port that a firewall rule could name: a server's own, not a relayed or a mapped one.
    fn known_port(&self, ep: Ep) -> Option<u16> {
        (ep.port < FIRST_NAMED_PORT).then_some(ep.port)
    }

    /// Takes a packet up to the node where it turns towards its destination, and gives that node.
    pub(super) fn climb(
        &mut self,
        header: &mut Header,
        start: usize,
        fresh: &mut Fresh,
    ) -> Result<usize, Loss> {
        let mut node = start;
        loop {
            match self.hop(node, header.dst.ip) {
                Hop::Nowhere => return Err(Loss::Unreachable),
                // What came up from below turns here towards another member.
                Hop::Here | Hop::Down(_) if self.nodes[node].isolated => {
                    return Err(Loss::Isolated(node));
                }
                Hop::Here | Hop::Down(_) => return Ok(node),
                Hop::Up(up) => {
                    let family = self.family(header.src.ip);
                    let port = self.known_port(header.dst);
                    let turns = self.owner(header.dst.ip) == Owner::Gate(up);
                    let gate = &mut self.gates[usize::from(up)];
                    let translated = if turns {
                        gate.hairpin(header.src, header.dst, fresh)
                    } else {
                        gate.outbound(family, header.src, header.dst, port, fresh)
                    };
                    header.src = translated.map_err(|refusal| Loss::Refused(up, refusal))?;
                    node = gate.outside;
                    if turns {
                        return Ok(node);
                    }
                }
            }
        }
    }

    /// Takes a packet from where it turned to whom it is for.
    pub(super) fn descend(&mut self, header: &mut Header, start: usize) -> Result<Owner, Loss> {
        let mut node = start;
        loop {
            let through = match self.hop(node, header.dst.ip) {
                Hop::Here => match self.owner(header.dst.ip) {
                    Owner::Gate(gate) => gate,
                    owner => return Ok(owner),
                },
                Hop::Down(gate) => gate,
                Hop::Up(_) | Hop::Nowhere => return Err(Loss::Unreachable),
            };
            let family = self.family(header.dst.ip);
            let port = self.known_port(header.src);
            let gate = &mut self.gates[usize::from(through)];
            header.dst = gate
                .inbound(family, header.dst, header.src, port)
                .map_err(|refusal| Loss::Refused(through, refusal))?;
            node = gate.inside;
        }
    }

    /// Asks a server's port for the address it sees: what a Binding or Allocate request learns.
    pub(super) fn probe(&mut self, base: Ep, server: Ep, fresh: &mut Fresh) -> Option<Ep> {
        let mut header = Header { src: base, dst: server };
        let turned = self.climb(&mut header, self.node_of(base.ip), fresh).ok()?;
        self.descend(&mut header, turned).ok()?;
        let mapped = header.src;
        let mut answer = Header { src: server, dst: mapped };
        let turned = self.climb(&mut answer, self.node_of(server.ip), fresh).ok()?;
        let arrived = self.descend(&mut answer, turned).ok()?;
        (arrived == self.owner(base.ip) && answer.dst == base).then_some(mapped)
    }

    /// Whether TCP from a base reaches that port of a server on the internet.
    pub(super) fn reaches_by_tcp(&self, base: u16, port: u16) -> bool {
        let family = self.family(base);
        let mut node = self.node_of(base);
        while let Some(up) = self.nodes[node].up {
            let gate = &self.gates[usize::from(up)];
            if !gate.passes_tcp(family, port) {
                return false;
            }
            node = gate.outside;
        }
        true
    }
}

fn small(number: usize) -> u16 {
    u16::try_from(number).expect("invariant: sizes are limited when a topology is laid out")
}

fn tiny(number: usize) -> u8 {
    u8::try_from(number).expect("invariant: sizes are limited when a topology is laid out")
}
