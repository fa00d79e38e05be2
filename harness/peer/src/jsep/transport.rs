//! What a negotiation settles.

use rtcspec_wire::sdp::{Fingerprint, TlsId, Token};

use super::config::IceCredentials;
use crate::dtls::Role;

/// Parameters of the one transport, from an answer on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Index of the data section.
    pub section: usize,
    /// Its mid.
    pub mid: Option<Token>,
    /// Our credentials.
    pub local: IceCredentials,
    /// The other side's ICE.
    pub remote: RemoteIce,
    /// Whether this side controls (RFC 8445 §6.1.1), until a role conflict says otherwise.
    pub controlling: bool,
    /// Our role in the DTLS handshake.
    pub dtls_role: Role,
    /// Counts the DTLS associations: another number asks for a new one (RFC 8842 §5.1).
    pub association: u32,
    /// The other side's fingerprints.
    pub fingerprints: Vec<Fingerprint>,
    /// The other side's `tls-id`.
    pub tls_id: Option<TlsId>,
    /// SCTP.
    pub sctp: Sctp,
}

/// The other side's ICE parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIce {
    /// Credentials.
    pub credentials: IceCredentials,
    /// It is an ICE-lite agent.
    pub lite: bool,
    /// It understands trickled candidates (RFC 8838 §3).
    pub trickle: bool,
}

/// SCTP parameters (RFC 8841).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sctp {
    /// Our port.
    pub local_port: u16,
    /// The other side's port.
    pub remote_port: u16,
    /// Largest message the other side takes, in bytes; `None` is no limit.
    pub max_message_size: Option<u64>,
    /// INIT chunk the other side announced, if we announced ours.
    pub remote_init: Option<Vec<u8>>,
}
