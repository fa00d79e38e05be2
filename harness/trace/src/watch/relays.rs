//! TURN allocations and channels, learnt from what their clients and servers say.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rtcspec_wire::stun::{AttributeType, Class, Method, View};

use super::event::Path;
use super::limits;

/// What clients have at servers.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// Relayed addresses by client and server.
    allocations: BTreeMap<(SocketAddr, SocketAddr), SocketAddr>,
    /// Peers by client, server and channel number.
    channels: BTreeMap<(SocketAddr, SocketAddr, u16), SocketAddr>,
}

impl Relays {
    /// Learns from a STUN message.
    pub(super) fn learn(&mut self, view: &View<'_>, path: Path) {
        let Some(ty) = view.message_type() else { return };
        match (ty.class, ty.method) {
            (Class::SuccessResponse, Method::ALLOCATE) => {
                if let Some(relayed) = view.xor_relayed_address() {
                    let key = (path.destination, path.source);
                    bounded(&mut self.allocations, limits::ALLOCATIONS, key, relayed);
                }
            }
            (Class::Request, Method::CHANNEL_BIND) => {
                if let Some(&[high, low, ..]) = view.value(AttributeType::CHANNEL_NUMBER)
                    && let Some(peer) = view.xor_peer_address()
                {
                    let key = (path.source, path.destination, u16::from_be_bytes([high, low]));
                    bounded(&mut self.channels, 10 * limits::ALLOCATIONS, key, peer);
                }
            }
            _ => {}
        }
    }

    /// The address a server relays at for a client.
    pub(super) fn relayed(&self, client: SocketAddr, server: SocketAddr) -> Option<SocketAddr> {
        self.allocations.get(&(client, server)).copied()
    }

    /// The peer a client bound a channel to.
    pub(super) fn peer(
        &self,
        client: SocketAddr,
        server: SocketAddr,
        n: u16,
    ) -> Option<SocketAddr> {
        self.channels.get(&(client, server, n)).copied()
    }
}

fn bounded<K: Ord, V>(map: &mut BTreeMap<K, V>, most: usize, key: K, value: V) {
    if map.len() >= most && !map.contains_key(&key) {
        map.pop_first();
    }
    map.insert(key, value);
}
