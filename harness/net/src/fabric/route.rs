use std::net::IpAddr;

use super::element::{ElementId, FirewallId, HostId, LinkId, NatId, PortId, SegmentId};
use super::multicast::is_of_the_link;
use super::packet::Packet;
use super::runtime::Delivery;
use super::topology::{Fabric, InWire, Owner, on_link_key};
use crate::Ns;
use crate::link::Direction;
use crate::nat::{Answer, Outcome, V6};
use crate::observe::{Crossing, Drop, Flow, Verdict};
use crate::packet::{
    Head, Unreachable, decrement_ttl, ip, tcp_reset, transport_checksum_is_right, unreachable_error,
};

/// Where a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// In a port's wire, before the element at `next` (counted from the owner).
    Wire { port: PortId, next: usize, toward: Toward },
    /// On the segment, coming from a port.
    Segment { from: PortId },
    /// At the port's owner.
    Owner { port: PortId },
}

/// Which end of a wire a packet goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    Segment,
    Owner,
}

impl Toward {
    fn reverse(self) -> Self {
        match self {
            Self::Segment => Self::Owner,
            Self::Owner => Self::Segment,
        }
    }
}

/// What a step made of a packet.
enum Step {
    Go(Stage),
    /// A link holds it.
    Hold {
        link: LinkId,
        way: u8,
        at: Ns,
    },
    Deliver(HostId, PortId),
    End(Ended),
}

/// A packet's end, and how its sender hears of it.
struct Ended {
    at: ElementId,
    direction: Option<Direction>,
    why: Drop,
    answer: Option<(Answer, IpAddr, Stage)>,
}

impl Fabric {
    /// Takes a packet as far as it goes now.
    pub(super) fn travel(&mut self, now: Ns, mut packet: Packet, mut stage: Stage) {
        loop {
            let step = match stage {
                Stage::Wire { port, next, toward } => {
                    self.cross_wire(now, &mut packet, port, next, toward)
                }
                Stage::Segment { from } => self.cross_segment(now, &packet, from),
                Stage::Owner { port } => self.arrive(now, &mut packet, port),
            };
            match step {
                Step::Go(next) => stage = next,
                Step::Hold { link, way, at } => {
                    self.links[link.index()].wires[usize::from(way)].push(at, packet);
                    self.arm(link.index, way);
                    return;
                }
                Step::Deliver(host, port) => return self.deliver(now, host, port, packet),
                Step::End(ended) => return self.end(now, packet, &ended),
            }
        }
    }

    /// Takes what elements answered with as far as it goes; answers are never answered.
    pub(super) fn travel_spawned(&mut self, now: Ns) {
        while let Some((packet, stage)) = self.runtime.spawned.pop_front() {
            self.travel(now, packet, stage);
        }
    }

    pub(super) fn owner(&self, port: PortId) -> ElementId {
        match self.ports[port.index()].owner {
            Owner::Host(host) => host.element,
            Owner::Inside(nat) | Owner::Outside(nat) => nat.element,
        }
    }

    /// Which way is out: away from a host and from a NAT's inside.
    fn direction(&self, port: PortId, toward: Toward) -> Direction {
        let inside = matches!(self.ports[port.index()].owner, Owner::Inside(_));
        match (toward, inside) {
            (Toward::Segment, false) | (Toward::Owner, true) => Direction::Out,
            (Toward::Owner, false) | (Toward::Segment, true) => Direction::In,
        }
    }

    /// Where a packet is after it left what is at `place` of a port's wire, going `way` (0: out).
    pub(super) fn beyond(&self, port: PortId, place: usize, way: u8) -> Stage {
        let direction = if way == 0 { Direction::Out } else { Direction::In };
        let toward = match self.direction(port, Toward::Segment) == direction {
            true => Toward::Segment,
            false => Toward::Owner,
        };
        after(port, place, toward)
    }

    fn cross_wire(
        &mut self,
        now: Ns,
        packet: &mut Packet,
        port: PortId,
        next: usize,
        toward: Toward,
    ) -> Step {
        let wire = &self.ports[port.index()].wire;
        // Towards the owner, `next` counts what is still ahead.
        let place = match toward {
            Toward::Segment => next,
            Toward::Owner => next.wrapping_sub(1),
        };
        let Some(element) = wire.get(place).copied() else {
            return Step::Go(match toward {
                Toward::Segment => Stage::Segment { from: port },
                Toward::Owner => Stage::Owner { port },
            });
        };
        match element {
            InWire::Firewall(id) => self.cross_firewall(now, packet, id, port, place, toward),
            InWire::Link(id) => self.cross_link(now, packet, id, port, place, toward),
        }
    }

