//! Why DTLS ended.

use rtcspec_wire::sdp::Fingerprint;

/// Why a DTLS session could not be made or did not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer's certificate is not the one its description announces (RFC 8122 §6.2).
    #[error("match the peer's certificate: its fingerprint is {actual}")]
    Fingerprint {
        /// What the certificate has.
        actual: Fingerprint,
    },
    /// The description has no fingerprint by a hash function we know.
    #[error("match the peer's certificate: no fingerprint by a known hash function")]
    NoUsableFingerprint,
    /// The handshake or the connection failed: bad input, a fatal alert or a timeout.
    #[error("go on with DTLS: {0}")]
    Library(dimpl::Error),
    /// Data was to be sent before the handshake was complete or after the end.
    #[error("send on a DTLS session that is not connected")]
    NotConnected,
}
