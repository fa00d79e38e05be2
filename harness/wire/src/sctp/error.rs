//! What can be wrong with bytes, and what cannot be encoded.

use super::{CauseCode, ChunkType, ParameterType, Tsn};

/// What is wrong with the framing of one chunk, parameter or error cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Fewer than the four header bytes are left.
    #[error("{available} of 4 header bytes")]
    HeaderTruncated {
        /// Bytes that are left.
        available: usize,
    },
    /// The length does not even cover the header.
    #[error("length {length} is below 4")]
    LengthTooSmall {
        /// The length field.
        length: u16,
    },
    /// The length goes past the end of what holds it.
    #[error("length {length} where {available} bytes are left")]
    Overrun {
        /// The length field.
        length: u16,
        /// Bytes that are left, header included.
        available: usize,
    },
    /// The padding to a multiple of four is not all there.
    #[error("{missing} bytes of padding missing")]
    PaddingMissing {
        /// Bytes that lack.
        missing: usize,
    },
    /// The padding holds something else than zeros.
    #[error("padding that is not zero")]
    PaddingNotZero,
}

impl Fault {
    /// Whether the value cannot be taken as it stands. Faulty padding alone is readable: receivers
    /// ignore it (RFC 9260 §3.2).
    #[must_use]
    pub const fn is_fatal(self) -> bool {
        !matches!(self, Self::PaddingMissing { .. } | Self::PaddingNotZero)
    }
}

/// Bytes that are not what they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Less than a common header.
    #[error("read a common header: {length} of 12 bytes")]
    PacketTooShort {
        /// Bytes there are.
        length: usize,
    },
    /// The framing of a chunk is broken.
    #[error("read a chunk: {0}")]
    Chunk(Fault),
    /// The framing of a parameter is broken.
    #[error("read a parameter: {0}")]
    Parameter(Fault),
    /// The framing of an error cause is broken.
    #[error("read an error cause: {0}")]
    Cause(Fault),
    /// A chunk is shorter than its fixed fields.
    #[error("read {chunk_type}: {available} of at least {needed} bytes after the chunk header")]
    ChunkTooShort {
        /// Which chunk.
        chunk_type: ChunkType,
        /// Bytes its fixed fields take.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A parameter's value has another length than its type asks for.
    #[error("read {parameter_type}: a value of {length} bytes")]
    ParameterLength {
        /// Which parameter.
        parameter_type: ParameterType,
        /// Bytes of its value.
        length: usize,
    },
    /// An error cause's value has another length than its code asks for.
    #[error("read {code}: a value of {length} bytes")]
    CauseLength {
        /// Which cause.
        code: CauseCode,
        /// Bytes of its value.
        length: usize,
    },
    /// The lists of a chunk claim another size than the chunk has.
    #[error("read {chunk_type}: lists of {claimed} bytes in {available}")]
    ListLength {
        /// Which chunk.
        chunk_type: ChunkType,
        /// Bytes the counts stand for, or the multiple that is missed.
        claimed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// A DATA or I-DATA chunk without user data (RFC 9260 §6.2: an ABORT answers it).
    #[error("read user data: none in the chunk with TSN {tsn}")]
    NoUserData {
        /// The chunk's TSN.
        tsn: Tsn,
    },
    /// A RE-CONFIG chunk with no parameter, or with more than two (RFC 6525 §3.1).
    #[error("read RE-CONFIG: {count} parameters")]
    ReConfigParameters {
        /// How many there are.
        count: usize,
    },
    /// A parameter the chunk cannot do without is missing.
    #[error("read {chunk_type}: no {parameter_type}")]
    MissingParameter {
        /// Which chunk.
        chunk_type: ChunkType,
        /// Which parameter.
        parameter_type: ParameterType,
    },
}

/// A value that has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A RE-CONFIG chunk with no parameter, or with more than two (RFC 6525 §3.1).
    #[error("encode RE-CONFIG: {count} parameters")]
    ReConfigParameters {
        /// How many there are.
        count: usize,
    },
    /// The chunk.
    #[error("encode {chunk_type}: {length} bytes do not fit its length field")]
    ChunkTooLong {
        /// Which chunk.
        chunk_type: ChunkType,
        /// Bytes with header.
        length: usize,
    },
    /// A parameter or error cause inside a chunk.
    #[error("encode type {number:#06x}: {length} bytes do not fit its length field")]
    ItemTooLong {
        /// Parameter type or cause code.
        number: u16,
        /// Bytes with header.
        length: usize,
    },
}
