//! Why bytes are not an RTP packet.

/// What keeps bytes from being a valid RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtpError {
    /// Fewer bytes than the fixed header has.
    #[error("read an RTP packet of {0} bytes, the fixed header has 12")]
    Short(usize),
    /// A version other than 2 (RFC 3550 §5.1).
    #[error("read an RTP packet of version {0}")]
    Version(u8),
    /// The list of contributing sources goes beyond the packet.
    #[error("read an RTP packet whose {0} contributing sources do not fit")]
    Csrcs(u8),
    /// The header extension goes beyond the packet.
    #[error("read an RTP packet whose header extension does not fit")]
    Extension,
    /// Padding of zero bytes, or of more than there are (RFC 3550 §5.1).
    #[error("read an RTP packet with {padding} of {left} bytes padding")]
    Padding {
        /// Bytes of padding claimed.
        padding: u8,
        /// Bytes after the header.
        left: usize,
    },
    /// An element of a header extension goes beyond it.
    #[error("read a header extension whose element {0} does not fit")]
    Element(u8),
    /// An element that no form of header extension can carry.
    #[error("write element {id} of {length} bytes into a header extension")]
    UnfitElement {
        /// Its id.
        id: u8,
        /// Its length.
        length: usize,
    },
    /// More contributing sources than four bits can count.
    #[error("write {0} contributing sources, the limit is 15")]
    TooManyCsrcs(usize),
    /// A header extension longer than its length field can say, or not in whole words.
    #[error("write a header extension of {0} bytes")]
    ExtensionLength(usize),
}
