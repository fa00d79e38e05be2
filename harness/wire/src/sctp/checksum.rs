//! `CRC32c` (RFC 9260 §6.8) and the zero checksum of RFC 9653.

use crc_fast::{CrcAlgorithm, Digest, crc32_iscsi};

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
    // One pass over a copy is cheaper than two passes, as long as the copy is small.
    let mut copy = [0; SMALL];
    if let Some(copy) = copy.get_mut(..packet.len()) {
        copy.copy_from_slice(packet);
        return zeroed_crc32c(copy);
    }
    let mut header = [0; HEADER_LENGTH];
    header[..FIELD.start].copy_from_slice(&packet[..FIELD.start]);
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&header);
    digest.update(&packet[HEADER_LENGTH..]);
    #[expect(clippy::cast_possible_truncation, reason = "a 32-bit CRC in a 64-bit word")]
    let sum = digest.finalize() as u32;
    sum
}

/// Bytes of a packet that is worth copying: SACKs and small messages.
const SMALL: usize = 160;

/// Zeroes the checksum field, if there is one, and gives the `CRC32c`.
fn zeroed_crc32c(packet: &mut [u8]) -> u32 {
    if let Some(field) = packet.get_mut(FIELD) {
        field.fill(0);
    }
    crc32_iscsi(packet)
}

/// Writes the checksum field of an encoded packet; does nothing to less than a common header.
/// For packets that were changed after encoding.
pub fn set_checksum(packet: &mut [u8], checksum: Checksum) {
    let number = match checksum {
        Checksum::Crc32c => zeroed_crc32c(packet),
        Checksum::Zero => 0,
        Checksum::Exactly(number) => number,
    };
    if let Some(field) = packet.get_mut(FIELD) {
        field.copy_from_slice(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9260 Appendix A, bit by bit, over the packet with its field zeroed.
    fn bitwise(packet: &[u8]) -> u32 {
        let is_field = |at: usize| packet.len() >= HEADER_LENGTH && FIELD.contains(&at);
        let byte = |(at, byte): (usize, &u8)| if is_field(at) { 0 } else { u32::from(*byte) };
        let step = |crc: u32| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82f6_3b78 };
        !packet
            .iter()
            .enumerate()
            .map(byte)
            .fold(!0, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| step(crc)))
    }

    #[test]
    fn crc32c_is_right_at_every_length_around_the_small_ones() {
        let packet: Vec<u8> = (0..400u16).map(|n| (n % 251) as u8 + 1).collect();
        for length in 0..packet.len() {
            let packet = &packet[..length];
            assert_eq!(crc32c(packet), bitwise(packet), "{length} bytes");
            let mut written = packet.to_vec();
            set_checksum(&mut written, Checksum::Crc32c);
            if length >= HEADER_LENGTH {
                assert_eq!(written[FIELD], bitwise(packet).to_le_bytes(), "{length} bytes");
            }
        }
    }
}
