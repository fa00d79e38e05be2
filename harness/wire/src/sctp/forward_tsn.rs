//! FORWARD TSN, RFC 3758 §3.2.
//!
//! ```txt
//! |   Type = 192  |  Flags = 0x00 |        Length = Variable      |
//! |                      New Cumulative TSN                       |
//! |         Stream-1              |       Stream Sequence-1       |
//! ```

use super::error::Error;
use super::number::be16;
use super::{ChunkType, Ssn, StreamId, Tsn};

/// The largest ordered message skipped on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedStream {
    /// The stream.
    pub stream: StreamId,
    /// Its largest skipped sequence number.
    pub ssn: Ssn,
}

/// A FORWARD TSN as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsnView<'a> {
    /// The receiver takes everything up to here as received.
    pub new_cumulative_tsn: Tsn,
    streams: &'a [u8],
}

impl<'a> ForwardTsnView<'a> {
    pub(super) fn read(value: &'a [u8]) -> Result<Self, Error> {
        let chunk_type = ChunkType::FORWARD_TSN;
        let Some((fixed, streams)) = value.split_first_chunk::<4>() else {
            return Err(Error::ChunkTooShort { chunk_type, needed: 4, available: value.len() });
        };
        if streams.len() % 4 != 0 {
            return Err(Error::ListLength { chunk_type, claimed: 4, available: streams.len() });
        }
        Ok(Self { new_cumulative_tsn: Tsn(u32::from_be_bytes(*fixed)), streams })
    }

    /// The skipped streams in order.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = SkippedStream> + use<'a> {
        self.streams.chunks_exact(4).map(|pair| SkippedStream {
            stream: StreamId(be16(pair, 0).unwrap_or_default()),
            ssn: Ssn(be16(pair, 2).unwrap_or_default()),
        })
    }
}

/// A FORWARD TSN to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardTsn {
    /// The receiver takes everything up to here as received.
    pub new_cumulative_tsn: Tsn,
    /// Ordered streams on which something is skipped.
    pub streams: Vec<SkippedStream>,
}

impl ForwardTsn {
    pub(super) fn from_view(view: &ForwardTsnView<'_>) -> Self {
        Self { new_cumulative_tsn: view.new_cumulative_tsn, streams: view.streams().collect() }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.new_cumulative_tsn.0.to_be_bytes());
        for skipped in &self.streams {
            out.extend_from_slice(&skipped.stream.0.to_be_bytes());
            out.extend_from_slice(&skipped.ssn.0.to_be_bytes());
        }
    }
}
