use std::net::SocketAddr;
use std::ops::RangeInclusive;

use crate::Ns;
use crate::fabric::Protocol;
use crate::word::words;

/// When two sessions of one internal endpoint share a mapping (RFC 4787 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// Always (EIM).
    #[default]
    EndpointIndependent,
    /// When they go to the same remote address (ADM).
    AddressDependent,
    /// When they go to the same remote address and port (APDM).
    AddressAndPortDependent,
}

words!(Mapping, "mapping", {
    EndpointIndependent = "endpoint-independent" | "EIM",
    AddressDependent = "address-dependent" | "ADM",
    AddressAndPortDependent = "address-and-port-dependent" | "APDM",
});

/// Whose packets a mapping lets in (RFC 4787 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filtering {
    /// Everybody's (EIF).
    EndpointIndependent,
    /// Those of remote addresses that were sent to (ADF).
    AddressDependent,
    /// Those of remote addresses and ports that were sent to (APDF).
    #[default]
    AddressAndPortDependent,
}

words!(Filtering, "filtering", {
    EndpointIndependent = "endpoint-independent" | "EIF",
    AddressDependent = "address-dependent" | "ADF",
    AddressAndPortDependent = "address-and-port-dependent" | "APDF",
});

impl Mapping {
    /// EIM, ADM or APDM.
    pub const fn short(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "EIM",
            Self::AddressDependent => "ADM",
            Self::AddressAndPortDependent => "APDM",
        }
    }
}

impl Filtering {
    /// EIF, ADF or APDF.
    pub const fn short(self) -> &'static str {
        match self {
            Self::EndpointIndependent => "EIF",
            Self::AddressDependent => "ADF",
            Self::AddressAndPortDependent => "APDF",
        }
    }
}

/// What remembers whom was sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FilterScope {
    /// Each mapping for itself, as nearly every box does.
    #[default]
    Mapping,
    /// The internal endpoint, for all its mappings together (RFC 4787 §5 to the letter).
    Endpoint,
}

words!(FilterScope, "filter-scope", { Mapping = "mapping", Endpoint = "endpoint" });

/// Whether a packet let in decides which mapping answers to its sender use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyBinding {
    /// No: answers use the mapping that the mapping behaviour says.
    #[default]
    None,
    /// The first packet between two endpoints, in or out, binds them to its mapping.
    First,
    /// Each packet let in binds its sender anew, as connection tracking with port forwards does.
    Latest,
}

words!(ReplyBinding, "reply-binding", { None = "none", First = "first", Latest = "latest" });

/// How external ports are chosen (RFC 4787 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortPolicy {
    /// The internal port if it is free, else a random one.
    #[default]
    Preserve,
    /// The internal port or no mapping.
    PreserveOrDrop,
    /// The internal port even if another mapping has it, as long as the remote tells them apart;
    /// else a random one. RFC 4787 REQ-3 forbids it; Linux does it.
    PreserveOverload,
    /// The internal port, taken from whoever has it.
    PreserveOverride,
    /// The last one given plus a step.
    Sequential {
        /// The step.
        delta: u16,
    },
    /// Any free one.
    Random,
    /// A random one of a block that belongs to the subscriber (RFC 6888 §4, RFC 7422).
    Block {
        /// Ports per block.
        size: u16,
    },
}

/// External ports: which and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// How one is chosen.
    pub policy: PortPolicy,
    /// Those there are.
    pub range: RangeInclusive<u16>,
    /// External port even or odd as the internal one is (RFC 4787 REQ-4).
    pub parity: bool,
    /// How long a released port stays unused (RFC 6888 REQ-8 asks for 120 s).
    pub hold_down: Ns,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            policy: PortPolicy::Preserve,
            range: 1024..=65535,
            parity: false,
            hold_down: Ns::ZERO,
        }
    }
}

