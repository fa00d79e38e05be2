use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, SocketAddr};

use super::event::{Change, Ended, Event};
use super::filters::Filters;
use super::params::{
    Exhaustion, FilterScope, Filtering, Mapping as MappingBehavior, Params, Pooling, PortPolicy,
    Translation,
};
use super::ports::{Place, PortSets, Wish};
use super::tcp::Connections;
use crate::Ns;
use crate::draw::{Draws, Purpose};
use crate::fabric::Protocol;
use crate::observe::{Drop, Limit};
use crate::packet::{Unreachable, address, ip};
use crate::table::{Key, Store, Table};

pub(super) const UDP: u8 = 17;
pub(super) const TCP: u8 = 6;
const NOBODY: u32 = u32::MAX;

/// A NAT's state and rules; pure translation, without a place in the network.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) params: Params,
    draws: Draws,
    pub(super) externals: Vec<u128>,
    mappings: Vec<Mapping>,
    vacant: Vec<u32>,
    live: u32,
    /// Mappings by their own key.
    by_key: Table,
    by_external: Store<u32>,
    /// Tells mappings apart that share an external port; used if ports are overloaded.
    by_outer: Store<u32>,
    pub(super) filters: Filters,
    pub(super) connections: Connections,
    pub(super) bindings: Store<Binding>,
    /// Endpoints taken by unsolicited packets, and when the last of these came.
    pub(super) reservations: Store<Ns>,
    pub(super) blocked: Store<()>,
    subscribers: BTreeMap<u128, Subscriber>,
    /// Blocks of ports that belong to somebody: of which external address, and the first port.
    blocks: BTreeSet<(usize, u16)>,
    ports: PortSets,
    expiry: BinaryHeap<Reverse<(Ns, u32)>>,
    /// Mappings whose key is finer than the mapping behaviour.
    splits: u32,
    /// How many mappings were ever asked for: numbers the random decisions.
    asked: u64,
    this_second: (u64, u32),
    down_until: Ns,
    log: Vec<Event>,
    logging: bool,
    pub(super) log_refresh: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) key: Key,
    pub(super) external: usize,
    pub(super) port: u16,
    pub(super) generation: u32,
    pub(super) refreshed: Ns,
    pub(super) replied: bool,
    /// TCP connections through it that are established.
    pub(super) established: u32,
    pub(super) permanent: bool,
    alive: bool,
    split: bool,
    /// When the expiry heap looks at it next.
    armed: Ns,
    /// Others with the same external port.
    previous: u32,
    next: u32,
}

/// Which mapping two endpoints use, whatever the mapping behaviour says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub(super) mapping: u32,
    pub(super) generation: u32,
    pub(super) used: Ns,
}

#[derive(Debug, Default)]
struct Subscriber {
    mappings: u32,
    external: usize,
    /// The blocks that are its own.
    blocks: Vec<(usize, u16)>,
}

/// Why no mapping was made, and what the sender hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: Drop,
    pub(crate) answer: Option<Unreachable>,
}

impl From<Drop> for Refusal {
    fn from(why: Drop) -> Self {
        Self { why, answer: None }
    }
}

/// An inside endpoint, a remote one and the protocol between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) protocol: u8,
    pub(super) internal: (u128, u16),
    pub(super) remote: (u128, u16),
}

impl Pair {
    pub(super) fn key(&self) -> Key {
        Key {
            local: self.internal.0,
            local_port: self.internal.1,
            remote: self.remote.0,
            remote_port: self.remote.1,
            protocol: self.protocol,
        }
    }
}

impl Mapping {
    /// Its external endpoint and as much of the remote as it depends on.
    fn outer(&self) -> Key {
        let remote = Some((self.key.remote, self.key.remote_port));
        outer_key(self.external, self.key.protocol, self.port, remote)
    }
}

