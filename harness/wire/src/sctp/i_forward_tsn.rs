//! I-FORWARD-TSN, RFC 8260 §2.3.1.
//!
//! ```txt
//! |   Type = 194  | Flags = 0x00  |      Length = Variable        |
//! |                       New Cumulative TSN                      |
//! |       Stream Identifier       |          Reserved           |U|
//! |                       Message Identifier                      |
//! ```

use super::error::Error;
use super::number::{be16, be32};
use super::{ChunkType, Mid, StreamId, Tsn};

/// The largest message skipped on a stream, in one of its two orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedMessage {
    /// The stream.
    pub stream: StreamId,
    /// U: of the unordered messages.
    pub unordered: bool,
    /// Its largest skipped message identifier.
    pub mid: Mid,
}

/// An I-FORWARD-TSN as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IForwardTsnView<'a> {
    /// The receiver takes everything up to here as received.
    pub new_cumulative_tsn: Tsn,
    messages: &'a [u8],
}

impl<'a> IForwardTsnView<'a> {
    pub(super) fn read(value: &'a [u8]) -> Result<Self, Error> {
        let chunk_type = ChunkType::I_FORWARD_TSN;
        let Some((fixed, messages)) = value.split_first_chunk::<4>() else {
            return Err(Error::ChunkTooShort { chunk_type, needed: 4, available: value.len() });
        };
        if messages.len() % 8 != 0 {
            return Err(Error::ListLength { chunk_type, claimed: 8, available: messages.len() });
        }
        Ok(Self { new_cumulative_tsn: Tsn(u32::from_be_bytes(*fixed)), messages })
    }

    /// The skipped messages in order.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = SkippedMessage> + use<'a> {
        self.messages.chunks_exact(8).map(|entry| SkippedMessage {
            stream: StreamId(be16(entry, 0).unwrap_or_default()),
            unordered: be16(entry, 2).unwrap_or_default() & 1 != 0,
            mid: Mid(be32(entry, 4).unwrap_or_default()),
        })
    }
}

/// An I-FORWARD-TSN to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IForwardTsn {
    /// The receiver takes everything up to here as received.
    pub new_cumulative_tsn: Tsn,
    /// Streams on which something is skipped.
    pub messages: Vec<SkippedMessage>,
}

impl IForwardTsn {
    pub(super) fn from_view(view: &IForwardTsnView<'_>) -> Self {
        Self { new_cumulative_tsn: view.new_cumulative_tsn, messages: view.messages().collect() }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.new_cumulative_tsn.0.to_be_bytes());
        for skipped in &self.messages {
            out.extend_from_slice(&skipped.stream.0.to_be_bytes());
            out.extend_from_slice(&u16::from(skipped.unordered).to_be_bytes());
            out.extend_from_slice(&skipped.mid.0.to_be_bytes());
        }
    }
}
