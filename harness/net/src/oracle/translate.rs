//! A NAT or firewall as the model sees it: tables without time, ports without numbers.
//!
//! Ports are names: a fresh mapping has a port that nothing else ever had, so no agent can guess
//! it. State never expires; a connection attempt is shorter than any lifetime.

use super::rng::Rng;
use crate::fabric::Protocol;
use crate::firewall::{self, Action};
use crate::link::Direction;
use crate::nat::{
    self, FilterScope, Filtering, Hairpin, Mapping, OnFiltered, Pooling, PortPolicy, ReplyBinding,
    Translation, Unsolicited, V6,
};

use super::topology::{Family, Kind};

/// A transport address: an address by its place in the network's list, a port by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ep {
    pub(super) ip: u16,
    pub(super) port: u16,
}

/// Where names of ports and other arbitrary choices come from.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) port: u16,
    pub(super) rng: Rng,
}

impl Fresh {
    pub(super) fn port(&mut self) -> u16 {
        self.port = self.port.wrapping_add(1);
        self.port
    }
}

/// Why a box did not let a packet through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// The protocol or family does not pass.
    Blocked,
    /// Its filter has no entry for the sender.
    Filtered,
    /// Nothing is mapped to the address it came to.
    Unmapped,
    /// It does not hairpin.
    NoHairpin,
    /// No port could be given to it.
    NoPort,
}

/// What a box does to one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    Translate,
    Filter(Option<Filtering>),
    Drop,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    mapping: Mapping,
    filtering: Filtering,
    scope: FilterScope,
    binding: ReplyBinding,
    hairpin: Hairpin,
    pooling: Pooling,
    ports: PortPolicy,
    one_to_one: bool,
    reserve: bool,
    on_filtered: OnFiltered,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    internal: Ep,
    key: Ep,
    external: Ep,
}

/// One box with its state.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) inside: usize,
    pub(super) outside: usize,
    rules: Rules,
    v4: Treatment,
    v6: Treatment,
    firewall: Option<firewall::Params>,
    /// External addresses: the first and how many.
    first: u16,
    count: u16,
    entries: Vec<Entry>,
    /// (mapping's external or internal endpoint, remote as far as the filter looks).
    seen: Vec<(Ep, Ep)>,
    /// (internal, remote, external): sessions whose mapping the behaviour alone does not give.
    bound: Vec<(Ep, Ep, Ep)>,
    /// (external, remote) that unsolicited packets have taken.
    reserved: Vec<(Ep, Ep)>,
    /// (internal address, external address).
    paired: Vec<(u16, u16)>,
    blocked: Vec<u16>,
    turn: u16,
}

const fn masked(filtering: Filtering, remote: Ep) -> Ep {
    match filtering {
        Filtering::EndpointIndependent => Ep { ip: 0, port: 0 },
        Filtering::AddressDependent => Ep { ip: remote.ip, port: 0 },
        Filtering::AddressAndPortDependent => remote,
    }
}

const fn key(mapping: Mapping, remote: Ep) -> Ep {
    match mapping {
        Mapping::EndpointIndependent => Ep { ip: 0, port: 0 },
        Mapping::AddressDependent => Ep { ip: remote.ip, port: 0 },
        Mapping::AddressAndPortDependent => remote,
    }
}

fn note<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl Rules {
    fn of(params: &nat::Params) -> Self {
        let mapping = match params.ports.policy {
            // One external port for all remotes: what is outside can't tell it from EIM, and the
            // filter of each session is its own.
            PortPolicy::PreserveOverload => Mapping::EndpointIndependent,
            _ if params.translation == Translation::OneToOne => Mapping::EndpointIndependent,
            _ => params.mapping,
        };
        Self {
            mapping,
            filtering: params.filtering,
            scope: params.filter_scope,
            binding: params.reply_binding,
            hairpin: params.hairpin,
            pooling: params.pooling,
            ports: params.ports.policy,
            one_to_one: params.translation == Translation::OneToOne,
            reserve: params.unsolicited == Unsolicited::Reserve,
            on_filtered: params.on_filtered,
        }
    }
}

impl Gate {
    /// A box between two nodes, its external addresses yet to be given.
    pub(super) fn new(kind: &Kind, inside: usize, outside: usize) -> Self {
        let (rules, v4, v6, firewall, count) = match kind {
            Kind::Nat(params) => {
                let v6 = match params.v6 {
                    V6::Drop => Treatment::Drop,
                    V6::Forward => Treatment::Filter(None),
                    V6::Firewall(filtering) => Treatment::Filter(Some(filtering)),
                };
                let count = u16::try_from(params.addresses.clamp(1, 64)).unwrap_or(1);
                (Rules::of(params), Treatment::Translate, v6, None, count)
            }
            Kind::Firewall(params) => {
                let filter = Treatment::Filter(params.stateful);
                let unused = Rules::of(&nat::Params::default());
                (unused, filter, filter, Some(params.clone()), 0)
            }
        };
        Self {
            inside,
            outside,
            rules,
            v4,
            v6,
            firewall,
            first: 0,
            count,
            entries: Vec::new(),
            seen: Vec::new(),
            bound: Vec::new(),
            reserved: Vec::new(),
            paired: Vec::new(),
            blocked: Vec::new(),
            turn: 0,
        }
    }

