use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::element::{ElementId, HostId, NatId, PortId};
use super::packet::Packet;
use super::route::{Stage, Toward};
use super::topology::Fabric;
use crate::Ns;
use crate::nat::Event;
use crate::observe::{Drop, Flow, PacketId};
use crate::packet::{Head, transport_checksum_is_right};

/// What moves: the clock, packets under way and what came out.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    pub(super) now: Ns,
    /// One entry per direction of a link that holds packets.
    pub(super) due: BinaryHeap<Reverse<Due>>,
    pub(super) deliveries: VecDeque<Delivery>,
    /// Packets that elements made while another was under way.
    pub(super) spawned: VecDeque<(Packet, Stage)>,
    pub(super) buffers: Vec<Vec<u8>>,
    /// Packets made by each element.
    pub(super) made: Vec<u32>,
    pub(super) counters: Vec<Counters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at: Ns,
    /// Hash of the link's name.
    pub(super) key: u64,
    pub(super) way: u8,
    pub(super) link: u32,
}

/// A packet that reached a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: Ns,
    /// Which host.
    pub host: HostId,
    /// By which interface.
    pub port: PortId,
    /// Which packet.
    pub packet: PacketId,
    /// The IP packet; its checksums are right.
    pub bytes: Vec<u8>,
    pub(crate) head: Head,
}

impl Delivery {
    /// What follows the transport header.
    pub fn payload(&self) -> &[u8] {
        let start = crate::fabric::packet::payload_start(&self.bytes, &self.head);
        let end = match self.head.protocol() {
            Some(crate::fabric::Protocol::Udp) => self.udp_end(),
            _ => self.bytes.len(),
        };
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Where UDP's own length says the datagram ends.
    fn udp_end(&self) -> usize {
        let at = usize::from(self.head.transport);
        let length = self.bytes.get(at + 4..at + 6).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
        at + usize::from(length)
    }

    /// Its endpoints.
    pub fn flow(&self) -> Flow {
        Flow::from(&self.head)
    }
}

/// What an element has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that went on, or reached the host.
    pub passed: u64,
    /// Packets that ended there.
    pub dropped: u64,
    /// NAT: mappings there are now.
    pub mappings: u32,
    /// NAT: mappings the internal address with the most has now.
    pub most_per_subscriber: u32,
}

impl Fabric {
    /// The time the network has come to.
    pub fn now(&self) -> Ns {
        self.runtime.now
    }

