//! What a gatherer tells and hands out.

use std::net::{IpAddr, SocketAddr};

use crate::ice::candidate::LocalCandidate;
use crate::io::Transmit;
use crate::stun::Outgoing;
use crate::turn::PermissionState;

/// What a gatherer reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatherEvent {
    /// A new candidate.
    Candidate(LocalCandidate),
    /// Every server has answered or failed.
    Complete,
    /// A server yielded nothing.
    Error {
        /// Its URI.
        url: String,
        /// STUN error code, or 701 when it could not be reached.
        code: u16,
        /// The server's phrase, or ours.
        reason: String,
    },
    /// The TURN server of a relayed base answered about a permission.
    Permission {
        /// The relayed address.
        base: SocketAddr,
        /// The peer's address.
        ip: IpAddr,
        /// Granted or refused.
        state: PermissionState,
    },
    /// A base is gone: its interface, or its allocation.
    Lost {
        /// The base.
        base: SocketAddr,
    },
}

/// What [`Gatherer::poll`](super::Gatherer::poll) yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatherOutput {
    /// For the network, as it is.
    Transmit(Transmit),
    /// A STUN message that waits to be given to [`Gatherer::forward`](super::Gatherer::forward).
    Stun(Outgoing),
    /// Something to know.
    Event(GatherEvent),
}

/// A datagram that reached a base of ours, directly or through a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// The base: one of our sockets, or a relayed address.
    pub base: SocketAddr,
    /// Where it came from, as seen at the base.
    pub remote: SocketAddr,
    /// Payload.
    pub data: Vec<u8>,
}
