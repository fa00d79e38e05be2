//! What a peer connection is made from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::dtls;

/// Which candidates may be used (W3C `RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportPolicy {
    /// All.
    #[default]
    All,
    /// Relayed ones only.
    Relay,
}

/// W3C `RTCIceServer`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` URIs.
    pub urls: Vec<String>,
    /// Long-term username.
    pub username: String,
    /// Long-term password.
    pub credential: String,
}

/// Options of the SCTP association; `None` is the association's own default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SctpOptions {
    /// Largest message taken, announced as `a=max-message-size` (RFC 8841 §6).
    pub max_message_size: Option<u64>,
    /// Receive window, in bytes.
    pub rwnd: Option<u32>,
    /// Streams to ask for in each direction (RFC 8831 §6.2).
    pub streams: Option<u16>,
    /// Offer to do without a checksum (RFC 9653).
    pub zero_checksum: Option<bool>,
    /// Offer to interleave messages (RFC 8260).
    pub interleaving: Option<bool>,
    /// First TSN, to bring a wrap close.
    pub initial_tsn: Option<u32>,
    /// How long after DTLS has connected the application takes no message off its channels, so
    /// that the receive window fills up. Messages of DCEP are taken all the same.
    pub read_after: Option<Duration>,
}

/// Everything about a peer connection that is not negotiated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used.
    pub policy: TransportPolicy,
    /// The machine's addresses.
    pub interfaces: Vec<IpAddr>,
    /// Host names and what they mean; there is no name server in virtual time.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Act as an ICE-lite agent (RFC 8445 §2.5).
    pub ice_lite: bool,
    /// Hide host addresses behind names of multicast DNS, and answer for them
    /// (draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1).
    pub mdns: bool,
    /// DTLS versions and datagram size.
    pub dtls: dtls::Options,
    /// Role to take when the other side leaves the choice; active unless said otherwise
    /// (RFC 8842 §5.3).
    pub dtls_role: Option<dtls::Role>,
    /// SCTP.
    pub sctp: SctpOptions,
}
