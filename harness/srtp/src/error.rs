//! Why a packet cannot be protected or opened.

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// A master key or salt of another length than the profile has.
    #[error("take {found} bytes of key or salt, {needed} needed")]
    KeyLength {
        /// Bytes there are.
        found: usize,
        /// Bytes there have to be.
        needed: usize,
    },
    /// Too few bytes for header, tag and index.
    #[error("open {len} bytes: header, tag and index do not fit")]
    Short {
        /// Bytes there are.
        len: usize,
    },
    /// A header that is none of RTP or RTCP version 2, or is not all there.
    #[error("read the header of a packet of {len} bytes")]
    Header {
        /// Bytes there are.
        len: usize,
    },
    /// The tag is not of these bytes under these keys.
    #[error("authenticate a packet")]
    Authentication,
    /// A sender used up its indices (RFC 3711 §9.2).
    #[error("number a packet beyond 2^{bits} of one source")]
    Exhausted {
        /// Bits of the index.
        bits: u32,
    },
}
