//! What a TURN server serves, to whom and where it misbehaves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use super::fault::Fault;
use crate::Ns;
use crate::prefix::Prefix;

/// Configuration of a [`Server`](super::Server). [`Config::new`] has the values RFC 8656 recommends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where clients reach it.
    pub listeners: Vec<Listener>,
    /// Addresses relays are allocated on, at most one per IP version. The host must have them.
    pub relays: Vec<IpAddr>,
    /// Ports relays are allocated from (RFC 8656 §7.2: 49152 to 65535).
    pub ports: RangeInclusive<u16>,
    /// REALM of its challenges.
    pub realm: String,
    /// Who may use it.
    pub users: Vec<User>,
    /// SOFTWARE of authenticated responses.
    pub software: Option<String>,
    /// How long a nonce is good for (RFC 8656 §5: at least once an hour a new one).
    pub nonce_lifetime: Ns,
    /// LIFETIME of an allocation that asks for none or less.
    pub lifetime: Ns,
    /// Longest LIFETIME (RFC 8656 §7.2: 3600 s).
    pub max_lifetime: Ns,
    /// RFC 8656 §9: 300 s.
    pub permission_lifetime: Ns,
    /// RFC 8656 §12: 600 s.
    pub channel_lifetime: Ns,
    /// Most allocations of one user (486 beyond).
    pub quota: usize,
    /// Most allocations in all (508 beyond).
    pub capacity: usize,
    /// Most permissions, and most channels, of one allocation (508 beyond).
    pub most_peers: usize,
    /// Most streams at once; more are closed.
    pub most_streams: usize,
    /// Peers it refuses (403), also where an IPv6 address only wraps one of them.
    pub forbidden: Vec<Prefix>,
    /// Where it misbehaves.
    pub faults: Vec<Fault>,
}

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// USERNAME.
    pub name: String,
    /// The password.
    pub password: String,
}

/// How clients reach a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Datagrams.
    Udp,
    /// A TCP stream.
    Tcp,
    /// A TLS stream on TCP.
    Tls,
}

/// An address clients reach a server at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: SocketAddr,
    /// The transport.
    pub leg: Leg,
}

impl Config {
    /// A server at one address: UDP and TCP there, relays on the same IP address, no users yet.
    #[must_use]
    pub fn new(address: SocketAddr, realm: &str) -> Self {
        Self {
            listeners: vec![
                Listener { address, leg: Leg::Udp },
                Listener { address, leg: Leg::Tcp },
            ],
            relays: vec![address.ip()],
            ports: 49152..=65535,
            realm: realm.to_owned(),
            users: Vec::new(),
            software: None,
            nonce_lifetime: Ns::secs(3600),
            lifetime: Ns::secs(600),
            max_lifetime: Ns::secs(3600),
            permission_lifetime: Ns::secs(300),
            channel_lifetime: Ns::secs(600),
            quota: 64,
            capacity: 1024,
            most_peers: 256,
            most_streams: 256,
            forbidden: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// True for a peer that is refused: on the list, or an IPv6 address by which one on the list is
    /// reached as well.
    #[must_use]
    pub fn forbids(&self, peer: IpAddr) -> bool {
        let listed = |ip: IpAddr| self.forbidden.iter().any(|prefix| prefix.contains(ip));
        listed(peer) || wrapped(peer).is_some_and(|ip| listed(ip.into()))
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push(User { name: name.to_owned(), password: password.to_owned() });
        self
    }

    /// Adds an address clients reach it at.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr, leg: Leg) -> Self {
        self.listeners.push(Listener { address, leg });
        self
    }

    /// Adds an address relays are allocated on, for the other IP version.
    #[must_use]
    pub fn relay(mut self, address: IpAddr) -> Self {
        self.relays.push(address);
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
}

/// The IPv4 address in an IPv6 address that is mapped or compatible (RFC 4291 §2.5.5), of NAT64
/// (RFC 6052 §2.1) or of 6to4 (RFC 3056 §2).
fn wrapped(peer: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(peer) = peer else { return None };
    let [a, b, c, d, e, f, g, h] = peer.segments();
    let (high, low) = match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => (g, h),
        (0x2002, ..) => (b, c),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// coturn CVE-2020-26262 and CVE-2026-27624: loopback by another name was no loopback.
    #[test]
    fn an_address_is_refused_by_whatever_name() {
        let mut config = Config::new("192.0.2.1:3478".parse().expect("an address"), "x");
        config.forbidden = vec![Prefix::v4([127, 0, 0, 0], 8), Prefix::v4([0, 0, 0, 0], 8)];
        let forbids = |ip: &str| config.forbids(ip.parse().expect("an address"));
        for ip in [
            "127.0.0.1",
            "0.0.0.0",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::1",
            "::",
            "64:ff9b::7f00:1",
            "2002:7f00:1::5",
        ] {
            assert!(forbids(ip), "{ip}");
        }
        for ip in ["128.0.0.1", "::ffff:192.0.2.9", "2002:c000:209::1", "2001:db8::7f00:1"] {
            assert!(!forbids(ip), "{ip}");
        }
    }
}
