use super::record::Flow;
use crate::Ns;
use crate::link::Mtu;
use crate::nat::{FilterScope, Filtering};
use crate::packet::Malformed;

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Mappings of one internal address.
    PerSubscriber,
    /// Mappings in all.
    Mappings,
    /// New mappings in this second.
    NewPerSecond,
    /// Room in the element's tables.
    Memory,
}

/// Why a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drop {
    /// It is no packet.
    Malformed(Malformed),
    /// The segment knows no way to its destination.
    NoRoute,
    /// Nobody has its destination address on the segment it belongs to.
    NoSuchHost,
    /// Nobody else on the segment has joined the multicast group.
    NoMember,
    /// Client isolation.
    Isolated,
    /// A partition.
    Partitioned,
    /// It was forwarded too often.
    HopLimit,
    /// Its interface is joined to no segment now.
    Detached,
    /// The element restarts.
    Down,
    /// A NAT translates no such protocol or message.
    Untranslatable,
    /// A NAT translates no fragments.
    Fragment,
    /// A NAT does not forward this version of IP.
    FamilyNotForwarded,
    /// No mapping has that external address and port.
    NoMapping,
    /// The filter refuses the sender.
    Filtered {
        /// What it asks for.
        filtering: Filtering,
        /// What remembers.
        scope: FilterScope,
        /// Whether the sender was sent to once, too long ago.
        expired: bool,
    },
    /// The sender's address is blocked for an earlier offence.
    SourceBlocked,
    /// Its endpoints belong to a packet that came unsolicited earlier.
    Reserved,
    /// No hairpinning.
    HairpinOff,
    /// No external port is left.
    NoPort,
    /// No external address is left.
    NoAddress,
    /// A limit is reached.
    Limit(Limit),
    /// The protocol is blocked by an action.
    Blocked,
    /// A kill rule has begun.
    Killed,
    /// A firewall's rule of this number, from 0.
    Rule(u16),
    /// A firewall's default.
    Default,
    /// A link's loss.
    Lost,
    /// A link's queue is full.
    QueueFull {
        /// How long it would have waited.
        wait: Ns,
    },
    /// Longer than a link carries.
    TooBig(Mtu),
    /// The link is down.
    LinkDown,
    /// The host does not have its destination address.
    NotMine,
    /// Its checksum is wrong.
    BadChecksum,
    /// Nobody listens on its destination port.
    NoListener,
}

impl Drop {
    /// Why, in words, for a packet with these endpoints.
    pub fn words(&self, flow: &Flow) -> String {
        match self {
            Self::Malformed(why) => format!("malformed, failed to {why}"),
            Self::NoRoute => format!("no route to {}", flow.destination.ip()),
            Self::NoSuchHost => format!("nobody has {}", flow.destination.ip()),
            Self::NoMember => format!("nobody has joined {}", flow.destination.ip()),
            Self::Isolated => "client isolation".into(),
            Self::Partitioned => "partitioned".into(),
            Self::HopLimit => "hop limit exceeded".into(),
            Self::Detached => "interface not connected".into(),
            Self::Down => "restarting".into(),
            Self::Untranslatable => "no translation for this protocol".into(),
            Self::Fragment => "no translation for fragments".into(),
            Self::FamilyNotForwarded => "IP version not forwarded".into(),
            Self::NoMapping => format!("no mapping at {}", flow.destination),
            Self::Filtered { filtering, scope, expired } => {
                let remote = match filtering {
                    Filtering::AddressDependent => flow.source.ip().to_string(),
                    _ => flow.source.to_string(),
                };
                let when = if *expired { "not contacted lately" } else { "never contacted" };
                let by = match scope {
                    FilterScope::Mapping => "",
                    FilterScope::Endpoint => " by this endpoint",
                };
                format!("filtered, {}, {remote} {when}{by}", filtering.short())
            }
            Self::SourceBlocked => format!("source {} blocked", flow.source.ip()),
            Self::Reserved => format!("{} reserved by an unsolicited packet", flow.destination),
            Self::HairpinOff => "no hairpinning".into(),
            Self::NoPort => "no external port left".into(),
            Self::NoAddress => "no external address left".into(),
            Self::Limit(Limit::PerSubscriber) => "limit of mappings per subscriber".into(),
            Self::Limit(Limit::Mappings) => "limit of mappings".into(),
            Self::Limit(Limit::NewPerSecond) => "limit of new mappings per second".into(),
            Self::Limit(Limit::Memory) => "tables full".into(),
            Self::Blocked => "protocol blocked".into(),
            Self::Killed => "kill rule".into(),
            Self::Rule(number) => format!("rule {number}"),
            Self::Default => "default policy".into(),
            Self::Lost => "lost".into(),
            Self::QueueFull { wait } => format!("queue full, would wait {wait}"),
            Self::TooBig(mtu) if mtu.icmp => format!("too big for MTU {}", mtu.bytes),
            Self::TooBig(mtu) => format!("too big for MTU {}, silently", mtu.bytes),
            Self::LinkDown => "link down".into(),
            Self::NotMine => format!("not an address of this host: {}", flow.destination.ip()),
            Self::BadChecksum => "wrong checksum".into(),
            Self::NoListener => format!("nobody listens at {}", flow.destination),
        }
    }
}
