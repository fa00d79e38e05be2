use std::collections::BTreeMap;

use super::cause::Drop;
use super::record::{PacketId, Record, Verdict};
use crate::Ns;
use crate::fabric::ElementId;

/// A packet's way from its sender to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// Which packet.
    pub packet: PacketId,
    /// Every element it met, in order; the first is its sender.
    pub hops: Vec<Record>,
    /// How it ended, once for itself and once for each copy. Empty while it is under way.
    pub ends: Vec<End>,
    /// Copies still under way, itself included.
    open: u32,
}

/// How a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It reached a host.
    Delivered {
        /// Which.
        host: ElementId,
        /// When.
        at: Ns,
    },
    /// It was dropped.
    Dropped {
        /// Where.
        element: ElementId,
        /// When.
        at: Ns,
        /// Why.
        why: Drop,
    },
}

impl Journey {
    /// Its endpoints and time when it was sent.
    pub fn sent(&self) -> Option<&Record> {
        self.hops.first()
    }

    /// Whether it reached a host.
    pub fn delivered(&self) -> Option<(ElementId, Ns)> {
        self.ends.iter().find_map(|end| match end {
            End::Delivered { host, at } => Some((*host, *at)),
            End::Dropped { .. } => None,
        })
    }

    /// Why it, or its last copy, reached nobody.
    pub fn dropped(&self) -> Option<(ElementId, Drop)> {
        if self.delivered().is_some() {
            return None;
        }
        self.ends.iter().rev().find_map(|end| match end {
            End::Dropped { element, why, .. } => Some((*element, *why)),
            End::Delivered { .. } => None,
        })
    }
}

/// Puts records together to journeys.
#[derive(Clone, Debug, Default)]
pub struct Journeys {
    open: BTreeMap<PacketId, Journey>,
}

impl Journeys {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads records, in their order, and returns the journeys that ended with them.
    pub fn read(&mut self, records: &[Record]) -> Vec<Journey> {
        records.iter().filter_map(|record| self.note(record)).collect()
    }

    /// The journeys that have not ended, by sender and number.
    pub fn under_way(self) -> Vec<Journey> {
        self.open.into_values().collect()
    }

    fn note(&mut self, record: &Record) -> Option<Journey> {
        let packet = record.packet;
        let begins = matches!(record.verdict, Verdict::Sent | Verdict::Dropped(Drop::Malformed(_)));
        // A host may discard what was delivered to it: that journey is over already.
        if !begins && !self.open.contains_key(&packet) {
            return None;
        }
        let empty = || Journey { packet, hops: Vec::new(), ends: Vec::new(), open: 1 };
        let journey = self.open.entry(packet).or_insert_with(empty);
        journey.hops.push(*record);
        let (element, at) = (record.element, record.at);
        match record.verdict {
            Verdict::Copied { .. } => journey.open += 1,
            Verdict::Delivered => journey.ends.push(End::Delivered { host: element, at }),
            Verdict::Dropped(why) => journey.ends.push(End::Dropped { element, at, why }),
            _ => {}
        }
        let over = journey.ends.len() >= journey.open as usize;
        over.then(|| self.open.remove(&packet)).flatten()
    }
}
