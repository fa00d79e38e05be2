use super::params::{Action, Kill, KillAfter, Params, Rule};
use crate::Ns;
use crate::fabric::Protocol;
use crate::link::Direction;
use crate::nat::{Contact, FilterScope, Filtering, Filters, Memory};
use crate::observe::Drop;
use crate::packet::{Head, ip};
use crate::table::Key;

/// A firewall at work.
#[derive(Debug)]
pub(crate) struct Gate {
    params: Params,
    filters: Filters,
    kills: Vec<Killing>,
    pub(crate) blocks: Blocks,
}

/// How far a kill rule has come.
#[derive(Clone, Copy, Debug)]
struct Killing {
    rule: Kill,
    first: Option<Ns>,
    passed: u64,
}

/// Protocols that actions have blocked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blocks {
    all: bool,
    udp: bool,
    tcp: bool,
    icmp: bool,
}

/// A packet that does not pass, and whether its sender hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) why: Drop,
    pub(crate) reject: bool,
}

impl Denial {
    fn silent(why: Drop) -> Self {
        Self { why, reject: false }
    }
}

impl Blocks {
    pub(crate) fn set(&mut self, protocol: Option<Protocol>, on: bool) {
        match protocol {
            None => *self = Self { all: on, udp: on, tcp: on, icmp: on },
            Some(Protocol::Udp) => self.udp = on,
            Some(Protocol::Tcp) => self.tcp = on,
            Some(Protocol::Icmp) => self.icmp = on,
        }
    }

    pub(crate) fn has(&self, protocol: Option<Protocol>) -> bool {
        match protocol {
            None => self.all,
            Some(Protocol::Udp) => self.udp,
            Some(Protocol::Tcp) => self.tcp,
            Some(Protocol::Icmp) => self.icmp,
        }
    }
}

impl Gate {
    pub(crate) fn new(params: Params) -> Self {
        let kills = params.kill.iter().map(|&rule| Killing { rule, first: None, passed: 0 });
        Self {
            kills: kills.collect(),
            filters: Filters::default(),
            blocks: Blocks::default(),
            params,
        }
    }

    /// Other rules from now on; what the filter remembers stays.
    pub(crate) fn replace(&mut self, params: Params) {
        let Self { filters, blocks, .. } = std::mem::replace(self, Self::new(params));
        self.filters = filters;
        self.blocks = blocks;
    }

    /// Forgets whom was sent to.
    pub(crate) fn forget(&mut self) {
        self.filters.clear();
    }

    /// Whether a packet passes.
    pub(crate) fn judge(&mut self, now: Ns, way: Direction, head: &Head) -> Result<(), Denial> {
        let protocol = head.protocol();
        if self.blocks.has(protocol) {
            return Err(Denial::silent(Drop::Blocked));
        }
        self.kill(now, protocol)?;
        let verdict = match self.rule(way, head) {
            Some((number, action)) => decide(action, Drop::Rule(number)),
            None if way == Direction::Out => decide(self.params.default_out, Drop::Default),
            None => self.default_in(now, head),
        };
        verdict?;
        self.note(now, way, head);
        Ok(())
    }

    fn kill(&mut self, now: Ns, protocol: Option<Protocol>) -> Result<(), Denial> {
        let matching =
            self.kills.iter_mut().filter(|k| k.rule.protocol.is_none_or(|p| protocol == Some(p)));
        for killing in matching {
            let first = *killing.first.get_or_insert(now);
            let begun = match killing.rule.after {
                KillAfter::Time(span) => now >= first + span,
                KillAfter::Packets(count) => killing.passed >= count,
            };
            if begun {
                return Err(Denial::silent(Drop::Killed));
            }
            killing.passed += 1;
        }
        Ok(())
    }

    fn rule(&self, way: Direction, head: &Head) -> Option<(u16, Action)> {
        let found = self.params.rules.iter().position(|rule| matches(rule, way, head))?;
        Some((found as u16, self.params.rules[found].action))
    }

    fn default_in(&mut self, now: Ns, head: &Head) -> Result<(), Denial> {
        let Some(filtering) = self.params.stateful else {
            return decide(self.params.default_in, Drop::Default);
        };
        // Errors about what went out are let in without asking which packet they quote.
        if head.is_icmp() {
            return Ok(());
        }
        let contact =
            self.filters.contact(now, &key(filtering, Direction::In, head), self.memory());
        let expired = match contact {
            Contact::Lately => return Ok(()),
            Contact::TooLongAgo => true,
            Contact::Never => false,
        };
        let why = Drop::Filtered { filtering, scope: FilterScope::Endpoint, expired };
        Err(Denial { why, reject: self.params.default_in == Action::Reject })
    }

    /// Remembers what passed.
    fn note(&mut self, now: Ns, way: Direction, head: &Head) {
        let Some(filtering) = self.params.stateful else { return };
        if head.is_icmp() {
            return;
        }
        let key = key(filtering, way, head);
        match way {
            Direction::In => self.filters.received(now, &key, self.params.refresh),
            Direction::Out => {
                let (lifetimes, refresh) = (&self.params.lifetimes, self.params.refresh);
                let memory = Memory { lifetimes, refresh, established: true };
                // Without room the answer is refused, which is what full boxes do.
                let _ = self.filters.sent(now, key, memory);
            }
        }
    }

    fn memory(&self) -> Memory<'_> {
        Memory {
            lifetimes: &self.params.lifetimes,
            refresh: self.params.refresh,
            established: true,
        }
    }
}

fn decide(action: Action, why: Drop) -> Result<(), Denial> {
    match action {
        Action::Allow => Ok(()),
        Action::Drop => Err(Denial { why, reject: false }),
        Action::Reject => Err(Denial { why, reject: true }),
    }
}

fn matches(rule: &Rule, way: Direction, head: &Head) -> bool {
    let (local_port, remote, remote_port) = match way {
        Direction::Out => (head.src_port, head.dst, head.dst_port),
        Direction::In => (head.dst_port, head.src, head.src_port),
    };
    rule.direction == way
        && rule.protocol.is_none_or(|protocol| head.protocol() == Some(protocol))
        && rule.remote_ports.as_ref().is_none_or(|ports| ports.contains(&remote_port))
        && rule.local_ports.as_ref().is_none_or(|ports| ports.contains(&local_port))
        && rule.remote.is_none_or(|prefix| prefix.contains(ip(remote)))
}

fn key(filtering: Filtering, way: Direction, head: &Head) -> Key {
    let here = (head.src, head.src_port);
    let there = (head.dst, head.dst_port);
    let (local, remote) = if way == Direction::Out { (here, there) } else { (there, here) };
    // RFC 4787 §5: the endpoint-independent filter opens when its endpoint sends, to anybody.
    let (remote, remote_port) = match filtering {
        Filtering::EndpointIndependent => (0, 0),
        Filtering::AddressDependent => (remote.0, 0),
        Filtering::AddressAndPortDependent => remote,
    };
    Key { local: local.0, local_port: local.1, remote, remote_port, protocol: head.protocol }
}
