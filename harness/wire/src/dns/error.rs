//! Why bytes are not a DNS message.

use super::RecordType;

/// What keeps bytes from being a valid message, or text from being a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// The message ends before what its header counts.
    #[error("read a DNS message that ends at byte {0}")]
    Short(usize),
    /// Bytes after what the header counts.
    #[error("read a DNS message with {0} bytes too many")]
    Trailing(usize),
    /// Bits of the header that RFC 6762 §18 wants otherwise, or that say the message goes on.
    #[error("read a DNS message with flags 0x{0:04x}")]
    Flags(u16),
    /// A class that is not IN.
    #[error("read a DNS entry of class {0}")]
    Class(u16),
    /// A record that is not an address.
    #[error("read a DNS record of type {0}")]
    Type(RecordType),
    /// Records beside the answers.
    #[error("read a DNS message with {0} records that are not answers")]
    Section(u16),
    /// An address of another length than its type has.
    #[error("read an address of {0} bytes in a DNS record")]
    Address(usize),
    /// A label that begins with the bits 01 or 10, or is empty or over 63 bytes long.
    #[error("use a DNS label of length 0x{0:02x}")]
    Label(u8),
    /// A pointer that does not lead towards the beginning.
    #[error("follow a DNS name from byte {from} to byte {to}")]
    Pointer {
        /// Where the pointer is.
        from: usize,
        /// Where it points.
        to: usize,
    },
    /// A name of more than 255 bytes (RFC 1035 §3.1).
    #[error("use a DNS name of more than 255 bytes")]
    NameTooLong,
    /// Question and records do not fit into a message (RFC 6762 §17).
    #[error("write a DNS message of {0} bytes")]
    TooLong(usize),
}
