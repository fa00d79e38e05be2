//! SACK, RFC 9260 §3.3.4.
//!
//! ```txt
//! |   Type = 3    |  Chunk Flags  |         Chunk Length          |
//! |                      Cumulative TSN Ack                       |
//! |          Advertised Receiver Window Credit (a_rwnd)           |
//! | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
//! |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      |
//! |                        Duplicate TSN 1                        |
//! ```

use super::error::Error;
use super::number::{be16, be32};
use super::{ChunkType, Tsn};

/// A run of received TSNs above the cumulative one, as offsets from it (RFC 9260 §3.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBlock {
    /// First received TSN minus the cumulative TSN.
    pub start: u16,
    /// Last received TSN minus the cumulative TSN.
    pub end: u16,
}

/// A SACK as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackView<'a> {
    /// The last TSN before the first gap.
    pub cumulative_tsn_ack: Tsn,
    /// The sender's receive window in bytes.
    pub a_rwnd: u32,
    gap_blocks: &'a [u8],
    duplicates: &'a [u8],
    /// Bytes after the lists, none by the rules.
    pub trailing: &'a [u8],
}

impl<'a> SackView<'a> {
    #[inline]
    pub(super) fn read(value: &'a [u8]) -> Result<Self, Error> {
        let chunk_type = ChunkType::SACK;
        let Some((fixed, lists)) = value.split_first_chunk::<12>() else {
            return Err(Error::ChunkTooShort { chunk_type, needed: 12, available: value.len() });
        };
        let gaps = usize::from(be16(fixed, 8).unwrap_or_default()) * 4;
        let duplicates = usize::from(be16(fixed, 10).unwrap_or_default()) * 4;
        let claimed = gaps + duplicates;
        let available = lists.len();
        if claimed > available {
            return Err(Error::ListLength { chunk_type, claimed, available });
        }
        let (gap_blocks, rest) = lists.split_at(gaps);
        let (duplicates, trailing) = rest.split_at(duplicates);
        Ok(Self {
            cumulative_tsn_ack: Tsn(be32(fixed, 0).unwrap_or_default()),
            a_rwnd: be32(fixed, 4).unwrap_or_default(),
            gap_blocks,
            duplicates,
            trailing,
        })
    }

    /// The gap blocks in order.
    #[inline]
    pub fn gap_blocks(&self) -> impl ExactSizeIterator<Item = GapBlock> + use<'a> {
        self.gap_blocks.chunks_exact(4).map(|block| GapBlock {
            start: be16(block, 0).unwrap_or_default(),
            end: be16(block, 2).unwrap_or_default(),
        })
    }

    /// The duplicate TSNs in order.
    #[inline]
    pub fn duplicates(&self) -> impl ExactSizeIterator<Item = Tsn> + use<'a> {
        self.duplicates.chunks_exact(4).map(|four| Tsn(be32(four, 0).unwrap_or_default()))
    }
}

/// A SACK to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sack {
    /// The last TSN before the first gap.
    pub cumulative_tsn_ack: Tsn,
    /// The sender's receive window in bytes.
    pub a_rwnd: u32,
    /// What was received above the cumulative TSN; at most 65,535, longer lists are cut.
    pub gap_blocks: Vec<GapBlock>,
    /// What was received more than once; at most 65,535, longer lists are cut.
    pub duplicates: Vec<Tsn>,
}

impl Sack {
    pub(super) fn from_view(view: &SackView<'_>) -> Self {
        Self {
            cumulative_tsn_ack: view.cumulative_tsn_ack,
            a_rwnd: view.a_rwnd,
            gap_blocks: view.gap_blocks().collect(),
            duplicates: view.duplicates().collect(),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let gaps = u16::try_from(self.gap_blocks.len()).unwrap_or(u16::MAX);
        let duplicates = u16::try_from(self.duplicates.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&self.cumulative_tsn_ack.0.to_be_bytes());
        out.extend_from_slice(&self.a_rwnd.to_be_bytes());
        out.extend_from_slice(&gaps.to_be_bytes());
        out.extend_from_slice(&duplicates.to_be_bytes());
        for block in self.gap_blocks.iter().take(usize::from(gaps)) {
            out.extend_from_slice(&block.start.to_be_bytes());
            out.extend_from_slice(&block.end.to_be_bytes());
        }
        for tsn in self.duplicates.iter().take(usize::from(duplicates)) {
            out.extend_from_slice(&tsn.0.to_be_bytes());
        }
    }
}
