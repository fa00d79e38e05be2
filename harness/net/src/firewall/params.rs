use std::ops::RangeInclusive;

use crate::Ns;
use crate::fabric::Protocol;
use crate::link::Direction;
use crate::nat::{Filtering, Lifetimes, Refresh};
use crate::prefix::Prefix;

/// What happens to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It passes.
    #[default]
    Allow,
    /// It vanishes.
    Drop,
    /// Its sender gets ICMP "administratively prohibited", for TCP a reset.
    Reject,
}

crate::word::words!(Action, "action", { Allow = "allow", Drop = "drop", Reject = "reject" });

/// A rule; what it leaves open matches everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which way.
    pub direction: Direction,
    /// Which protocol.
    pub protocol: Option<Protocol>,
    /// Port on the far side: the destination's on the way out, the source's on the way in.
    pub remote_ports: Option<RangeInclusive<u16>>,
    /// Port on the near side.
    pub local_ports: Option<RangeInclusive<u16>>,
    /// Address on the far side.
    pub remote: Option<Prefix>,
    /// What happens.
    pub action: Action,
}

impl Rule {
    /// A rule for everything that goes that way.
    pub fn new(direction: Direction, action: Action) -> Self {
        Self {
            direction,
            protocol: None,
            remote_ports: None,
            local_ports: None,
            remote: None,
            action,
        }
    }

    /// The same for one protocol.
    #[must_use]
    pub fn protocol(self, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..self }
    }

    /// The same for one port on the far side.
    #[must_use]
    pub fn remote_port(self, port: u16) -> Self {
        Self { remote_ports: Some(port..=port), ..self }
    }

    /// The same for some addresses on the far side.
    #[must_use]
    pub fn remote(self, prefix: Prefix) -> Self {
        Self { remote: Some(prefix), ..self }
    }
}

/// When a kill rule begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillAfter {
    /// This long after the first packet it matched.
    Time(Ns),
    /// After this many packets it matched have passed.
    Packets(u64),
}

/// From some point on, what matches is dropped for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Which protocol; none: all.
    pub protocol: Option<Protocol>,
    /// From when.
    pub after: KillAfter,
}

/// What a firewall does. Out is away from what it protects.
///
/// A packet meets, in this order: blocks set while running, `kill`, `rules` (the first that matches
/// decides), `stateful` (for what comes in), `default_out` or `default_in`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Kill rules.
    pub kill: Vec<Kill>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Lets in only what answers what went out, by this filter. Without it each packet stands for
    /// itself.
    pub stateful: Option<Filtering>,
    /// How long `stateful` remembers.
    pub lifetimes: Lifetimes,
    /// What renews its memory.
    pub refresh: Refresh,
    /// What goes out otherwise.
    pub default_out: Action,
    /// What comes in otherwise; with `stateful`, what happens to packets its filter refuses
    /// (`allow` counts as `drop` there).
    pub default_in: Action,
}

impl Default for Params {
    /// Everything passes.
    fn default() -> Self {
        Self {
            kill: Vec::new(),
            rules: Vec::new(),
            stateful: None,
            lifetimes: Lifetimes::default(),
            refresh: Refresh::Both,
            default_out: Action::Allow,
            default_in: Action::Allow,
        }
    }
}

impl Params {
    /// A public address behind a stateful filter (cloud security group, RFC 6092 box).
    pub fn stateful(filtering: Filtering) -> Self {
        Self { stateful: Some(filtering), default_in: Action::Drop, ..Self::default() }
    }

    /// No UDP, neither way.
    pub fn udp_blocked() -> Self {
        let block = |direction| Rule::new(direction, Action::Drop).protocol(Protocol::Udp);
        Self { rules: Direction::ALL.map(block).into(), ..Self::default() }
    }

    /// Only TCP to these ports, and its answers.
    pub fn tcp_only(ports: &[u16]) -> Self {
        let allow = |&port: &u16| {
            Rule::new(Direction::Out, Action::Allow).protocol(Protocol::Tcp).remote_port(port)
        };
        Self {
            rules: ports.iter().map(allow).collect(),
            default_out: Action::Drop,
            ..Self::stateful(Filtering::AddressAndPortDependent)
        }
    }
}
