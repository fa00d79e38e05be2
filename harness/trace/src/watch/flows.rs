//! Flows: 5-tuples and what runs through relays, the newest of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::event::{ConnectionId, FlowId, Path, Side};
use super::limits;
use super::summary::FlowSummary;
use super::totals::Protected;
use crate::Carrier;

/// What tells flows apart; addresses in order, so that both directions are one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    low: SocketAddr,
    high: SocketAddr,
    /// 0 for UDP, one more than the stream's number for TCP, the highest for SCTP outside DTLS.
    stream: u64,
    /// Client and server of the relay it runs through.
    relay: Option<(SocketAddr, SocketAddr)>,
}

impl Key {
    pub(super) fn new(
        path: Path,
        carrier: Carrier,
        relay: Option<(SocketAddr, SocketAddr)>,
    ) -> Self {
        let (low, high) = if path.source <= path.destination {
            (path.source, path.destination)
        } else {
            (path.destination, path.source)
        };
        let stream = match carrier {
            Carrier::Udp => 0,
            Carrier::Tcp(stream) => stream.saturating_add(1).min(u64::MAX - 1),
            Carrier::Sctp => u64::MAX,
        };
        Self { low, high, stream, relay }
    }
}

/// A flow. Its ends are 0, the lower address, and 1.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: FlowId,
    key: Key,
    /// Its connection, if that is still remembered.
    pub(super) connection: Option<u32>,
    /// In a connection, which end is A.
    pub(super) a_end: usize,
    /// The association its DTLS belongs to; 0 for its connection's newest.
    pub(super) association: u32,
    /// What was opened of it.
    pub(super) protected: Protected,
    /// Which end is a server.
    pub(super) server: Option<usize>,
    /// When it was used before this datagram.
    pub(super) last_at: Duration,
    tick: u64,
}

impl Flow {
    /// Which end an address is.
    pub(super) fn end(&self, address: SocketAddr) -> usize {
        usize::from(address != self.key.low)
    }

    /// Who is at an end, as far as the flow tells.
    pub(super) fn side(&self, end: usize) -> Side {
        if self.server == Some(end) {
            Side::Server
        } else if self.connection.is_none() || self.server.is_some() {
            Side::Unknown
        } else if self.a_end == end {
            Side::A
        } else {
            Side::B
        }
    }
}

/// The flows that are remembered.
#[derive(Debug, Default)]
pub(super) struct Flows {
    slots: Vec<Flow>,
    by_key: BTreeMap<Key, usize>,
    /// Slots used last: most datagrams belong to one of few flows.
    recent: [usize; 2],
    tick: u64,
    next: u32,
    /// How many were forgotten.
    pub(super) evicted: u64,
}

impl Flows {
    /// The slot of a flow, made if need be; slots hold until the next call.
    pub(super) fn find(&mut self, key: Key, at: Duration) -> usize {
        self.tick += 1;
        let tick = self.tick;
        for slot in self.recent {
            if let Some(flow) = self.slots.get_mut(slot)
                && flow.key == key
            {
                flow.tick = tick;
                return slot;
            }
        }
        let slot = match self.by_key.get(&key) {
            Some(slot) => *slot,
            None => self.insert(key, at),
        };
        self.slots[slot].tick = tick;
        self.recent = [slot, self.recent[0]];
        slot
    }

    fn insert(&mut self, key: Key, at: Duration) -> usize {
        if self.slots.len() >= limits::FLOWS {
            self.forget_a_quarter();
        }
        self.next = self.next.saturating_add(1);
        let slot = self.slots.len();
        self.slots.push(Flow {
            id: FlowId(self.next),
            key,
            connection: None,
            a_end: 0,
            association: 0,
            protected: Protected::default(),
            server: None,
            last_at: at,
            tick: self.tick,
        });
        self.by_key.insert(key, slot);
        slot
    }

    fn forget_a_quarter(&mut self) {
        self.slots.sort_unstable_by_key(|flow| std::cmp::Reverse(flow.tick));
        let kept = limits::FLOWS - limits::FLOWS / 4;
        self.evicted += (self.slots.len() - kept) as u64;
        self.slots.truncate(kept);
        self.by_key = self.slots.iter().enumerate().map(|(slot, flow)| (flow.key, slot)).collect();
        self.recent = [0; 2];
    }

    pub(super) fn get(&self, slot: usize) -> &Flow {
        &self.slots[slot]
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> &mut Flow {
        &mut self.slots[slot]
    }

    /// What is known of those that are remembered, in the order they appeared.
    pub(super) fn summaries(&self) -> Vec<FlowSummary> {
        let of = |flow: &Flow| FlowSummary {
            id: flow.id,
            ends: [flow.key.low, flow.key.high],
            relay: flow.key.relay,
            connection: flow.connection.map(ConnectionId),
            protected: flow.protected,
        };
        let mut all: Vec<FlowSummary> = self.slots.iter().map(of).collect();
        all.sort_unstable_by_key(|flow| flow.id);
        all
    }

    pub(super) fn count(&self) -> u64 {
        u64::from(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16, reversed: bool) -> Key {
        let source = SocketAddr::from(([10, 0, 0, 1], port));
        let path = Path { source, destination: SocketAddr::from(([10, 0, 0, 2], 9)) };
        Key::new(if reversed { path.reversed() } else { path }, Carrier::Udp, None)
    }

    #[test]
    fn both_directions_are_one_flow_and_streams_are_others() {
        let mut flows = Flows::default();
        let one = flows.find(key(1, false), Duration::ZERO);
        assert_eq!(flows.find(key(1, true), Duration::ZERO), one);
        let stream = Key { stream: 1, ..key(1, false) };
        assert_ne!(flows.find(stream, Duration::ZERO), one);
        assert_eq!(flows.count(), 2);
    }

    #[test]
    fn those_silent_longest_are_forgotten_first() {
        let mut flows = Flows::default();
        let first = flows.find(key(0, false), Duration::ZERO);
        let id = flows.get(first).id;
        for port in 1..=10_000 {
            flows.find(key(port, false), Duration::ZERO);
            flows.find(key(0, true), Duration::ZERO);
        }
        let slot = flows.find(key(0, false), Duration::ZERO);
        assert_eq!(flows.get(slot).id, id);
        assert!(flows.slots.len() <= limits::FLOWS);
        assert_eq!(flows.evicted + flows.slots.len() as u64, flows.count());
    }
}
