//! Allocations with their permissions (RFC 8656 §6, §9).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::stun::{AddressFamily, Attribute, TransactionId};

use super::channel::Channels;
use crate::Ns;
use crate::host::ConnId;

/// A client's end of its 5-tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Udp { local: SocketAddr, remote: SocketAddr },
    Stream(ConnId),
}

/// A relayed transport address; each of two has a lifetime of its own (RFC 8656 §8).
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    pub(super) expires: Ns,
}

/// What a server keeps for a client.
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) username: String,
    pub(super) relays: Vec<Relay>,
    pub(super) permissions: BTreeMap<IpAddr, Ns>,
    pub(super) channels: Channels,
    /// The request that made it and its answer, for when it is retransmitted.
    pub(super) request: TransactionId,
    pub(super) response: Vec<Attribute>,
}

impl Allocation {
    /// Its relayed address for peers of an IP version.
    pub(super) fn relay_for(&self, peer: IpAddr) -> Option<SocketAddr> {
        let same = |relay: &&Relay| relay.address.is_ipv4() == peer.is_ipv4();
        self.relays.iter().find(same).map(|relay| relay.address)
    }

    pub(super) fn has_family(&self, family: AddressFamily) -> bool {
        self.relays.iter().any(|relay| AddressFamily::of(relay.address.ip()) == family)
    }

    pub(super) fn is_permitted(&self, now: Ns, peer: IpAddr) -> bool {
        self.permissions.get(&peer).is_some_and(|until| now < *until)
    }

    /// True if permissions for these peers would not be too many.
    pub(super) fn has_room(&mut self, now: Ns, peers: &[IpAddr], most: usize) -> bool {
        self.permissions.retain(|_, until| now < *until);
        let fresh = peers.iter().filter(|peer| !self.permissions.contains_key(peer)).count();
        self.permissions.len() + fresh <= most
    }

    /// Installs or refreshes permissions.
    pub(super) fn permit(&mut self, until: Ns, peers: &[IpAddr]) {
        self.permissions.extend(peers.iter().map(|peer| (*peer, until)));
    }

    /// When the first of its relays expires.
    pub(super) fn expires(&self) -> Option<Ns> {
        self.relays.iter().map(|relay| relay.expires).min()
    }
}