    /// How many external addresses it needs.
    pub(super) fn addresses(&self) -> u16 {
        self.count
    }

    pub(super) fn set_first_address(&mut self, first: u16) {
        self.first = first;
    }

    /// Whether addresses of that family inside are hidden from the outside.
    pub(super) fn hides(&self, family: Family) -> bool {
        self.treatment(family) == Treatment::Translate
    }

    fn treatment(&self, family: Family) -> Treatment {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.entries.clear();
        self.seen.clear();
        self.bound.clear();
        self.reserved.clear();
        self.paired.clear();
        self.blocked.clear();
        self.turn = 0;
    }

    /// Whether a TCP connection to that port of a server passes.
    pub(super) fn passes_tcp(&self, family: Family, port: u16) -> bool {
        let Some(firewall) = &self.firewall else {
            return self.treatment(family) != Treatment::Drop;
        };
        let answers = match ruled(firewall, Direction::In, Protocol::Tcp, Some(port)) {
            Some(action) => action,
            None if firewall.stateful.is_some() => Action::Allow,
            None => firewall.default_in,
        };
        let out = ruled(firewall, Direction::Out, Protocol::Tcp, Some(port));
        out.unwrap_or(firewall.default_out) == Action::Allow && answers == Action::Allow
    }

    /// A UDP packet on its way out; the source it has outside. `port`: the remote port where it
    /// is known.
    pub(super) fn outbound(
        &mut self,
        family: Family,
        internal: Ep,
        remote: Ep,
        port: Option<u16>,
        fresh: &mut Fresh,
    ) -> Result<Ep, Refusal> {
        match self.treatment(family) {
            Treatment::Drop => Err(Refusal::Blocked),
            Treatment::Translate => self.translate_out(internal, remote, fresh),
            Treatment::Filter(stateful) => {
                if let Some(firewall) = &self.firewall
                    && ruled(firewall, Direction::Out, Protocol::Udp, port)
                        .unwrap_or(firewall.default_out)
                        != Action::Allow
                {
                    return Err(Refusal::Blocked);
                }
                if let Some(filtering) = stateful {
                    note(&mut self.seen, (internal, masked(filtering, remote)));
                }
                Ok(internal)
            }
        }
    }

    /// A UDP packet on its way in; the destination it has inside.
    pub(super) fn inbound(
        &mut self,
        family: Family,
        to: Ep,
        remote: Ep,
        port: Option<u16>,
    ) -> Result<Ep, Refusal> {
        match self.treatment(family) {
            Treatment::Drop => Err(Refusal::Blocked),
            Treatment::Translate => self.translate_in(to, remote),
            Treatment::Filter(stateful) => {
                let ruled = self
                    .firewall
                    .as_ref()
                    .and_then(|firewall| ruled(firewall, Direction::In, Protocol::Udp, port));
                match (ruled, stateful, &self.firewall) {
                    (Some(Action::Allow), ..) => Ok(to),
                    (Some(_), ..) => Err(Refusal::Blocked),
                    (None, Some(filtering), _) => {
                        let known = self.seen.contains(&(to, masked(filtering, remote)));
                        if known { Ok(to) } else { Err(Refusal::Filtered) }
                    }
                    (None, None, Some(firewall)) if firewall.default_in != Action::Allow => {
                        Err(Refusal::Blocked)
                    }
                    (None, None, _) => Ok(to),
                }
            }
        }
    }

    /// A packet from inside to one of this box's own external addresses: the source it has then.
    pub(super) fn hairpin(
        &mut self,
        internal: Ep,
        remote: Ep,
        fresh: &mut Fresh,
    ) -> Result<Ep, Refusal> {
        match self.rules.hairpin {
            Hairpin::None => Err(Refusal::NoHairpin),
            Hairpin::Internal => Ok(internal),
            Hairpin::External => self.translate_out(internal, remote, fresh),
        }
    }

    fn translate_out(
        &mut self,
        internal: Ep,
        remote: Ep,
        fresh: &mut Fresh,
    ) -> Result<Ep, Refusal> {
        let external = self.mapping(internal, remote, fresh).ok_or(Refusal::NoPort)?;
        if self.rules.filtering != Filtering::EndpointIndependent {
            let holder = self.holder(internal, external);
            note(&mut self.seen, (holder, masked(self.rules.filtering, remote)));
        }
        if self.rules.binding != ReplyBinding::None && self.binding(internal, remote).is_none() {
            self.bound.push((internal, remote, external));
        }
        Ok(external)
    }

    fn holder(&self, internal: Ep, external: Ep) -> Ep {
        match self.rules.scope {
            FilterScope::Mapping => external,
            FilterScope::Endpoint => internal,
        }
    }

    fn binding(&self, internal: Ep, remote: Ep) -> Option<usize> {
        self.bound.iter().position(|&(i, r, _)| i == internal && r == remote)
    }

