//! What a TURN server serves, to whom and where it misbehaves.

use std::net::{IpAddr, SocketAddr};
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
    /// Peers it refuses (403).
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