    fn cross_firewall(
        &mut self,
        now: Ns,
        packet: &mut Packet,
        id: FirewallId,
        port: PortId,
        place: usize,
        toward: Toward,
    ) -> Step {
        let direction = self.direction(port, toward);
        let side = usize::from(toward == Toward::Owner);
        self.tap(now, id.element, side, Crossing::Inbound, packet);
        match self.firewalls[id.index()].gate.judge(now, direction, &packet.head) {
            Ok(()) => {
                self.watch_pass(now, id.element, direction, packet, Verdict::Forwarded);
                self.tap(now, id.element, 1 - side, Crossing::Outbound, packet);
                Step::Go(after(port, place, toward))
            }
            Err(denial) => {
                let from = ip(packet.head.dst);
                let back = after(port, place, toward.reverse());
                // RFC 1812 §5.3.9: administratively prohibited; for TCP a reset is quicker.
                let answer = match packet.head.protocol() {
                    Some(crate::fabric::Protocol::Tcp) => Answer::Closed,
                    _ => Answer::Unreachable(Unreachable::Prohibited),
                };
                Step::End(Ended {
                    at: id.element,
                    direction: Some(direction),
                    why: denial.why,
                    answer: denial.reject.then_some((answer, from, back)),
                })
            }
        }
    }

    fn cross_link(
        &mut self,
        now: Ns,
        packet: &mut Packet,
        id: LinkId,
        port: PortId,
        place: usize,
        toward: Toward,
    ) -> Step {
        let direction = self.direction(port, toward);
        let way = usize::from(direction == Direction::In);
        let side = usize::from(toward == Toward::Owner);
        self.tap(now, id.element, side, Crossing::Inbound, packet);
        let wire = &mut self.links[id.index()].wires[way];
        let fate = match wire.take(now, packet) {
            Ok(fate) => fate,
            Err(why) => return self.lost_on_link(packet, id, direction, why, port, place, toward),
        };
        let at_once = fate.at == now && wire.is_empty();
        let way = way as u8;
        self.watch_carried(now, id.element, direction, packet, fate);
        if let Some(at) = fate.copy_at {
            let mut bytes = self.buffer();
            bytes.extend_from_slice(&packet.bytes);
            let copy = Packet { bytes, ..*packet };
            self.links[id.index()].wires[usize::from(way)].push(at, copy);
            self.arm(id.index, way);
        }
        if at_once {
            self.tap(now, id.element, 1 - side, Crossing::Outbound, packet);
            return Step::Go(after(port, place, toward));
        }
        Step::Hold { link: id, way, at: fate.at }
    }

    fn lost_on_link(
        &self,
        packet: &Packet,
        id: LinkId,
        direction: Direction,
        why: Drop,
        port: PortId,
        place: usize,
        toward: Toward,
    ) -> Step {
        let answer = match why {
            Drop::TooBig(mtu) if mtu.icmp => {
                let back = after(port, place, toward.reverse());
                let too_big = Answer::Unreachable(Unreachable::TooBig { mtu: mtu.bytes });
                Some((too_big, ip(packet.head.dst), back))
            }
            _ => None,
        };
        Step::End(Ended { at: id.element, direction: Some(direction), why, answer })
    }

    fn cross_segment(&mut self, now: Ns, packet: &Packet, from: PortId) -> Step {
        let Some(id) = self.ports[from.index()].segment else {
            return end(self.owner(from), Drop::Detached);
        };
        let next = match is_of_the_link(ip(packet.head.dst)) {
            true => self.spread(now, packet, id, from),
            false => self.next_port(packet, id, from),
        };
        match next {
            Ok(port) => Step::Go(self.entry(port)),
            Err(why) => end(id.element, why),
        }
    }

