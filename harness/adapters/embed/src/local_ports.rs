//! UDP ports of the sockets an embedded peer would have opened.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// First port of the dynamic range (RFC 6335 §6).
const FIRST: u16 = 49_152;
/// How many ports the dynamic range has.
const COUNT: u16 = u16::MAX - FIRST + 1;
/// Any odd stride visits every port of the range before it repeats one.
const STRIDE: u16 = 4_937;

/// Hands out local ports, each once, in an order its seed decides.
#[derive(Clone, Debug)]
pub(crate) struct PortPool {
    next: u16,
}

impl PortPool {
    pub(crate) fn new(seed: u64) -> Self {
        // SplitMix64's finisher: neighbouring seeds must not give neighbouring ports.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let offset = u16::try_from((mixed >> 32) % u64::from(COUNT)).unwrap_or(0);
        Self { next: offset }
    }

    fn take(&mut self) -> u16 {
        let port = FIRST + self.next;
        self.next = (self.next + STRIDE) % COUNT;
        port
    }
}

/// The sockets of one connection: one per local address, the same for every generation.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalPorts {
    sockets: BTreeMap<IpAddr, SocketAddr>,
}

impl LocalPorts {
    /// Opens what is new and forgets what is gone; tells both, in the order of the addresses.
    pub(crate) fn follow(
        &mut self,
        addresses: &[IpAddr],
        pool: &mut PortPool,
    ) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
        let gone: Vec<SocketAddr> = self
            .sockets
            .iter()
            .filter(|(ip, _)| !addresses.contains(ip))
            .map(|(_, s)| *s)
            .collect();
        self.sockets.retain(|ip, _| addresses.contains(ip));
        let mut new = Vec::new();
        for ip in addresses {
            if !self.sockets.contains_key(ip) {
                let socket = SocketAddr::new(*ip, pool.take());
                self.sockets.insert(*ip, socket);
                new.push(socket);
            }
        }
        (new, gone)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.values().copied()
    }

    pub(crate) fn has(&self, local: SocketAddr) -> bool {
        self.sockets.get(&local.ip()) == Some(&local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pool_gives_every_dynamic_port_once() {
        let mut pool = PortPool::new(7);
        let ports: BTreeSet<u16> = (0..COUNT).map(|_| pool.take()).collect();
        assert_eq!(ports.len(), usize::from(COUNT));
        assert!(ports.iter().all(|port| *port >= FIRST));
    }

    #[test]
    fn sockets_that_stay_keep_their_port() {
        let mut pool = PortPool::new(1);
        let mut ports = LocalPorts::default();
        let [a, b, c] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]].map(IpAddr::from);
        let (first, _) = ports.follow(&[a, b], &mut pool);
        let (new, gone) = ports.follow(&[b, c], &mut pool);
        assert_eq!(gone, [first[0]]);
        assert_eq!(new.len(), 1);
        assert!(ports.has(first[1]));
        assert!(!ports.has(first[0]));
    }
}
