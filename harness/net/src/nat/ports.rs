use std::collections::VecDeque;

use super::params::{PortPolicy, Ports};
use crate::Ns;
use crate::draw::{Draws, Purpose};

/// Which ports of each external address and protocol are in use or held down.
#[derive(Debug)]
pub(super) struct PortSets {
    params: Ports,
    /// By external address, UDP and TCP in turn; made when first used.
    sets: Vec<Option<Set>>,
    held: VecDeque<Held>,
}

#[derive(Debug)]
struct Set {
    bits: Vec<u64>,
    last: Option<u16>,
}

#[derive(Debug)]
struct Held {
    until: Ns,
    place: Place,
    port: u16,
}

/// An external address and a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) external: usize,
    pub(super) tcp: bool,
}

/// What a new mapping asks of its port.
pub(super) struct Wish<'a> {
    pub(super) place: Place,
    pub(super) internal: u16,
    /// Numbers this choice among all of this NAT.
    pub(super) ordinal: u64,
    /// Ports the subscriber's blocks begin at; used by [`PortPolicy::Block`] only.
    pub(super) blocks: &'a [u16],
    /// Says no to ports that would clash for other reasons.
    pub(super) admits: &'a dyn Fn(u16) -> bool,
}

impl PortSets {
    pub(super) fn new(params: Ports) -> Self {
        Self { params, sets: Vec::new(), held: VecDeque::new() }
    }

    /// A port for a new mapping other than by preservation; it is not taken yet.
    pub(super) fn choose(&mut self, draws: Draws, wish: &Wish<'_>) -> Option<u16> {
        let (first, last) = (*self.params.range.start(), *self.params.range.end());
        let count = u64::from(last.checked_sub(first)?) + 1;
        let found = match self.params.policy {
            PortPolicy::Sequential { delta } => {
                let set = self.set(wish.place);
                let after = set.last.map_or(0, |last| {
                    (u64::from(last) + u64::from(delta)).saturating_sub(first.into())
                });
                self.scan(wish, first, count, after % count)
            }
            PortPolicy::Block { size } => wish.blocks.iter().find_map(|&block| {
                let size = u64::from(size.max(1)).min(u64::from(last.saturating_sub(block)) + 1);
                let start = draws.below(Purpose::Port, wish.ordinal, size);
                self.scan(wish, block, size, start)
            }),
            _ => {
                let start = draws.below(Purpose::Port, wish.ordinal, count);
                self.scan(wish, first, count, start)
            }
        };
        if let Some(port) = found {
            self.set(wish.place).last = Some(port);
        }
        found
    }

    /// The first port that is free and wanted, from `start` on, among `count` from `first` on.
    fn scan(&mut self, wish: &Wish<'_>, first: u16, count: u64, start: u64) -> Option<u16> {
        let parity = self.params.parity;
        let set = self.set(wish.place);
        (start..start + count)
            .map(|n| first + (n % count) as u16)
            .filter(|port| !parity || port % 2 == wish.internal % 2)
            .find(|&port| !set.is_taken(port) && (wish.admits)(port))
    }

    /// Whether the policy may give this very port.
    pub(super) fn in_range(&self, port: u16) -> bool {
        self.params.range.contains(&port)
    }

    pub(super) fn is_taken(&mut self, place: Place, port: u16) -> bool {
        self.set(place).is_taken(port)
    }

    pub(super) fn take(&mut self, place: Place, port: u16) {
        self.set(place).bits[usize::from(port / 64)] |= 1 << (port % 64);
    }

    /// Lets a port go, to be taken again after the hold-down.
    pub(super) fn release(&mut self, now: Ns, place: Place, port: u16) {
        if self.params.hold_down == Ns::ZERO {
            self.clear(place, port);
        } else {
            self.held.push_back(Held { until: now + self.params.hold_down, place, port });
        }
    }

    /// Ends hold-downs whose time is up.
    pub(super) fn reclaim(&mut self, now: Ns) {
        while self.held.front().is_some_and(|held| held.until <= now) {
            if let Some(held) = self.held.pop_front() {
                self.clear(held.place, held.port);
            }
        }
    }

    /// Makes a port free that is held down.
    pub(super) fn end_hold_down(&mut self, place: Place, port: u16) {
        let before = self.held.len();
        self.held.retain(|held| held.place != place || held.port != port);
        if self.held.len() < before {
            self.clear(place, port);
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.sets.clear();
        self.held.clear();
    }

    fn clear(&mut self, place: Place, port: u16) {
        self.set(place).bits[usize::from(port / 64)] &= !(1 << (port % 64));
    }

    fn set(&mut self, place: Place) -> &mut Set {
        let index = place.external * 2 + usize::from(place.tcp);
        if self.sets.len() <= index {
            self.sets.resize_with(index + 1, || None);
        }
        self.sets[index].get_or_insert_with(|| Set { bits: vec![0; 1024], last: None })
    }
}

impl Set {
    fn is_taken(&self, port: u16) -> bool {
        self.bits[usize::from(port / 64)] >> (port % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { external: 0, tcp: false };

    fn sets(policy: PortPolicy, range: std::ops::RangeInclusive<u16>) -> PortSets {
        PortSets::new(Ports { policy, range, parity: false, hold_down: Ns::secs(120) })
    }

    fn choose(sets: &mut PortSets, ordinal: u64) -> Option<u16> {
        let wish = Wish { place: PLACE, internal: 5000, ordinal, blocks: &[], admits: &|_| true };
        let port = sets.choose(Draws::new(1, 1, 0), &wish)?;
        sets.take(PLACE, port);
        Some(port)
    }

    #[test]
    fn sequential_ports_go_up_by_the_step_and_wrap() {
        let mut sets = sets(PortPolicy::Sequential { delta: 2 }, 1000..=1005);
        let given: Vec<_> = (0..6).map_while(|n| choose(&mut sets, n)).collect();
        assert_eq!(given, [1000, 1002, 1004, 1001, 1003, 1005]);
        assert_eq!(choose(&mut sets, 6), None);
    }

    #[test]
    fn random_ports_are_each_given_once_up_to_the_top_of_the_range() {
        let mut sets = sets(PortPolicy::Random, 65_000..=65_535);
        let mut given: Vec<_> = (0..536).map_while(|n| choose(&mut sets, n)).collect();
        assert_eq!(choose(&mut sets, 536), None);
        assert!(!given.is_sorted());
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), 536);
    }

    #[test]
    fn a_released_port_is_held_down_to_the_nanosecond() {
        let mut sets = sets(PortPolicy::Random, 1000..=1000);
        assert_eq!(choose(&mut sets, 0), Some(1000));
        sets.release(Ns::secs(1), PLACE, 1000);
        sets.reclaim(Ns(Ns::secs(121).0 - 1));
        assert_eq!(choose(&mut sets, 1), None);
        sets.reclaim(Ns::secs(121));
        assert_eq!(choose(&mut sets, 1), Some(1000));
    }
}
