//! Why a record stays closed.

use rtcspec_wire::dtls::{CipherSuite, Error, ProtocolVersion};

/// Why a record stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// It is no record.
    #[error("{0}")]
    Malformed(Error),
    /// Its handshake was not seen: nothing tells the suite or the randoms.
    #[error("the handshake was not seen")]
    NoHandshake,
    /// The key log has no secret for its handshake.
    #[error("no secret for this connection")]
    NoSecret,
    /// The suite is none that can be opened.
    #[error("suite {0} cannot be opened")]
    Suite(CipherSuite),
    /// A version that cannot be opened.
    #[error("version {0} cannot be opened")]
    Version(ProtocolVersion),
    /// A record with a connection id (RFC 9146), whose length nobody told.
    #[error("connection ids are not followed")]
    ConnectionId,
    /// An epoch whose keys cannot be had.
    #[error("no keys for epoch {0}")]
    Epoch(u64),
    /// The keys are there, and it does not authenticate.
    #[error("does not authenticate")]
    Failed,
}
