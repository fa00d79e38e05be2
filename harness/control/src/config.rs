//! W3C `RTCConfiguration` and the keys beyond it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Which candidates may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TransportPolicy {
    /// All.
    #[default]
    All,
    /// Relayed ones only (RFC 8828 §5.2, mode 4 in effect).
    Relay,
}

/// W3C `RTCIceServer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` URIs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// Long-term username.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Long-term password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub credential: String,
}

/// W3C `RTCConfiguration` with the `x-` keys of peerctl/1.
///
/// A peer that meets a key it does not know answers `unsupported` with the key's name; silently
/// dropping `iceTransportPolicy` would be a false pass. Such keys land in `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used.
    pub ice_transport_policy: TransportPolicy,
    /// The machine's addresses (virtual tier).
    #[serde(rename = "x-interfaces", skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<IpAddr>,
    /// Act as an ICE-lite agent.
    #[serde(rename = "x-iceLite", skip_serializing_if = "std::ops::Not::not")]
    pub ice_lite: bool,
    /// Hide host addresses behind names of multicast DNS, and answer for them.
    #[serde(rename = "x-mdns", skip_serializing_if = "std::ops::Not::not")]
    pub mdns: bool,
    /// DTLS versions to offer, e.g. `["1.2"]`; empty is the peer's default.
    #[serde(rename = "x-dtlsVersions", skip_serializing_if = "Vec::is_empty")]
    pub dtls_versions: Vec<String>,
    /// DTLS role to answer with: `active` or `passive`; empty is the peer's default.
    #[serde(rename = "x-dtlsRole", skip_serializing_if = "String::is_empty")]
    pub dtls_role: String,
    /// What a DTLS handshake is made of: `symmetric` is one without curves, which nobody else
    /// understands; empty is all that DTLS asks for.
    #[serde(rename = "x-dtlsCryptography", skip_serializing_if = "String::is_empty")]
    pub dtls_cryptography: String,
    /// Name servers are not part of virtual time: host names and the addresses they mean.
    #[serde(rename = "x-hosts", skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// SCTP options, as names and numbers (`maxMessageSize`, `rwnd`, `zeroChecksum`,
    /// `interleaving`, `initialTsn`, `streams`, `readAfterMs`).
    #[serde(rename = "x-sctp", skip_serializing_if = "BTreeMap::is_empty")]
    pub sctp: BTreeMap<String, u64>,
    /// Keys this version of the contract does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}
