//! `CRC32c` (RFC 9260 §6.8) and the zero checksum of RFC 9653.

use crc_fast::{CrcAlgorithm, Digest};

use super::HEADER_LENGTH;

/// Where the checksum lies in the common header.
const FIELD: std::ops::Range<usize> = 8..12;

/// What to write into the checksum field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// The `CRC32c` of the packet.
    #[default]
    Crc32c,
    /// Zero: only where the peer declared it acceptable, and never with INIT or COOKIE ECHO
    /// (RFC 9653 §5.2).
    Zero,
    /// This number, right or wrong.
    Exactly(u32),
}

/// What a received checksum field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumState {
    /// The `CRC32c` of the packet.
    Correct,
    /// Zero, and the `CRC32c` would be another number.
    Zero,
    /// Neither.
    Wrong {
        /// In the packet.
        found: u32,
        /// What it should be.
        expected: u32,
    },
}

impl ChecksumState {
    /// Whether the field holds the packet's `CRC32c`.
    #[must_use]
    pub const fn is_correct(self) -> bool {
        matches!(self, Self::Correct)
    }

    pub(super) const fn of(found: u32, expected: u32) -> Self {
        if found == expected {
            Self::Correct
        } else if found == 0 {
            Self::Zero
        } else {
            Self::Wrong { found, expected }
        }
    }
}

/// The `CRC32c` of a packet, its checksum field taken as zero (RFC 9260 §6.8). The number goes into
/// the field with its least significant byte first (RFC 9260 Appendix A).
#[must_use]
pub fn crc32c(packet: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    match packet.split_first_chunk::<HEADER_LENGTH>() {
        Some((header, chunks)) => {
            let mut header = *header;
            header[FIELD].fill(0);
            digest.update(&header);
            digest.update(chunks);
        }
        None => digest.update(packet),
    }
    #[expect(clippy::cast_possible_truncation, reason = "a 32-bit CRC in a 64-bit word")]
    let sum = digest.finalize() as u32;
    sum
}

/// Writes the checksum field of an encoded packet; does nothing to less than a common header.
/// For packets that were changed after encoding.
pub fn set_checksum(packet: &mut [u8], checksum: Checksum) {
    let number = match checksum {
        Checksum::Crc32c => crc32c(packet),
        Checksum::Zero => 0,
        Checksum::Exactly(number) => number,
    };
    if let Some(field) = packet.get_mut(FIELD) {
        field.copy_from_slice(&number.to_le_bytes());
    }
}
