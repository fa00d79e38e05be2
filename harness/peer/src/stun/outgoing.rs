//! A STUN message between its making and its sending.

use std::net::SocketAddr;

/// Who takes a STUN message to its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// The base in [`Outgoing::local`]: a socket or, through its TURN server, a relayed address.
    Base,
    /// The TURN client of this number: the message is for the server itself.
    Client(usize),
}

/// A complete STUN message that has not left yet, so that a tamper layer can still change it.
///
/// Whoever took it from a `poll` gives it, or what replaces it, back to `forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Our transport address: a socket of ours, or the relayed address it will appear from.
    pub local: SocketAddr,
    /// Where it goes.
    pub remote: SocketAddr,
    /// The message, with integrity and fingerprint.
    pub bytes: Vec<u8>,
    /// The HMAC key of its MESSAGE-INTEGRITY, if it has one, to sign a replacement with.
    pub key: Option<Vec<u8>>,
    /// The ICE session (generation) it belongs to, counted from 0.
    pub session: u64,
    /// Who sends it.
    pub via: Via,
}
