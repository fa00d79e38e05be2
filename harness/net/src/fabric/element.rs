use std::fmt;

use crate::word::words;

/// Anything a packet can meet, by order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub(crate) u32);

/// Where an element is joined to a segment: a host's interface or one side of a NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub(crate) u32);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            pub(crate) element: ElementId,
            pub(crate) index: u32,
        }

        impl $name {
            /// It as an element among others.
            pub const fn element(self) -> ElementId {
                self.element
            }

            pub(crate) const fn index(self) -> usize {
                self.index as usize
            }
        }

        impl From<$name> for ElementId {
            fn from(id: $name) -> Self {
                id.element
            }
        }
    )+};
}

ids! {
    /// A segment.
    SegmentId,
    /// A NAT.
    NatId,
    /// A firewall.
    FirewallId,
    /// A link.
    LinkId,
    /// A host.
    HostId,
}

/// Transport protocols that rules and forwards name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// ICMP, for IPv6 its own version.
    Icmp,
}

words!(Protocol, "protocol", { Udp = "udp", Tcp = "tcp", Icmp = "icmp" });

impl PortId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ElementId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What kind of element a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Segment,
    Nat,
    Firewall,
    Link,
    Host,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Segment => "net.",
            Self::Nat => "nat.",
            Self::Firewall => "firewall.",
            Self::Link => "link.",
            Self::Host => "",
        }
    }
}

/// An element's name and what its random decisions depend on.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// Hash of the name, so that the order of creation changes nothing.
    pub(crate) key: u64,
}

impl Element {
    pub(crate) fn new(kind: Kind, name: &str) -> Self {
        let name = format!("{}{name}", kind.prefix());
        let key = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self { name, key }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
