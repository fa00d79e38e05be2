use std::fmt;
use std::net::SocketAddr;

use super::cause::Drop;
use crate::Ns;
use crate::fabric::{ElementId, Protocol};
use crate::link::Direction;
use crate::packet::Head;

/// Names a packet for as long as it travels: who made it and its number there, from 1.
///
/// A copy made by a link keeps the name of its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId {
    /// The host, or the element that answered with an error.
    pub origin: ElementId,
    /// Its number among those of its origin.
    pub number: u32,
}

/// The endpoints of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The protocol; none: one that no rule can name.
    pub protocol: Option<Protocol>,
    /// Where it comes from; port 0 if the protocol has none.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
}

impl From<&Head> for Flow {
    fn from(head: &Head) -> Self {
        Self { protocol: head.protocol(), source: head.source(), destination: head.destination() }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.protocol.map_or("ip", Protocol::word);
        write!(f, "{protocol} {} > {}", self.source, self.destination)
    }
}

/// What became of a packet at one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// A host sent it, or an element answered with it.
    Sent,
    /// It passed unchanged.
    Forwarded,
    /// A link took it and hands it on at this time.
    Carried {
        /// When.
        until: Ns,
    },
    /// A link or a segment made a copy, which is handed on at this time.
    Copied {
        /// When.
        until: Ns,
    },
    /// A link damaged it and carries it on.
    Damaged,
    /// A NAT changed its endpoints.
    Translated {
        /// The endpoints from now on.
        to: Flow,
        /// Whether a mapping was made for it.
        new_mapping: bool,
        /// Whether it was sent back inside.
        hairpin: bool,
    },
    /// It reached a host.
    Delivered,
    /// It ended here.
    Dropped(Drop),
}

/// One packet at one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Ns,
    /// Which packet.
    pub packet: PacketId,
    /// Where.
    pub element: ElementId,
    /// Which way it went through a NAT, firewall or link.
    pub direction: Option<Direction>,
    /// Its endpoints when it came.
    pub flow: Flow,
    /// Bytes of IP packet.
    pub length: u16,
    /// What became of it.
    pub verdict: Verdict,
}

impl Record {
    /// What became of it, in words.
    pub fn words(&self) -> String {
        match &self.verdict {
            Verdict::Sent => format!("sent {}", self.flow),
            Verdict::Forwarded => "passed".into(),
            Verdict::Carried { until } => format!("arrives at {until}"),
            Verdict::Copied { until } => format!("a copy arrives at {until}"),
            Verdict::Damaged => "damaged".into(),
            Verdict::Translated { to, new_mapping, hairpin } => {
                let new = if *new_mapping { ", new mapping" } else { "" };
                let back = if *hairpin { ", hairpinned" } else { "" };
                let (was, is) = (&self.flow, to);
                if was.source == is.source {
                    format!("to {} = {}{new}{back}", was.destination, is.destination)
                } else {
                    format!("from {} = {}{new}{back}", was.source, is.source)
                }
            }
            Verdict::Delivered => format!("delivered to {}", self.flow.destination),
            Verdict::Dropped(why) => why.words(&self.flow),
        }
    }
}
