//! SHUTDOWN, RFC 9260 §3.3.8.
//!
//! ```txt
//! |   Type = 7    |  Chunk Flags  |          Length = 8           |
//! |                      Cumulative TSN Ack                       |
//! ```

use super::error::Error;
use super::number::be32;
use super::{ChunkType, Tsn};

/// A SHUTDOWN as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownView {
    /// The last TSN received in order.
    pub cumulative_tsn_ack: Tsn,
}

impl ShutdownView {
    pub(super) fn read(value: &[u8]) -> Result<Self, Error> {
        let too_short = Error::ChunkTooShort {
            chunk_type: ChunkType::SHUTDOWN,
            needed: 4,
            available: value.len(),
        };
        Ok(Self { cumulative_tsn_ack: Tsn(be32(value, 0).ok_or(too_short)?) })
    }
}

/// A SHUTDOWN to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The last TSN received in order.
    pub cumulative_tsn_ack: Tsn,
}

impl Shutdown {
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.cumulative_tsn_ack.0.to_be_bytes());
    }
}
