//! Types a receiver does not know, and what it must do with them.

use super::ChunkType;

/// What the two high bits of an unknown type ask for (RFC 9260 §3.2 for chunks, §3.2.1 for
/// parameters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownAction {
    /// `00`: stop processing here; say nothing.
    Stop,
    /// `01`: stop processing here and report it.
    StopAndReport,
    /// `10`: skip it and go on.
    Skip,
    /// `11`: skip it, go on, and report it.
    SkipAndReport,
}

impl UnknownAction {
    /// From the two high bits, in the low places.
    pub(super) const fn from_high_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0b00 => Self::Stop,
            0b01 => Self::StopAndReport,
            0b10 => Self::Skip,
            _ => Self::SkipAndReport,
        }
    }

    /// Whether the rest is still processed.
    #[must_use]
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::Skip | Self::SkipAndReport)
    }

    /// Whether the sender is told.
    #[must_use]
    pub const fn reports(self) -> bool {
        matches!(self, Self::StopAndReport | Self::SkipAndReport)
    }
}

/// A chunk kept raw: its type is unknown, or known and not taken apart here (RFC 4895, RFC 5061).
/// Also the way to send a chunk no value can express.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownChunk {
    /// Its type.
    pub chunk_type: ChunkType,
    /// Its flags.
    pub flags: u8,
    /// What follows the header, without padding.
    pub value: Vec<u8>,
}