    fn mapping(&mut self, internal: Ep, remote: Ep, fresh: &mut Fresh) -> Option<Ep> {
        if let Some(index) = self.binding(internal, remote) {
            return Some(self.bound[index].2);
        }
        let key = key(self.rules.mapping, remote);
        let known = self.entries.iter().find(|e| e.internal == internal && e.key == key);
        let external = match known {
            Some(entry) => entry.external,
            None => self.create(internal, key, fresh)?,
        };
        if self.rules.reserve && self.reserved.contains(&(external, remote)) {
            // Connection tracking holds (remote, external) for the unsolicited packet, so this
            // session can't have that port: it gets one for itself.
            if self.rules.ports == PortPolicy::PreserveOrDrop {
                return None;
            }
            let port = fresh.port();
            let external = Ep { ip: external.ip, port };
            self.entries.push(Entry { internal, key: remote, external });
            self.bound.push((internal, remote, external));
            return Some(external);
        }
        Some(external)
    }

    fn create(&mut self, internal: Ep, key: Ep, fresh: &mut Fresh) -> Option<Ep> {
        let ip = self.external_address(internal.ip, fresh);
        let preserved = Ep { ip, port: internal.port };
        let taken = self.entries.iter().any(|e| e.external == preserved);
        let external = match self.rules.ports {
            _ if self.rules.one_to_one => preserved,
            PortPolicy::PreserveOrDrop if taken => return None,
            PortPolicy::PreserveOrDrop => preserved,
            PortPolicy::Preserve | PortPolicy::PreserveOverload if !taken => preserved,
            PortPolicy::PreserveOverride => {
                self.end(preserved);
                preserved
            }
            _ => Ep { ip, port: fresh.port() },
        };
        self.entries.push(Entry { internal, key, external });
        Some(external)
    }

    /// Ends a mapping and what hangs on it.
    fn end(&mut self, external: Ep) {
        self.entries.retain(|e| e.external != external);
        self.seen.retain(|(holder, _)| *holder != external);
        self.bound.retain(|(_, _, e)| *e != external);
    }

    fn external_address(&mut self, internal: u16, fresh: &mut Fresh) -> u16 {
        if self.count == 1 {
            return self.first;
        }
        let count = u32::from(self.count);
        let known = self.paired.iter().find(|(i, _)| *i == internal).map(|(_, e)| *e);
        match (self.rules.pooling, known) {
            (Pooling::Paired, Some(external)) => external,
            (_, Some(external)) if self.rules.one_to_one => external,
            _ => {
                // Round-robin too: whose turn it is depends on what else the box maps.
                let chosen = if self.rules.one_to_one {
                    self.turn = (self.turn + 1) % self.count;
                    self.turn
                } else {
                    u16::try_from(fresh.rng.below(count)).unwrap_or(0)
                };
                note(&mut self.paired, (internal, self.first + chosen));
                self.first + chosen
            }
        }
    }

    fn translate_in(&mut self, external: Ep, remote: Ep) -> Result<Ep, Refusal> {
        let Some(entry) = self.entries.iter().find(|e| e.external == external).copied() else {
            return Err(self.refuse(external, remote, Refusal::Unmapped));
        };
        if self.blocked.contains(&remote.ip) {
            return Err(Refusal::Filtered);
        }
        let filtering = self.rules.filtering;
        let holder = self.holder(entry.internal, external);
        // Connection tracking goes on taking what it took for itself, whatever opened since.
        let taken = self.reserved.contains(&(external, remote));
        let known = filtering == Filtering::EndpointIndependent
            || self.seen.contains(&(holder, masked(filtering, remote)));
        if taken || !known {
            return Err(self.refuse(external, remote, Refusal::Filtered));
        }
        match (self.rules.binding, self.binding(entry.internal, remote)) {
            (ReplyBinding::None, _) | (ReplyBinding::First, Some(_)) => {}
            (ReplyBinding::Latest, Some(index)) => self.bound[index].2 = external,
            (_, None) => self.bound.push((entry.internal, remote, external)),
        }
        Ok(entry.internal)
    }

    fn refuse(&mut self, external: Ep, remote: Ep, refusal: Refusal) -> Refusal {
        if self.rules.reserve {
            note(&mut self.reserved, (external, remote));
        }
        match self.rules.on_filtered {
            OnFiltered::Nothing => {}
            OnFiltered::KillMapping => self.end(external),
            OnFiltered::BlockSource => note(&mut self.blocked, remote.ip),
        }
        refusal
    }
}

/// What the first rule that matches says. Rules about certain addresses, and rules about ports
/// that the model does not know, match nothing.
fn ruled(
    params: &firewall::Params,
    direction: Direction,
    protocol: Protocol,
    remote_port: Option<u16>,
) -> Option<Action> {
    let matches = |rule: &&firewall::Rule| {
        rule.direction == direction
            && rule.protocol.is_none_or(|p| p == protocol)
            && rule
                .remote_ports
                .as_ref()
                .is_none_or(|range| remote_port.is_some_and(|port| range.contains(&port)))
            && rule.local_ports.is_none()
            && rule.remote.is_none()
    };
    params.rules.iter().find(matches).map(|rule| rule.action)
}
