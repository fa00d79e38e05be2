//! What can be wrong with DTLS bytes.

use super::HandshakeType;

/// Bytes that are not what they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record's header or content is not all there.
    #[error("read a record: {needed} bytes needed, {available} left")]
    Record {
        /// Bytes it takes, as far as can be told.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// The first byte begins no record.
    #[error("read a record: first byte {byte} begins none")]
    RecordType {
        /// The byte.
        byte: u8,
    },
    /// A handshake header or its fragment is not all there.
    #[error("read a handshake fragment: {needed} bytes needed, {available} left")]
    Fragment {
        /// Bytes it takes.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A handshake fragment reaches past the end of its message.
    #[error("read a handshake fragment: {end} bytes into a message of {length}")]
    FragmentRange {
        /// Offset plus length of the fragment.
        end: u32,
        /// Length of the message.
        length: u32,
    },
    /// A handshake message ends before a field of it.
    #[error("read {message}: it ends inside {field}")]
    Truncated {
        /// Which message.
        message: HandshakeType,
        /// Which field.
        field: &'static str,
    },
    /// An alert is not two bytes long.
    #[error("read an alert: {length} bytes")]
    Alert {
        /// Bytes there are.
        length: usize,
    },
}

/// Why a handshake fragment cannot join the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReassemblyError {
    /// Another fragment with this `message_seq` had another type or total length.
    #[error("reassemble message {message_seq}: fragments of different messages")]
    Mismatch {
        /// The message's number.
        message_seq: u16,
    },
    /// Two fragments have different bytes at one place.
    #[error("reassemble message {message_seq}: fragments differ at byte {offset}")]
    Conflict {
        /// The message's number.
        message_seq: u16,
        /// Where.
        offset: u32,
    },
    /// The message is longer than the limit.
    #[error("reassemble message {message_seq}: {length} bytes are over the limit")]
    TooLong {
        /// The message's number.
        message_seq: u16,
        /// Its length.
        length: u32,
    },
    /// Too many messages are waiting for their rest.
    #[error("reassemble message {message_seq}: too many messages are incomplete")]
    TooManyMessages {
        /// The message's number.
        message_seq: u16,
    },
    /// Too many separate pieces of one message.
    #[error("reassemble message {message_seq}: too many pieces")]
    TooManyPieces {
        /// The message's number.
        message_seq: u16,
    },
}
