//! Why bytes are not a DCEP message.

/// What keeps bytes from being a valid message, or text from being put into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DcepError {
    /// No bytes at all.
    #[error("read a DCEP message of no bytes")]
    Empty,
    /// A message type RFC 8832 does not define.
    #[error("read a DCEP message of unknown type 0x{0:02x}")]
    UnknownMessage(u8),
    /// An OPEN that ends before its label.
    #[error("read a DATA_CHANNEL_OPEN of {0} bytes, it has at least 12")]
    Short(usize),
    /// Label and protocol lengths do not fill the message.
    #[error("read a DATA_CHANNEL_OPEN of {found} bytes whose lengths say {expected}")]
    Length {
        /// Bytes according to the length fields.
        expected: usize,
        /// Bytes present.
        found: usize,
    },
    /// A channel type RFC 8832 does not define.
    #[error("read a DATA_CHANNEL_OPEN of unknown channel type 0x{0:02x}")]
    UnknownChannelType(u8),
    /// The label is not UTF-8 (RFC 8832 §5.1).
    #[error("read a data channel label that is not UTF-8")]
    LabelNotUtf8,
    /// The protocol is not UTF-8 (RFC 8832 §5.1).
    #[error("read a data channel protocol that is not UTF-8")]
    ProtocolNotUtf8,
    /// Bytes after an ACK.
    #[error("read a DATA_CHANNEL_ACK with {0} bytes too many")]
    LongAck(usize),
    /// A label or protocol whose length does not fit into 16 bits.
    #[error("use a name of {0} bytes, the limit is 65,535")]
    NameTooLong(usize),
}