    /// The port a packet on a segment goes to.
    fn next_port(&self, packet: &Packet, id: SegmentId, from: PortId) -> Result<PortId, Drop> {
        let segment = &self.segments[id.index()];
        let destination = ip(packet.head.dst);
        let elsewhere = segment.elsewhere.filter(|&port| port != from);
        // Somebody elsewhere may be on the machine that a host's addresses are taken from.
        let itself = |port: &PortId| elsewhere.is_some() && *port == from;
        let neighbour = segment.on_link.get(&on_link_key(destination)).copied();
        let neighbour = neighbour.filter(|port| !itself(port));
        let routed =
            || segment.routes.iter().find(|(p, _)| p.contains(destination)).map(|(_, port)| *port);
        let on_link = || {
            segment.params.v4.into_iter().chain(segment.params.v6).any(|p| p.contains(destination))
        };
        let known = neighbour.or_else(|| packet.head.v6.then(routed).flatten());
        let port = match known.or(elsewhere) {
            Some(port) => port,
            None if on_link() => return Err(Drop::NoSuchHost),
            None => segment.gateway.filter(|&port| port != from).ok_or(Drop::NoRoute)?,
        };
        // A NAT's outside is a client like any other: isolation keeps homes behind one carrier apart.
        let gateway = |port| segment.gateway == Some(port);
        if segment.params.isolation && !gateway(from) && !gateway(port) {
            return Err(Drop::Isolated);
        }
        let cut = |port| segment.apart.contains(&port);
        if cut(from) != cut(port) {
            return Err(Drop::Partitioned);
        }
        Ok(port)
    }

    fn arrive(&mut self, now: Ns, packet: &mut Packet, port: PortId) -> Step {
        match self.ports[port.index()].owner {
            Owner::Host(host) => match self.accept(host, packet, port) {
                Ok(()) => Step::Deliver(host, port),
                Err(why) => {
                    self.tap(now, host.element, 0, Crossing::Inbound, packet);
                    end(host.element, why)
                }
            },
            Owner::Inside(nat) => self.cross_nat(now, packet, nat, Direction::Out),
            Owner::Outside(nat) => self.cross_nat(now, packet, nat, Direction::In),
        }
    }

    /// Whether a host's IP layer takes a packet.
    fn accept(&self, host: HostId, packet: &Packet, port: PortId) -> Result<(), Drop> {
        let at = &self.ports[port.index()];
        let elsewhere = at.segment.and_then(|id| self.segments[id.index()].elsewhere);
        let destination = ip(packet.head.dst);
        let mine = at.addresses.contains(&destination)
            || elsewhere == Some(port)
            || self.has_joined(host, destination);
        if packet.suspect {
            Head::parse(&packet.bytes).map_err(Drop::Malformed)?;
        }
        let wrong = || packet.suspect && !transport_checksum_is_right(&packet.bytes, &packet.head);
        match mine {
            false => Err(Drop::NotMine),
            true if packet.head.fragment => Err(Drop::Fragment),
            true if wrong() => Err(Drop::BadChecksum),
            true => Ok(()),
        }
    }

    fn deliver(&mut self, now: Ns, host: HostId, port: PortId, packet: Packet) {
        self.count(host.element, true);
        self.tap(now, host.element, 0, Crossing::Inbound, &packet);
        self.watch_delivered(now, host.element, &packet);
        let Packet { bytes, head, id, .. } = packet;
        let delivery = Delivery { at: now, host, port, packet: id, bytes, head };
        self.runtime.deliveries.push_back(delivery);
    }

    fn cross_nat(&mut self, now: Ns, packet: &mut Packet, id: NatId, way: Direction) -> Step {
        let (near, far) = match way {
            Direction::Out => (self.nats[id.index()].inside, self.nats[id.index()].outside),
            Direction::In => (self.nats[id.index()].outside, self.nats[id.index()].inside),
        };
        let side = usize::from(way == Direction::In);
        self.tap(now, id.element, side, Crossing::Inbound, packet);
        let before = Flow::from(&packet.head);
        let outcome = self.translate(now, packet, id, way);
        let (new_mapping, hairpin) = match outcome {
            Outcome::Pass { new_mapping } => (new_mapping, false),
            Outcome::Hairpin { new_mapping } => (new_mapping, true),
            Outcome::Drop(why) => {
                return Step::End(Ended {
                    at: id.element,
                    direction: Some(way),
                    why,
                    answer: None,
                });
            }
            Outcome::Reject(why, answer) => {
                let back = Stage::Wire { port: near, next: 0, toward: Toward::Segment };
                let from = self.answering_address(near, packet);
                let answer = from.map(|from| (answer, from, back));
                return Step::End(Ended { at: id.element, direction: Some(way), why, answer });
            }
        };
        let port = if hairpin { near } else { far };
        self.watch_translated(now, id.element, way, packet, before, (new_mapping, hairpin));
        let out_side = if hairpin { side } else { 1 - side };
        self.tap(now, id.element, out_side, Crossing::Outbound, packet);
        Step::Go(Stage::Wire { port, next: 0, toward: Toward::Segment })
    }

