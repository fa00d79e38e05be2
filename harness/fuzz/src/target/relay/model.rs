//! What a client may expect and a peer may fear: allocations, permissions, channels (RFC 8656).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rtcspec_net::Ns;
use rtcspec_wire::stun::{Attribute, Message, Method};

/// RFC 8656 §9: a permission lasts 300 seconds.
const PERMISSION: Ns = Ns::secs(300);
/// RFC 8656 §12: a channel lasts 600 seconds.
const CHANNEL: Ns = Ns::secs(600);

/// An allocation as its client knows it.
#[derive(Clone, Debug)]
pub(super) struct Allocation {
    pub(super) user: usize,
    /// Relayed addresses, each with its end.
    pub(super) relays: Vec<(SocketAddr, Ns)>,
    permissions: BTreeMap<IpAddr, Ns>,
    channels: BTreeMap<u16, (SocketAddr, Ns)>,
}

impl Allocation {
    /// The relayed address for a peer's IP version.
    pub(super) fn relay_for(&self, peer: IpAddr) -> Option<SocketAddr> {
        let fits = |(address, _): &&(SocketAddr, Ns)| address.is_ipv4() == peer.is_ipv4();
        self.relays.iter().find(fits).map(|(address, _)| *address)
    }

    pub(super) fn permits(&self, now: Ns, peer: IpAddr) -> bool {
        self.permissions.get(&peer).is_some_and(|until| now < *until)
    }

    /// The peer of a channel.
    pub(super) fn peer(&self, now: Ns, channel: u16) -> Option<SocketAddr> {
        self.channels.get(&channel).filter(|(_, until)| now < *until).map(|(peer, _)| *peer)
    }

    /// The channel of a peer.
    pub(super) fn channel(&self, now: Ns, peer: SocketAddr) -> Option<u16> {
        let bound = self.channels.iter().find(|(_, (bound, _))| *bound == peer);
        bound.filter(|(_, (_, until))| now < *until).map(|(number, _)| *number)
    }
}

/// All clients' allocations, by number of the client.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) allocations: BTreeMap<usize, Allocation>,
}

impl Model {
    /// What a success response means.
    pub(super) fn granted(
        &mut self,
        now: Ns,
        (client, user): (usize, usize),
        request: &Message,
        response: &Message,
    ) {
        let seconds = response.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Lifetime(seconds) => Some(u64::from(*seconds)),
            _ => None,
        });
        let until = now + Ns::secs(seconds.unwrap_or_default());
        match request.method {
            Method::ALLOCATE => {
                let relayed = response.attributes.iter().filter_map(|attribute| match attribute {
                    Attribute::XorRelayedAddress(address) => Some((*address, until)),
                    _ => None,
                });
                self.allocations.entry(client).or_insert_with(|| Allocation {
                    user,
                    relays: relayed.collect(),
                    permissions: BTreeMap::new(),
                    channels: BTreeMap::new(),
                });
            }
            Method::REFRESH => self.refreshed(client, until, request),
            Method::CREATE_PERMISSION | Method::CHANNEL_BIND => {
                self.permitted(now, client, request);
            }
            _ => {}
        }
        self.expire(now);
    }

    fn refreshed(&mut self, client: usize, until: Ns, request: &Message) {
        let family = request.attributes.iter().find_map(|attribute| match attribute {
            Attribute::RequestedAddressFamily(family) => Some(*family),
            _ => None,
        });
        let Some(allocation) = self.allocations.get_mut(&client) else { return };
        for (address, ends) in &mut allocation.relays {
            let of = rtcspec_wire::stun::AddressFamily::of(address.ip());
            if family.is_none_or(|family| family == of) {
                *ends = until;
            }
        }
    }

    fn permitted(&mut self, now: Ns, client: usize, request: &Message) {
        let Some(allocation) = self.allocations.get_mut(&client) else { return };
        let mut channel = None;
        for attribute in &request.attributes {
            match attribute {
                Attribute::ChannelNumber(number) => channel = Some(number.number()),
                Attribute::XorPeerAddress(peer) => {
                    allocation.permissions.insert(peer.ip(), now + PERMISSION);
                    if let Some(number) = channel {
                        allocation.channels.insert(number, (*peer, now + CHANNEL));
                    }
                }
                _ => {}
            }
        }
    }

    /// Ends what has expired.
    pub(super) fn expire(&mut self, now: Ns) {
        for allocation in self.allocations.values_mut() {
            allocation.relays.retain(|(_, until)| now < *until);
        }
        self.allocations.retain(|_, allocation| !allocation.relays.is_empty());
    }

    /// Relayed addresses that are in use, in order.
    pub(super) fn relayed(&self) -> Vec<SocketAddr> {
        let relays = self.allocations.values().flat_map(|allocation| &allocation.relays);
        let mut all: Vec<SocketAddr> = relays.map(|(address, _)| *address).collect();
        all.sort_unstable();
        all
    }

    /// Who has a relayed address.
    pub(super) fn owner(&self, relayed: SocketAddr) -> Option<(usize, &Allocation)> {
        let mut all = self.allocations.iter();
        let has = |allocation: &Allocation| {
            allocation.relays.iter().any(|(address, _)| *address == relayed)
        };
        all.find(|(_, allocation)| has(allocation))
            .map(|(client, allocation)| (*client, allocation))
    }
}