/// Which of several external addresses a mapping gets (RFC 4787 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pooling {
    /// All mappings of an internal address have the same one.
    #[default]
    Paired,
    /// Any.
    Arbitrary,
    /// Each new mapping the next.
    RoundRobin,
}

words!(Pooling, "pooling", {
    Paired = "paired",
    Arbitrary = "arbitrary",
    RoundRobin = "round-robin",
});

/// What happens between two hosts on the inside that use external addresses (RFC 4787 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hairpin {
    /// Nothing: such packets are dropped.
    #[default]
    None,
    /// They arrive with the sender's internal address.
    Internal,
    /// They arrive with the sender's external address, as RFC 4787 REQ-9 asks.
    External,
}

words!(Hairpin, "hairpin", { None = "none", Internal = "internal", External = "external" });

/// Which packets that pass restart a mapping's timer (RFC 4787 §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refresh {
    /// Those going out.
    #[default]
    Outbound,
    /// Those coming in.
    Inbound,
    /// All.
    Both,
    /// None: a mapping lives its time and ends.
    None,
}

words!(Refresh, "refresh", {
    Outbound = "outbound",
    Inbound = "inbound",
    Both = "both",
    None = "none",
});

/// What a packet to an external address gets when no mapping lets it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsolicited {
    /// Silence.
    #[default]
    Drop,
    /// ICMP port unreachable, for TCP a reset.
    Reject,
    /// Silence, but its two endpoints count as taken: what goes out between them later gets
    /// another port (connection tracking's clash on a router that accepts input).
    Reserve,
}

words!(Unsolicited, "unsolicited", { Drop = "drop", Reject = "reject", Reserve = "reserve" });

/// What else happens when the filter refuses a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnFiltered {
    /// Nothing.
    #[default]
    Nothing,
    /// The mapping it was sent to ends.
    KillMapping,
    /// Nothing of that remote address comes in any more.
    BlockSource,
}

words!(OnFiltered, "on-filtered", {
    Nothing = "nothing",
    KillMapping = "kill-mapping",
    BlockSource = "block-source",
});

/// What a sender gets when no port or state is left for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exhaustion {
    /// Silence.
    #[default]
    Drop,
    /// ICMP host unreachable (RFC 6888 REQ-11; RFC 5508 REQ-8 has another code for it).
    Reject,
    /// The mapping that was idle longest makes room.
    EvictOldest,
}

words!(Exhaustion, "exhaustion", {
    Drop = "drop",
    Reject = "reject",
    EvictOldest = "evict-oldest",
});

/// How long state lives without the packets that refresh it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A UDP mapping that has been answered.
    pub udp: Ns,
    /// A UDP mapping that nothing came in through yet; none: as `udp`.
    pub unreplied: Option<Ns>,
    /// A filter's memory of one remote; none: as long as the mapping's timer.
    pub filter: Option<Ns>,
    /// A TCP mapping with an established connection.
    pub tcp: Ns,
    /// A TCP mapping whose connections are all being opened or closed.
    pub tcp_transitory: Ns,
}

impl Default for Lifetimes {
    /// RFC 4787 REQ-5's recommendation and RFC 5382 REQ-5's minima.
    fn default() -> Self {
        Self {
            udp: Ns::secs(300),
            unreplied: None,
            filter: None,
            tcp: Ns::secs(7440),
            tcp_transitory: Ns::secs(240),
        }
    }
}

/// How much there is for how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Mappings of one internal address.
    pub per_subscriber: Option<u32>,
    /// Mappings in all.
    pub mappings: Option<u32>,
    /// New mappings in any one second of the run.
    pub new_per_second: Option<u32>,
}

/// What is done to addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Translation {
    /// Many internal endpoints share external addresses (NAPT).
    #[default]
    Ports,
    /// Each internal address has an external one for itself and ports stay ("1:1").
    OneToOne,
}

words!(Translation, "translation", { Ports = "ports", OneToOne = "one-to-one" });

