//! What is said about a box.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A NAT, as far as the traffic shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatSeen {
    /// Addresses behind it.
    pub inside: Vec<IpAddr>,
    /// Its own addresses.
    pub outside: Vec<IpAddr>,
    /// RFC 4787 §4.1.
    pub mapping: Trait<Behaviour>,
    /// RFC 4787 §5.
    pub filtering: Trait<Behaviour>,
    /// RFC 4787 §4.2.
    pub ports: Trait<Ports>,
    /// RFC 4787 §6.
    pub hairpin: Trait<Hairpin>,
    /// A mapping was still the same after this much silence.
    pub kept: Option<(Duration, Proof)>,
    /// A mapping was another after this much silence (RFC 4787 §4.3).
    pub replaced: Option<(Duration, Proof)>,
    /// Remote endpoints that mappings towards them were seen for.
    pub destinations: usize,
    /// Addresses those have.
    pub destination_addresses: usize,
    /// The mappings.
    pub mappings: Vec<Mapped>,
    /// Reflexive addresses that could not have worked towards the other side.
    pub unusable: Vec<Unusable>,
}

/// A mapping that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Inside endpoint.
    pub internal: SocketAddr,
    /// Outside endpoint.
    pub external: SocketAddr,
    /// Remote endpoint it was seen towards.
    pub remote: SocketAddr,
    /// The frame that shows it.
    pub number: u64,
}

/// A reflexive endpoint learnt from one remote endpoint, while the box used another towards the
/// peer: what was signalled could never receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Inside endpoint.
    pub internal: SocketAddr,
    /// What was learnt.
    pub learnt: SocketAddr,
    /// From whom.
    pub from: SocketAddr,
    /// What was in use.
    pub used: SocketAddr,
    /// Towards whom.
    pub towards: SocketAddr,
    /// The frame that shows it.
    pub number: u64,
}

/// Something about a box: what it may be, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trait<T> {
    /// What it can be; all of them where nothing was seen, one where it is known.
    pub may_be: Vec<T>,
    /// What shows it.
    pub proofs: Vec<Proof>,
    /// What was seen contradicts itself: the box changed, or there are several.
    pub varies: bool,
}

/// What traffic shows what a box does, for who wants to know.
pub mod shows {
    /// RFC 4787 §4.1.
    pub const MAPPING: &str =
        "one socket that sends to two addresses, and to two ports of one of them";
    /// RFC 4787 §5.
    pub const FILTERING: &str = "packets to an outside endpoint, from an address that nothing was \
        sent to and from another port of one that something was; what does not come in shows only \
        in a capture of both sides of the box";
    /// RFC 4787 §4.2.
    pub const PORTS: &str = "three sockets that send, one after the other";
    /// RFC 4787 §6.
    pub const HAIRPIN: &str = "a packet from inside to an outside endpoint of the box, whose owner \
        has sent to the sender's before";
    /// RFC 4787 §4.3.
    pub const LIFETIME: &str = "silence of more than a second, and then a packet from outside; that \
        it does not come in shows only in a capture of both sides of the box";
}

impl<T: Copy + PartialEq> Trait<T> {
    /// What it is, if the traffic leaves only one possibility.
    #[must_use]
    pub fn known(&self) -> Option<T> {
        match self.may_be[..] {
            [one] if !self.varies => Some(one),
            _ => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Trait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.varies {
            return f.write_str("varies");
        }
        if self.proofs.is_empty() {
            return f.write_str("unknown");
        }
        let words: Vec<String> = self.may_be.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(" or "))
    }
}

/// A fact and the frames that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What they show.
    pub words: String,
    /// Which frames.
    pub frames: Vec<u64>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames: Vec<String> = self.frames.iter().map(u64::to_string).collect();
        let plural = if frames.len() == 1 { "frame" } else { "frames" };
        write!(f, "{plural} {}: {}", frames.join(", "), self.words)
    }
}

/// Mapping or filtering behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Behaviour {
    /// The remote side plays no part.
    EndpointIndependent,
    /// The remote address does.
    AddressDependent,
    /// The remote address and port do.
    AddressAndPortDependent,
}

impl Behaviour {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::EndpointIndependent, Self::AddressDependent, Self::AddressAndPortDependent];
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
        })
    }
}

/// How external ports are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ports {
    /// The internal port.
    Preserved,
    /// One after the other.
    Sequential,
    /// Neither.
    Random,
}

impl Ports {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Preserved, Self::Sequential, Self::Random];
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preserved => "preserved",
            Self::Sequential => "sequential",
            Self::Random => "random",
        })
    }
}

/// What happens to packets from inside to an external address of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hairpin {
    /// They come to nothing.
    None,
    /// They are delivered with their internal source.
    Internal,
    /// They are delivered with their external source.
    External,
}

impl Hairpin {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Internal, Self::External];
}

impl fmt::Display for Hairpin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Internal => "internal source",
            Self::External => "external source",
        })
    }
}
