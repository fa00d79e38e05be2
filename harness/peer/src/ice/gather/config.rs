//! What a gatherer works with.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use rtcspec_tls::Trust;
use rtcspec_wire::stun::AddressFamily;

use crate::ice::server::Server;
use crate::stun::Pacer;

/// Which candidates may be used (W3C `RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// All.
    #[default]
    All,
    /// Relayed ones only; nothing tells the other side any address of this machine.
    Relay,
}

/// What a gatherer works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatherConfig {
    /// Every address of the machine.
    pub interfaces: Vec<IpAddr>,
    /// STUN and TURN servers.
    pub servers: Vec<Server>,
    /// Which candidates may be used.
    pub policy: Policy,
    /// The other side is told no address of a host candidate, so that a server-reflexive one says
    /// something new even if it is the same.
    pub hides_hosts: bool,
    /// Where the ports of sockets are taken from, at random.
    pub ports: Range<u16>,
    /// Names for TCP connections start here.
    pub first_conn: u64,
    /// Families of the relayed addresses to ask for. Empty asks for that of the server's address, and
    /// without an IPv4 interface for IPv4 too (RFC 8835 §3.4).
    pub relay_families: Vec<AddressFamily>,
    /// RFC 8445 §14.2.
    pub ta: Duration,
    /// Which certificates of TURN servers to take over TLS.
    pub trust: Trust,
}

impl Default for GatherConfig {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            servers: Vec::new(),
            policy: Policy::All,
            hides_hosts: false,
            ports: 49152..u16::MAX,
            first_conn: 0,
            relay_families: Vec::new(),
            ta: Pacer::DEFAULT_TA,
            trust: Trust::Fixed,
        }
    }
}
