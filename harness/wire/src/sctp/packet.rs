//! Packets, RFC 9260 §3.1.
//!
//! ```txt
//! |     Source Port Number        |     Destination Port Number   |
//! |                      Verification Tag                         |
//! |                           Checksum                            |
//! |                           Chunk #1                            |
//! ```

use super::checksum::{Checksum, ChecksumState, crc32c, set_checksum};
use super::error::{EncodeError, Error};
use super::number::{be16, be32};
use super::{Chunk, Chunks, Data, VerificationTag};

/// Bytes of the common header.
pub const HEADER_LENGTH: usize = 12;

/// A packet as received. Anything with a common header can be viewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketView<'a> {
    bytes: &'a [u8],
    header: &'a [u8; HEADER_LENGTH],
    chunks: &'a [u8],
}

impl<'a> PacketView<'a> {
    /// Views `bytes`. Nothing is checked but that there is a common header.
    ///
    /// # Errors
    /// If there are fewer than 12 bytes.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let Some((header, chunks)) = bytes.split_first_chunk::<HEADER_LENGTH>() else {
            return Err(Error::PacketTooShort { length: bytes.len() });
        };
        Ok(Self { bytes, header, chunks })
    }

    /// All bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Source port.
    #[must_use]
    #[inline]
    pub fn source_port(&self) -> u16 {
        be16(self.header, 0).unwrap_or_default()
    }

    /// Destination port.
    #[must_use]
    #[inline]
    pub fn destination_port(&self) -> u16 {
        be16(self.header, 2).unwrap_or_default()
    }

    /// Verification tag.
    #[must_use]
    #[inline]
    pub fn verification_tag(&self) -> VerificationTag {
        VerificationTag(be32(self.header, 4).unwrap_or_default())
    }

    /// The checksum field.
    #[must_use]
    #[inline]
    pub fn checksum(&self) -> u32 {
        be32(self.header, 8).unwrap_or_default().swap_bytes()
    }

    /// What the checksum field says about the packet. Computes the `CRC32c`.
    #[must_use]
    #[inline]
    pub fn checksum_state(&self) -> ChecksumState {
        ChecksumState::of(self.checksum(), crc32c(self.bytes))
    }

    /// The chunks in order, malformed ones included.
    #[must_use]
    #[inline]
    pub const fn chunks(&self) -> Chunks<'a> {
        Chunks::new(self.chunks)
    }
}

/// A packet to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// The tag the receiver chose; zero with INIT.
    pub verification_tag: VerificationTag,
    /// Its chunks, in order.
    pub chunks: Vec<Chunk>,
}

impl Packet {
    /// Takes a received packet apart. The checksum is not looked at: see
    /// [`PacketView::checksum_state`].
    ///
    /// # Errors
    /// If anything in it is malformed.
    pub fn from_view(view: &PacketView<'_>) -> Result<Self, Error> {
        Ok(Self {
            source_port: view.source_port(),
            destination_port: view.destination_port(),
            verification_tag: view.verification_tag(),
            chunks: view
                .chunks()
                .map(|chunk| Chunk::from_view(&chunk))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The bytes of the packet.
    ///
    /// # Errors
    /// If a chunk or a part of one does not fit its length field.
    pub fn encode(&self, checksum: Checksum) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(self.size_hint());
        self.encode_into(checksum, &mut out)?;
        Ok(out)
    }

    /// About how many bytes the packet takes: exact for user data, generous for what is rarer, so
    /// that a buffer of this size seldom grows and is no larger than it must.
    fn size_hint(&self) -> usize {
        const RARER: usize = 64;
        let size = |chunk: &Chunk| match chunk {
            Chunk::Data(data) => Data::HEADER_LENGTH + data.payload.len().next_multiple_of(4),
            Chunk::Sack(sack) => 16 + 4 * (sack.gap_blocks.len() + sack.duplicates.len()),
            Chunk::IData(data) => 20 + data.payload.len().next_multiple_of(4),
            _ => RARER,
        };
        HEADER_LENGTH + self.chunks.iter().map(size).sum::<usize>()
    }

    /// Replaces the content of `out` with the bytes of the packet.
    ///
    /// # Errors
    /// If a chunk or a part of one does not fit its length field.
    pub fn encode_into(&self, checksum: Checksum, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.clear();
        out.extend_from_slice(&self.source_port.to_be_bytes());
        out.extend_from_slice(&self.destination_port.to_be_bytes());
        out.extend_from_slice(&self.verification_tag.0.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        self.chunks.iter().try_for_each(|chunk| chunk.encode(out))?;
        set_checksum(out, checksum);
        Ok(())
    }
}