    /// An empty buffer, used before if possible.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.runtime.buffers.pop().unwrap_or_else(|| Vec::with_capacity(256))
    }

    /// Gives back a buffer that is not needed any more.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        const MOST: usize = 4096;
        if self.runtime.buffers.len() < MOST {
            buffer.clear();
            self.runtime.buffers.push(buffer);
        }
    }

    /// A host sends an IP packet by one of its interfaces. Time comes to `now` first.
    ///
    /// It goes as far as it can at once; what reached a host waits in [`Fabric::delivery`].
    pub fn send(&mut self, now: Ns, port: PortId, mut bytes: Vec<u8>) -> PacketId {
        self.advance(now);
        let now = self.runtime.now;
        let origin = self.owner(port);
        let id = self.name_packet(origin);
        match Head::parse(&bytes) {
            Ok((head, length)) => {
                bytes.truncate(length);
                let suspect = !transport_checksum_is_right(&bytes, &head);
                let packet = Packet { bytes, head, id, suspect };
                self.watch_sent(now, origin, Some(port), &packet);
                self.travel(now, packet, Stage::Wire { port, next: 0, toward: Toward::Segment });
                self.travel_spawned(now);
            }
            Err(why) => {
                self.watch_malformed(now, origin, id, bytes.len(), why);
                self.recycle(bytes);
            }
        }
        id
    }

    /// When the network wants [`Fabric::advance`] to be called next.
    pub fn wake(&self) -> Option<Ns> {
        self.runtime.due.peek().map(|Reverse(due)| due.at)
    }

    /// Time comes to `now`: what links hand on until then goes on. Time never goes back.
    pub fn advance(&mut self, now: Ns) {
        while let Some(&Reverse(due)) = self.runtime.due.peek() {
            if due.at > now {
                break;
            }
            self.runtime.due.pop();
            self.release(due);
        }
        self.runtime.now = self.runtime.now.max(now);
    }

    /// The next packet that reached a host, in the order of their arrival.
    pub fn delivery(&mut self) -> Option<Delivery> {
        self.runtime.deliveries.pop_front()
    }

    /// A host says that it could not use what was delivered to it.
    pub fn discard(&mut self, delivery: Delivery, why: Drop) {
        let element = delivery.host.element();
        let Delivery { bytes, head, packet: id, .. } = delivery;
        let packet = Packet { bytes, head, id, suspect: false };
        self.watch_drop(delivery.at, element, None, &packet, why, None);
        self.recycle(packet.bytes);
    }

    /// What an element has seen so far.
    pub fn counters(&self, element: impl Into<ElementId>) -> Counters {
        let element = element.into();
        let mut counters = self.runtime.counters.get(element.index()).copied().unwrap_or_default();
        if let Some(nat) = self.nats.iter().find(|nat| self.owner(nat.inside) == element) {
            counters.mappings = nat.core.live();
            counters.most_per_subscriber = nat.core.most_per_subscriber();
        }
        counters
    }

    /// Begins to write down what happens to a NAT's mappings, for [`Fabric::nat_events`].
    pub fn log_nat(&mut self, nat: NatId, on: bool) {
        self.nats[nat.index()].core.log_changes(on);
    }

    /// Takes a NAT's log, in order of time: what was written down since the last call, with mappings
    /// included that have expired by now.
    pub fn nat_events(&mut self, nat: NatId) -> Vec<Event> {
        let now = self.runtime.now;
        let core = &mut self.nats[nat.index()].core;
        core.reclaim(now);
        core.take_log()
    }

    /// Whether a NAT's log, if it keeps one, also says when mappings are refreshed.
    pub fn log_refreshes(&mut self, nat: NatId, on: bool) {
        self.nats[nat.index()].core.log_refresh(on);
    }

    pub(super) fn name_packet(&mut self, origin: ElementId) -> PacketId {
        let made = &mut self.runtime.made;
        if made.len() < self.elements.len() {
            made.resize(self.elements.len(), 0);
        }
        made[origin.index()] = made[origin.index()].wrapping_add(1);
        PacketId { origin, number: made[origin.index()] }
    }

    pub(super) fn count(&mut self, element: ElementId, passed: bool) {
        let counters = &mut self.runtime.counters;
        if counters.len() < self.elements.len() {
            counters.resize(self.elements.len(), Counters::default());
        }
        let counters = &mut counters[element.index()];
        *(if passed { &mut counters.passed } else { &mut counters.dropped }) += 1;
    }

    /// Hands on one packet of a link.
    fn release(&mut self, due: Due) {
        let link = &mut self.links[due.link as usize];
        let wire = &mut link.wires[usize::from(due.way)];
        // An entry that an earlier one has overtaken.
        if wire.armed != due.at {
            return;
        }
        wire.armed = Ns::NEVER;
        let (port, place, element) = (link.port, link.place, link.element);
        let Some(packet) = wire.pop() else { return };
        self.arm(due.link, due.way);
        self.runtime.now = self.runtime.now.max(due.at);
        let stage = self.beyond(port, place, due.way);
        self.watch_released(due.at, element, due.way, &packet);
        self.travel(due.at, packet, stage);
        self.travel_spawned(due.at);
    }

    /// Has the scheduler look at one direction of a link when its next packet is due.
    pub(super) fn arm(&mut self, index: u32, way: u8) {
        let link = &mut self.links[index as usize];
        let key = self.elements[link.element.index()].key;
        let wire = &mut link.wires[usize::from(way)];
        if let Some(at) = wire.next_exit()
            && at < wire.armed
        {
            wire.armed = at;
            self.runtime.due.push(Reverse(Due { at, key, way, link: index }));
        }
    }
}