/// Behaviour towards TCP where it differs from UDP's (RFC 5382).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpBehavior {
    /// Mapping.
    pub mapping: Mapping,
    /// Filtering.
    pub filtering: Filtering,
}

/// What happens to IPv6, which is routed and never translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum V6 {
    /// Dropped: an IPv4-only box.
    #[default]
    Drop,
    /// Forwarded both ways.
    Forward,
    /// Forwarded outwards, let in by a filter (RFC 6092).
    Firewall(Filtering),
}

/// An external port that always leads to one internal endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The port of the first external address.
    pub port: u16,
    /// Where it leads.
    pub to: SocketAddr,
}

/// Everything a NAT's behaviour depends on. The default is RFC 4787's best NAT with the filter most
/// boxes have: EIM, APDF, ports preserved, 300 s, refreshed from the inside, no hairpinning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// Mapping behaviour of UDP, and of TCP unless `tcp` says otherwise.
    pub mapping: Mapping,
    /// Filtering behaviour of UDP, and of TCP unless `tcp` says otherwise.
    pub filtering: Filtering,
    /// What remembers whom was sent to.
    pub filter_scope: FilterScope,
    /// Whether packets let in choose the mapping of their answers.
    pub reply_binding: ReplyBinding,
    /// TCP, where it differs.
    pub tcp: Option<TcpBehavior>,
    /// Addresses and ports, or addresses only.
    pub translation: Translation,
    /// External ports.
    pub ports: Ports,
    /// How many external addresses there are (at least 1).
    pub addresses: usize,
    /// Which of them a mapping gets.
    pub pooling: Pooling,
    /// Packets from inside to an external address.
    pub hairpin: Hairpin,
    /// Timers.
    pub lifetimes: Lifetimes,
    /// What restarts them.
    pub refresh: Refresh,
    /// Whether packets the filter refuses restart a mapping's timer too, if packets coming in do.
    pub refresh_by_filtered: bool,
    /// Answer to packets that nothing lets in.
    pub unsolicited: Unsolicited,
    /// What else a refused packet does.
    pub on_filtered: OnFiltered,
    /// RFC 4787 REQ-11 violated: endpoint-independent only until the preserved port is taken, from
    /// then on address-and-port-dependent for the endpoint that came late.
    pub changes_on_conflict: bool,
    /// Limits.
    pub limits: Limits,
    /// What happens at a limit, or when ports run out.
    pub exhaustion: Exhaustion,
    /// Static port forwards.
    pub forwards: Vec<Forward>,
    /// IPv6.
    pub v6: V6,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            mapping: Mapping::default(),
            filtering: Filtering::default(),
            filter_scope: FilterScope::default(),
            reply_binding: ReplyBinding::default(),
            tcp: None,
            translation: Translation::default(),
            ports: Ports::default(),
            addresses: 1,
            pooling: Pooling::default(),
            hairpin: Hairpin::default(),
            lifetimes: Lifetimes::default(),
            refresh: Refresh::default(),
            refresh_by_filtered: false,
            unsolicited: Unsolicited::default(),
            on_filtered: OnFiltered::default(),
            changes_on_conflict: false,
            limits: Limits::default(),
            exhaustion: Exhaustion::default(),
            forwards: Vec::new(),
            v6: V6::default(),
        }
    }
}

impl Params {
    /// A NAT of this mapping and filtering, all else by default.
    pub fn new(mapping: Mapping, filtering: Filtering) -> Self {
        Self { mapping, filtering, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_long_and_short_and_printed_long() {
        for mapping in Mapping::ALL {
            assert_eq!(mapping.word().parse(), Ok(*mapping));
            assert_eq!(mapping.short().parse(), Ok(*mapping));
        }
        assert_eq!(Filtering::AddressDependent.to_string(), "address-dependent");
        let error = "cone".parse::<Filtering>().unwrap_err();
        assert!(error.to_string().contains("address-and-port-dependent"), "{error}");
    }
}