impl Core {
    pub(crate) fn new(params: Params, draws: Draws, externals: &[IpAddr]) -> Self {
        let mut core = Self {
            filters: Filters::default(),
            connections: Connections::default(),
            externals: externals.iter().map(|&ip| address(ip)).collect(),
            mappings: Vec::new(),
            vacant: Vec::new(),
            live: 0,
            by_key: Table::default(),
            by_external: Store::default(),
            by_outer: Store::default(),
            bindings: Store::default(),
            reservations: Store::default(),
            blocked: Store::default(),
            subscribers: BTreeMap::new(),
            blocks: BTreeSet::new(),
            ports: PortSets::new(params.ports.clone()),
            expiry: BinaryHeap::new(),
            splits: 0,
            asked: 0,
            this_second: (0, 0),
            down_until: Ns::ZERO,
            log: Vec::new(),
            logging: false,
            log_refresh: false,
            draws,
            params,
        };
        core.make_forwards();
        core
    }

    /// Whether what happens to mappings is written down.
    pub(crate) fn log_changes(&mut self, on: bool) {
        self.logging = on;
    }

    /// Takes what was written down.
    pub(crate) fn take_log(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.log)
    }

    pub(crate) fn log_refresh(&mut self, on: bool) {
        self.log_refresh = on;
    }

    /// Ends every mapping, as an action or a restart does.
    pub(crate) fn forget(&mut self, now: Ns, why: Ended) {
        self.reclaim(now);
        for id in 0..self.mappings.len() as u32 {
            let mapping = &self.mappings[id as usize];
            if mapping.alive && (!mapping.permanent || why != Ended::Ordered) {
                self.end(now, id, why);
            }
        }
        self.filters.clear();
        self.connections.clear();
        self.bindings.clear();
        self.reservations.clear();
        self.blocked.clear();
        if why != Ended::Ordered {
            self.subscribers.clear();
            self.blocks.clear();
            self.ports.reset();
            self.make_forwards();
        }
    }

    /// A restart: state is lost and nothing passes for a while.
    pub(crate) fn reboot(&mut self, now: Ns, down: Ns) {
        self.forget(now, Ended::Reboot);
        self.down_until = now + down;
    }

    pub(crate) fn is_down(&self, now: Ns) -> bool {
        now < self.down_until
    }

    /// Other external addresses from now on.
    pub(crate) fn renumber(&mut self, now: Ns, externals: &[IpAddr]) {
        self.forget(now, Ended::Renumbered);
        self.externals = externals.iter().map(|&ip| address(ip)).collect();
    }

    /// Tells of an address inside, so that a 1:1 NAT gives it an external one before it sends.
    pub(crate) fn learn(&mut self, inside: IpAddr) {
        if self.params.translation == Translation::OneToOne {
            let _ = self.subscribe(address(inside));
        }
    }

    /// How many mappings there are.
    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// The most mappings any one internal address has.
    pub(crate) fn most_per_subscriber(&self) -> u32 {
        self.subscribers.values().map(|subscriber| subscriber.mappings).max().unwrap_or(0)
    }

    pub(crate) fn is_external(&self, address: u128) -> bool {
        self.externals.contains(&address)
    }

    pub(super) fn mapping(&self, id: u32) -> &Mapping {
        &self.mappings[id as usize]
    }

    pub(super) fn mapping_mut(&mut self, id: u32) -> &mut Mapping {
        &mut self.mappings[id as usize]
    }

    pub(super) fn external_endpoint(&self, id: u32) -> (u128, u16) {
        let mapping = self.mapping(id);
        (self.externals[mapping.external], mapping.port)
    }

    pub(super) fn behavior(&self, protocol: u8) -> (MappingBehavior, Filtering) {
        match (protocol, self.params.tcp) {
            (TCP, Some(tcp)) => (tcp.mapping, tcp.filtering),
            _ => (self.params.mapping, self.params.filtering),
        }
    }

    fn overloads(&self) -> bool {
        self.params.ports.policy == PortPolicy::PreserveOverload
            || self.params.translation == Translation::OneToOne
    }

    /// Whether packets between two endpoints may use another mapping than the behaviour says.
    pub(super) fn has_splits(&self) -> bool {
        self.splits > 0
    }

    /// The mapping with that key.
    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        self.by_key.find(key.hash(), |id| self.mappings[id as usize].key == *key)
    }

    /// The mapping behind an external endpoint, preferring the one made for that remote.
    pub(super) fn find_external(
        &self,
        external: usize,
        protocol: u8,
        port: u16,
        remote: (u128, u16),
    ) -> Option<u32> {
        let key = outer_key(external, protocol, port, None);
        if self.overloads() {
            let outer = |remote| outer_key(external, protocol, port, Some(remote));
            let coarse = outer(masked(self.behavior(protocol).0, remote));
            let exact = self.has_splits().then(|| self.by_outer.get(&outer(remote))).flatten();
            if let Some(id) = exact.or_else(|| self.by_outer.get(&coarse)) {
                return Some(*id);
            }
        }
        self.by_external.get(&key).copied()
    }

    /// When a mapping ends if nothing refreshes it.
    pub(super) fn deadline(&self, mapping: &Mapping) -> Ns {
        if mapping.permanent {
            return Ns::NEVER;
        }
        mapping.refreshed + self.lifetime(mapping)
    }

    pub(super) fn lifetime(&self, mapping: &Mapping) -> Ns {
        let times = &self.params.lifetimes;
        match (mapping.key.protocol, mapping.established) {
            (TCP, 0) => times.tcp_transitory,
            (TCP, _) => times.tcp,
            _ if mapping.replied => times.udp,
            _ => times.unreplied.unwrap_or(times.udp),
        }
    }

    /// Has the expiry heap look at a mapping no later than it ends.
    pub(super) fn arm(&mut self, now: Ns, id: u32) {
        // A lifetime that became shorter than the mapping is idle ends it now, not in the past.
        let deadline = self.deadline(self.mapping(id)).max(now);
        let mapping = self.mapping_mut(id);
        if deadline < mapping.armed {
            mapping.armed = deadline;
            self.expiry.push(Reverse((deadline, id)));
        }
    }

    /// Ends everything whose time is up: what the tables hold afterwards is alive.
    pub(crate) fn reclaim(&mut self, now: Ns) {
        while let Some(&Reverse((at, id))) = self.expiry.peek() {
            if at > now {
                break;
            }
            self.expiry.pop();
            let mapping = self.mapping_mut(id);
            if !mapping.alive || mapping.armed != at {
                continue;
            }
            mapping.armed = Ns::NEVER;
            if self.deadline(self.mapping(id)) <= now {
                self.ports.reclaim(at);
                self.end(at, id, Ended::Expired);
            } else {
                self.arm(at, id);
            }
        }
        self.ports.reclaim(now);
    }

    /// Makes a mapping. `exact`: for this remote only, whatever the behaviour says.
    pub(super) fn create(&mut self, now: Ns, pair: Pair, exact: bool) -> Result<u32, Refusal> {
        self.asked += 1;
        let result = self.try_create(now, pair, exact);
        if let Err(refusal) = &result {
            let change = Change::Refused(refusal.why);
            self.note(now, pair.protocol, pair.internal, (0, 0), change);
        }
        result
    }

    fn try_create(&mut self, now: Ns, pair: Pair, exact: bool) -> Result<u32, Refusal> {
        self.check_limits(now, pair.internal.0)?;
        let external = self.external_for(pair.internal.0)?;
        let port = match self.port_for(now, external, pair, exact) {
            Some(port) => port,
            None => {
                self.exhausted(now, None, Drop::NoPort)?;
                self.port_for(now, external, pair, exact).ok_or(Drop::NoPort)?
            }
        };
        let late = self.params.changes_on_conflict
            && self.params.ports.policy == PortPolicy::Preserve
            && port != pair.internal.1;
        let behavior = match exact || late {
            true => MappingBehavior::AddressAndPortDependent,
            false => self.behavior(pair.protocol).0,
        };
        let split = behavior != self.behavior(pair.protocol).0;
        let remote = masked(behavior, pair.remote);
        let key = Pair { remote, ..pair }.key();
        let id = self
            .insert(now, key, (external, port), split)
            .map_err(|_| Refusal::from(Drop::Limit(Limit::Memory)))?;
        let change = match split {
            true => Change::Split { remote: socket(pair.remote) },
            false => Change::Created { remote: socket(pair.remote) },
        };
        self.note(now, pair.protocol, pair.internal, self.external_endpoint(id), change);
        Ok(id)
    }

    fn check_limits(&mut self, now: Ns, internal: u128) -> Result<(), Refusal> {
        let limits = self.params.limits;
        let second = now.0 / 1_000_000_000;
        if self.this_second.0 != second {
            self.this_second = (second, 0);
        }
        if limits.new_per_second.is_some_and(|most| self.this_second.1 >= most) {
            return Err(self.refusal(Drop::Limit(Limit::NewPerSecond)));
        }
        let mine = self.subscribers.get(&internal).map_or(0, |subscriber| subscriber.mappings);
        if limits.per_subscriber.is_some_and(|most| mine >= most) {
            self.exhausted(now, Some(internal), Drop::Limit(Limit::PerSubscriber))?;
        }
        if limits.mappings.is_some_and(|most| self.live >= most) {
            self.exhausted(now, None, Drop::Limit(Limit::Mappings))?;
        }
        self.this_second.1 += 1;
        Ok(())
    }

    /// Makes room by ending the mapping idle longest, of one subscriber or of all, or refuses.
    fn exhausted(&mut self, now: Ns, of: Option<u128>, why: Drop) -> Result<(), Refusal> {
        if self.params.exhaustion != Exhaustion::EvictOldest {
            return Err(self.refusal(why));
        }
        let oldest = (0..self.mappings.len() as u32)
            .filter(|&id| {
                let mapping = self.mapping(id);
                let chosen = of.is_none_or(|internal| mapping.key.local == internal);
                mapping.alive && !mapping.permanent && chosen
            })
            .min_by_key(|&id| (self.mapping(id).refreshed, id));
        let oldest = oldest.ok_or(why)?;
        self.end(now, oldest, Ended::Evicted);
        Ok(())
    }

    fn refusal(&self, why: Drop) -> Refusal {
        // RFC 6888 REQ-11: who cannot get a mapping hears that the host is unreachable.
        let answer = (self.params.exhaustion == Exhaustion::Reject).then_some(Unreachable::Host);
        Refusal { why, answer }
    }

    /// The external address of a new mapping.
    fn external_for(&mut self, internal: u128) -> Result<usize, Refusal> {
        let own = self.subscribe(internal)?;
        let count = self.externals.len() as u64;
        let external = match self.params.pooling {
            _ if self.params.translation == Translation::OneToOne => own,
            Pooling::Paired => own,
            Pooling::Arbitrary => self.draws.below(Purpose::Pool, self.asked, count) as usize,
            Pooling::RoundRobin => ((self.asked - 1) % count.max(1)) as usize,
        };
        (external < self.externals.len()).then_some(external).ok_or(Drop::NoAddress.into())
    }

    /// The external address that is an internal one's own: given out in turn, and for good.
    fn subscribe(&mut self, internal: u128) -> Result<usize, Drop> {
        const MOST: usize = 65_536;
        if let Some(subscriber) = self.subscribers.get(&internal) {
            return Ok(subscriber.external);
        }
        if self.subscribers.len() >= MOST {
            self.subscribers.retain(|_, subscriber| subscriber.mappings > 0);
        }
        let turn = self.subscribers.len();
        let external = match self.params.translation {
            Translation::OneToOne if turn >= self.externals.len() => return Err(Drop::NoAddress),
            Translation::OneToOne => turn,
            Translation::Ports => turn % self.externals.len().max(1),
        };
        self.subscribers.insert(internal, Subscriber { external, ..Subscriber::default() });
        Ok(external)
    }

    /// The internal address a 1:1 NAT has given an external one to.
    pub(super) fn owner_of(&self, external: usize) -> Option<u128> {
        self.subscribers
            .iter()
            .find(|(_, subscriber)| subscriber.external == external)
            .map(|(internal, _)| *internal)
    }

    /// `exact`: the mapping is for this remote only, so what that one has reserved is taken.
    fn port_for(&mut self, now: Ns, external: usize, pair: Pair, exact: bool) -> Option<u16> {
        let place = Place { external, tcp: pair.protocol == TCP };
        let wanted = pair.internal.1;
        if self.params.translation == Translation::OneToOne {
            return Some(wanted);
        }
        let policy = self.params.ports.policy;
        let exact =
            exact || self.behavior(pair.protocol).0 == MappingBehavior::AddressAndPortDependent;
        let reserved = exact && self.is_reserved(now, (external, wanted), pair);
        let free = self.ports.in_range(wanted) && !self.ports.is_taken(place, wanted) && !reserved;
        match policy {
            PortPolicy::Preserve
            | PortPolicy::PreserveOrDrop
            | PortPolicy::PreserveOverload
            | PortPolicy::PreserveOverride
                if free =>
            {
                return Some(wanted);
            }
            PortPolicy::PreserveOrDrop => return None,
            PortPolicy::PreserveOverload if self.may_overload(now, external, pair) => {
                return Some(wanted);
            }
            PortPolicy::PreserveOverride if self.ports.in_range(wanted) => {
                self.override_port(now, place, wanted);
                return (!self.ports.is_taken(place, wanted)).then_some(wanted);
            }
            _ => {}
        }
        self.other_port(now, place, pair)
    }

    /// A port that is not preserved.
    fn other_port(&mut self, now: Ns, place: Place, pair: Pair) -> Option<u16> {
        // The closure below borrows what tells reservations; the sets are borrowed beside it.
        let (reservations, lifetime) = (&self.reservations, self.reservation_lifetime());
        let admits = |port: u16| {
            let key = outer_key(place.external, pair.protocol, port, Some(pair.remote));
            reservations.get(&key).is_none_or(|&at| now >= at + lifetime)
        };
        let own = self.subscribers.get(&pair.internal.0).map(|subscriber| &subscriber.blocks);
        let here = own.into_iter().flatten().filter(|(external, _)| *external == place.external);
        let blocks: Vec<u16> = here.map(|(_, block)| *block).collect();
        let (draws, ordinal) = (self.draws, self.asked);
        let internal = pair.internal.1;
        let wish = Wish { place, internal, ordinal, blocks: &blocks, admits: &admits };
        let found = self.ports.choose(draws, &wish);
        let PortPolicy::Block { size } = self.params.ports.policy else { return found };
        if found.is_some() {
            return found;
        }
        let range = &self.params.ports.range;
        let block = (*range.start()..=*range.end())
            .step_by(usize::from(size.max(1)))
            .find(|&base| !self.blocks.contains(&(place.external, base)))?;
        self.blocks.insert((place.external, block));
        if let Some(subscriber) = self.subscribers.get_mut(&pair.internal.0) {
            subscriber.blocks.push((place.external, block));
        }
        let wish = Wish { blocks: &[block], ..wish };
        self.ports.choose(draws, &wish)
    }

    /// Whether a taken port can be used once more because the remote tells the two apart.
    fn may_overload(&self, now: Ns, external: usize, pair: Pair) -> bool {
        let behavior = self.behavior(pair.protocol).0;
        let port = pair.internal.1;
        let outer = outer_key(external, pair.protocol, port, Some(masked(behavior, pair.remote)));
        self.ports.in_range(port)
            && self.by_outer.get(&outer).is_none()
            && self.by_external.get(&outer_key(external, pair.protocol, port, None)).is_some()
            && !self.is_reserved(now, (external, port), pair)
    }

    fn override_port(&mut self, now: Ns, place: Place, port: u16) {
        let protocol = if place.tcp { TCP } else { UDP };
        let key = outer_key(place.external, protocol, port, None);
        if let Some(id) = self.by_external.get(&key).copied()
            && !self.mapping(id).permanent
        {
            self.end(now, id, Ended::Overridden);
            self.ports.end_hold_down(place, port);
        }
    }

    /// How long an unsolicited packet reserves its endpoints.
    pub(super) fn reservation_lifetime(&self) -> Ns {
        self.params.lifetimes.unreplied.unwrap_or(self.params.lifetimes.udp)
    }

    /// Whether an unsolicited packet has taken an external endpoint and a remote one.
    pub(super) fn is_reserved(&self, now: Ns, external: (usize, u16), pair: Pair) -> bool {
        let key = outer_key(external.0, pair.protocol, external.1, Some(pair.remote));
        let lifetime = self.reservation_lifetime();
        self.reservations.get(&key).is_some_and(|&at| now < at + lifetime)
    }

    fn insert(
        &mut self,
        now: Ns,
        key: Key,
        (external, port): (usize, u16),
        split: bool,
    ) -> Result<u32, crate::table::Full> {
        let id = self.vacant.last().copied().unwrap_or(self.mappings.len() as u32);
        let head_key = outer_key(external, key.protocol, port, None);
        let next = self.by_external.get(&head_key).copied().unwrap_or(NOBODY);
        self.by_key.insert(key.hash(), id)?;
        if let Err(full) = self.by_external.set(head_key, id) {
            self.by_key.remove(key.hash(), id);
            return Err(full);
        }
        if self.overloads() {
            let remote = Some((key.remote, key.remote_port));
            let outer = outer_key(external, key.protocol, port, remote);
            // Losing this entry costs precision, never correctness: the head is found instead.
            let _ = self.by_outer.set(outer, id);
        }
        if let Some(second) = self.mappings.get_mut(next as usize) {
            second.previous = id;
        }
        let generation = self.mappings.get(id as usize).map_or(0, |old| old.generation + 1);
        let mapping = Mapping {
            key,
            external,
            port,
            generation,
            refreshed: now,
            replied: false,
            established: 0,
            permanent: false,
            alive: true,
            split,
            armed: Ns::NEVER,
            previous: NOBODY,
            next,
        };
        match self.mappings.get_mut(id as usize) {
            Some(slot) => {
                *slot = mapping;
                self.vacant.pop();
            }
            None => self.mappings.push(mapping),
        }
        self.live += 1;
        self.splits += u32::from(split);
        self.ports.take(Place { external, tcp: key.protocol == TCP }, port);
        self.subscribers.entry(key.local).or_default().mappings += 1;
        self.arm(now, id);
        Ok(id)
    }

    pub(super) fn end(&mut self, now: Ns, id: u32, why: Ended) {
        let mapping = self.mappings[id as usize].clone();
        let external = self.external_endpoint(id);
        let internal = (mapping.key.local, mapping.key.local_port);
        self.note(now, mapping.key.protocol, internal, external, Change::Ended(why));
        self.by_key.remove(mapping.key.hash(), id);
        let outer = mapping.outer();
        if self.by_outer.get(&outer) == Some(&id) {
            self.by_outer.remove(&outer);
        }
        self.unlink(now, &mapping);
        let gone = &mut self.mappings[id as usize];
        gone.alive = false;
        self.vacant.push(id);
        self.live -= 1;
        self.splits -= u32::from(mapping.split);
        self.leave(mapping.key.local);
    }

    /// Takes a mapping out of those that share its external port.
    fn unlink(&mut self, now: Ns, mapping: &Mapping) {
        if let Some(next) = self.mappings.get_mut(mapping.next as usize) {
            next.previous = mapping.previous;
        }
        if let Some(previous) = self.mappings.get_mut(mapping.previous as usize) {
            previous.next = mapping.next;
            return;
        }
        let key = outer_key(mapping.external, mapping.key.protocol, mapping.port, None);
        self.by_external.remove(&key);
        if mapping.next == NOBODY {
            let place = Place { external: mapping.external, tcp: mapping.key.protocol == TCP };
            self.ports.release(now, place, mapping.port);
        } else {
            // The slot just freed has room for it.
            let _ = self.by_external.set(key, mapping.next);
        }
    }

    /// Counts a mapping less; the last one gives back the subscriber's blocks.
    fn leave(&mut self, internal: u128) {
        let Some(subscriber) = self.subscribers.get_mut(&internal) else { return };
        subscriber.mappings = subscriber.mappings.saturating_sub(1);
        if subscriber.mappings == 0 {
            for block in subscriber.blocks.drain(..) {
                self.blocks.remove(&block);
            }
        }
    }

    fn make_forwards(&mut self) {
        for forward in self.params.forwards.clone() {
            let protocol = match forward.protocol {
                Protocol::Udp => UDP,
                Protocol::Tcp => TCP,
                Protocol::Icmp => continue,
            };
            let key = Key {
                local: address(forward.to.ip()),
                local_port: forward.to.port(),
                protocol,
                ..Key::default()
            };
            if self.externals.is_empty()
                || self.find(&key).is_some()
                || self.subscribe(key.local).is_err()
            {
                continue;
            }
            if let Ok(id) = self.insert(Ns::ZERO, key, (0, forward.port), false) {
                self.mapping_mut(id).permanent = true;
            }
        }
    }

    /// The static forward to an internal endpoint: what it sends leaves by the same port.
    pub(super) fn forward_from(&self, protocol: u8, internal: (u128, u16)) -> Option<u32> {
        if self.params.forwards.is_empty() {
            return None;
        }
        let key = Key { local: internal.0, local_port: internal.1, protocol, ..Key::default() };
        self.find(&key).filter(|&id| self.mapping(id).permanent)
    }

    /// What the filter remembers a remote endpoint under.
    pub(super) fn filter_key(&self, id: u32, remote: (u128, u16)) -> Key {
        let mapping = self.mapping(id);
        let remote = match self.behavior(mapping.key.protocol).1 {
            Filtering::AddressAndPortDependent => remote,
            _ => (remote.0, 0),
        };
        let (local, local_port) = match self.params.filter_scope {
            FilterScope::Endpoint => (mapping.key.local, mapping.key.local_port),
            FilterScope::Mapping => (u128::from(mapping.generation) << 32 | u128::from(id), 0),
        };
        Key {
            local,
            local_port,
            remote: remote.0,
            remote_port: remote.1,
            protocol: mapping.key.protocol,
        }
    }

    pub(super) fn note(
        &mut self,
        at: Ns,
        protocol: u8,
        internal: (u128, u16),
        external: (u128, u16),
        change: Change,
    ) {
        if !self.logging {
            return;
        }
        let protocol = if protocol == TCP { Protocol::Tcp } else { Protocol::Udp };
        let external = match external.0 {
            0 => SocketAddr::from(([0, 0, 0, 0], 0)),
            _ => socket(external),
        };
        self.log.push(Event { at, protocol, internal: socket(internal), external, change });
    }
}

pub(super) fn socket(endpoint: (u128, u16)) -> SocketAddr {
    SocketAddr::new(ip(endpoint.0), endpoint.1)
}

/// As much of a remote endpoint as a mapping depends on.
pub(super) fn masked(behavior: MappingBehavior, remote: (u128, u16)) -> (u128, u16) {
    match behavior {
        MappingBehavior::EndpointIndependent => (0, 0),
        MappingBehavior::AddressDependent => (remote.0, 0),
        MappingBehavior::AddressAndPortDependent => remote,
    }
}

/// Names an external endpoint, alone or together with a remote.
pub(super) fn outer_key(
    external: usize,
    protocol: u8,
    port: u16,
    remote: Option<(u128, u16)>,
) -> Key {
    let (remote, remote_port) = remote.unwrap_or_default();
    Key { local: external as u128, local_port: port, remote, remote_port, protocol }
}