    fn translate(&mut self, now: Ns, packet: &mut Packet, id: NatId, way: Direction) -> Outcome {
        let near = match way {
            Direction::Out => self.nats[id.index()].inside,
            Direction::In => self.nats[id.index()].outside,
        };
        let to_box = |address| self.ports[near.index()].addresses.contains(&address);
        if way == Direction::Out && to_box(ip(packet.head.dst)) {
            return Outcome::Drop(Drop::NoListener);
        }
        let nat = &mut self.nats[id.index()];
        if nat.blocks.has(packet.head.protocol()) {
            return Outcome::Drop(Drop::Blocked);
        }
        if !decrement_ttl(&mut packet.bytes, &mut packet.head) {
            return Outcome::Drop(Drop::HopLimit);
        }
        match (packet.head.v6, way) {
            (true, _) => nat.forward_v6(now, packet, way),
            (false, Direction::Out) => nat.core.outbound(now, &mut packet.bytes, &mut packet.head),
            (false, Direction::In) => nat.core.inbound(now, &mut packet.bytes, &mut packet.head),
        }
    }

    /// Who a NAT answers as: the address that was asked, or its own on that side.
    fn answering_address(&self, near: PortId, packet: &Packet) -> Option<IpAddr> {
        let own = &self.ports[near.index()].addresses;
        let asked = ip(packet.head.dst);
        let v4 = own.iter().copied().find(|address| address.is_ipv4() != packet.head.v6);
        own.contains(&asked).then_some(asked).or(v4)
    }

    /// A packet's end: written down, and answered if its sender is to hear of it.
    fn end(&mut self, now: Ns, packet: Packet, ended: &Ended) {
        self.count(ended.at, false);
        let way = ended.direction;
        self.watch_drop(now, ended.at, way, &packet, ended.why, Some(now));
        if let Some((answer, from, stage)) = ended.answer {
            self.answer(now, &packet, ended.at, answer, (from, stage));
        }
        self.recycle(packet.bytes);
    }

    fn answer(
        &mut self,
        now: Ns,
        packet: &Packet,
        element: ElementId,
        answer: Answer,
        (from, stage): (IpAddr, Stage),
    ) {
        // RFC 1122 §3.2.2 and RFC 4443 §2.4 (e): no error about an error, nor about multicast.
        if packet.head.is_icmp() || packet.head.fragment || ip(packet.head.dst).is_multicast() {
            return;
        }
        let mut bytes = self.buffer();
        let offender = (packet.bytes.as_slice(), &packet.head);
        let is_tcp = packet.head.protocol() == Some(crate::fabric::Protocol::Tcp);
        match answer {
            Answer::Closed if is_tcp => {
                if !tcp_reset(&mut bytes, offender) {
                    return self.recycle(bytes);
                }
            }
            Answer::Closed => unreachable_error(&mut bytes, from, offender, Unreachable::Port),
            Answer::Unreachable(why) => unreachable_error(&mut bytes, from, offender, why),
        }
        match Head::parse(&bytes) {
            Ok((head, _)) => {
                let id = self.name_packet(element);
                let packet = Packet { bytes, head, id, suspect: false };
                self.watch_sent(now, element, None, &packet);
                self.runtime.spawned.push_back((packet, stage));
            }
            Err(_) => self.recycle(bytes),
        }
    }
}

impl super::topology::Nat {
    /// Forwards IPv6 without translation.
    fn forward_v6(&mut self, now: Ns, packet: &Packet, way: Direction) -> Outcome {
        let verdict = match self.v6 {
            _ if self.core.is_down(now) => Err(Drop::Down),
            V6::Drop => Err(Drop::FamilyNotForwarded),
            V6::Forward => Ok(()),
            V6::Firewall(_) => {
                self.v6_gate.judge(now, way, &packet.head).map_err(|denial| denial.why)
            }
        };
        match verdict {
            Ok(()) => Outcome::Pass { new_mapping: false },
            Err(why) => Outcome::Drop(why),
        }
    }
}

fn end(at: ElementId, why: Drop) -> Step {
    Step::End(Ended { at, direction: None, why, answer: None })
}

/// Where a packet is after it left what is at `place`.
fn after(port: PortId, place: usize, toward: Toward) -> Stage {
    match toward {
        Toward::Segment => Stage::Wire { port, next: place + 1, toward },
        Toward::Owner => Stage::Wire { port, next: place, toward },
    }
}
