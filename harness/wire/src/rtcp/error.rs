//! Why bytes are not an RTCP packet.

/// What keeps bytes from being a valid RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// Fewer bytes than a header has.
    #[error("read an RTCP packet of {0} bytes, the header has 4")]
    Short(usize),
    /// A version other than 2 (RFC 3550 §6.4.1).
    #[error("read an RTCP packet of version {0}")]
    Version(u8),
    /// The length field goes beyond the datagram.
    #[error("read an RTCP packet of {claimed} bytes, {found} are there")]
    Length {
        /// Bytes according to the length field.
        claimed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// Padding of zero bytes, not in whole words, or of more than there are (RFC 3550 §6.4.1).
    #[error("read an RTCP packet with {0} bytes padding")]
    Padding(u8),
    /// Padding in another packet than the last of a compound (RFC 3550 §6.1).
    #[error("read a compound with padding before its last packet")]
    PaddingInside,
    /// A compound that does not start with a report (RFC 3550 §6.1).
    #[error("read a compound that starts with packet type {0}")]
    NoReport(u8),
    /// A datagram without any packet.
    #[error("read an empty compound")]
    Empty,
    /// A part of the packet goes beyond it.
    #[error("read an RTCP packet whose {0} does not fit")]
    Truncated(&'static str),
    /// Bytes after the last part of the packet.
    #[error("read an RTCP packet with {0} bytes too many")]
    Trailing(usize),
    /// A field says something it must not.
    #[error("read an RTCP packet with a wrong {0}")]
    Wrong(&'static str),
    /// A list or text longer than its count can say.
    #[error("write an RTCP packet with too many {0}")]
    TooMany(&'static str),
}
