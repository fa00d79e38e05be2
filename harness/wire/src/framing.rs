//! Packets on byte streams: TURN over TCP and TLS (RFC 8656 §3.1, §12.5; RFC 8489 §6.2.2) and
//! ICE-TCP (RFC 4571).
//!
//! ```
//! use rtcspec_wire::framing::{Deframer, Framing};
//!
//! let mut stream = Vec::new();
//! Framing::Rfc4571.frame_into(b"packet", &mut stream)?;
//! let mut deframer = Deframer::new(Framing::Rfc4571);
//! deframer.push(&stream[..3])?;
//! assert_eq!(deframer.next_packet()?, None);
//! deframer.push(&stream[3..])?;
//! assert_eq!(deframer.next_packet()?, Some(&b"packet"[..]));
//! # Ok::<(), rtcspec_wire::framing::FramingError>(())
//! ```

/// How packets are told apart on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// STUN messages and `ChannelData` by their own length fields, each ending on a multiple of
    /// four bytes.
    Turn,
    /// A sixteen-bit length before each packet.
    Rfc4571,
}

/// Why a stream cannot be read or a packet not be framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// Where a STUN message or `ChannelData` should start, there is this byte. The stream is lost.
    #[error("read a frame from a TURN stream at byte 0x{first:02x}")]
    LostSync {
        /// The byte.
        first: u8,
    },
    /// More was pushed than [`Deframer::MAX_BUFFERED`] without packets being taken out.
    #[error("buffer {len} bytes of a framed stream")]
    Overflow {
        /// Bytes that would be held.
        len: usize,
    },
    /// The packet does not fit its length field.
    #[error("frame a packet of {len} bytes")]
    TooLong {
        /// Bytes of the packet.
        len: usize,
    },
}

impl Framing {
    /// Appends a packet to a stream. For TURN the packet is a whole STUN message or a whole
    /// `ChannelData` message, with or without padding.
    ///
    /// # Errors
    /// The packet is longer than 65535 bytes under RFC 4571; nothing is appended then.
    pub fn frame_into(self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        match self {
            Self::Turn => {
                out.extend_from_slice(packet);
                let missing = packet.len().wrapping_neg() & 3;
                out.extend_from_slice(&[0; 3][..missing]);
            }
            Self::Rfc4571 => {
                let len = u16::try_from(packet.len())
                    .map_err(|_| FramingError::TooLong { len: packet.len() })?;
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(packet);
            }
        }
        Ok(())
    }

    /// The next packet's place at the head of `stream`; `None` while its header is not whole.
    fn measure(self, stream: &[u8]) -> Result<Option<Frame>, FramingError> {
        let Some(&[a, b]) = stream.first_chunk::<2>() else { return Ok(None) };
        if self == Self::Rfc4571 {
            let end = 2 + usize::from(u16::from_be_bytes([a, b]));
            return Ok(Some(Frame { start: 2, end, next: end }));
        }
        let Some(&[_, _, c, d]) = stream.first_chunk::<4>() else {
            return if a < 0x80 { Ok(None) } else { Err(FramingError::LostSync { first: a }) };
        };
        let len = usize::from(u16::from_be_bytes([c, d]));
        match a >> 6 {
            // A STUN length is a multiple of four; one that is not leaves the stream in step
            // with the sender, and the message is malformed for its reader to say so.
            0 => Ok(Some(Frame { start: 0, end: 20 + len, next: 20 + len })),
            1 => Ok(Some(Frame { start: 0, end: 4 + len, next: 4 + len.next_multiple_of(4) })),
            _ => Err(FramingError::LostSync { first: a }),
        }
    }
}

/// Offsets of a packet and of what follows it.
struct Frame {
    start: usize,
    end: usize,
    next: usize,
}

/// Takes packets out of a stream that arrives in pieces of any size. Holds at most
/// [`MAX_BUFFERED`](Self::MAX_BUFFERED) bytes.
#[derive(Clone, Debug)]
pub struct Deframer {
    framing: Framing,
    buffer: Vec<u8>,
    taken: usize,
}

impl Deframer {
    /// Room for a packet of the longest kind and as much again that arrived with it.
    pub const MAX_BUFFERED: usize = 2 * (20 + 0xffff + 1);

    /// An empty stream.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new(), taken: 0 }
    }

    /// Adds what arrived. Take the packets out before adding more.
    ///
    /// # Errors
    /// Too much is held already; nothing is added then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FramingError> {
        let len = self.buffered() + bytes.len();
        if len > Self::MAX_BUFFERED {
            return Err(FramingError::Overflow { len });
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole packet: without length prefix under RFC 4571, without padding under TURN.
    ///
    /// # Errors
    /// The stream is out of step; it stays so.
    pub fn next_packet(&mut self) -> Result<Option<&[u8]>, FramingError> {
        let stream = self.buffer.get(self.taken..).unwrap_or_default();
        let Some(frame) = self.framing.measure(stream)? else { return Ok(None) };
        if stream.len() < frame.next {
            return Ok(None);
        }
        self.taken += frame.next;
        Ok(stream.get(frame.start..frame.end))
    }

    /// Bytes held that belong to no packet taken out yet.
    #[must_use]
    pub const fn buffered(&self) -> usize {
        self.buffer.len() - self.taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stun::{Attribute, Message, Method, Seal, TransactionId};
    use crate::turn::{ChannelData, ChannelNumber};

    fn turn_packet(data: &[u8], channel: bool) -> Vec<u8> {
        if channel {
            let mut out = Vec::new();
            let message = ChannelData { channel: ChannelNumber::MIN, data };
            message.encode_into(&mut out).expect("short");
            return out;
        }
        let message = Message::indication(Method::SEND, TransactionId([1; 12]));
        message.with(Attribute::Data(data.to_vec())).encode(&Seal::none()).expect("short")
    }

    fn read_all(framing: Framing, stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut deframer = Deframer::new(framing);
        let mut packets = Vec::new();
        for piece in stream.chunks(piece) {
            deframer.push(piece).expect("drained each time");
            while let Some(packet) = deframer.next_packet().expect("in step") {
                packets.push(packet.to_vec());
            }
        }
        assert_eq!(deframer.buffered(), 0);
        packets
    }

    proptest! {
        #[test]
        fn packets_come_out_as_they_went_in_whatever_the_split(
            parts in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..8),
            piece in 1..64usize,
        ) {
            let turn: Vec<_> = parts.iter().map(|(data, chan)| turn_packet(data, *chan)).collect();
            let plain: Vec<_> = parts.iter().map(|(data, _)| data.clone()).collect();
            for (framing, packets) in [(Framing::Turn, turn), (Framing::Rfc4571, plain)] {
                let mut stream = Vec::new();
                for packet in &packets {
                    framing.frame_into(packet, &mut stream).expect("short");
                }
                prop_assert_eq!(read_all(framing, &stream, piece), packets);
            }
        }

        #[test]
        fn any_stream_is_read_without_panic_and_with_bounded_memory(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..40),
            turn in any::<bool>(),
        ) {
            let framing = if turn { Framing::Turn } else { Framing::Rfc4571 };
            let mut deframer = Deframer::new(framing);
            for piece in &pieces {
                let _ = deframer.push(piece);
                while let Ok(Some(_)) = deframer.next_packet() {}
                prop_assert!(deframer.buffered() <= Deframer::MAX_BUFFERED);
            }
        }
    }

    #[test]
    fn a_stream_that_is_never_drained_is_refused_at_the_bound() {
        let mut deframer = Deframer::new(Framing::Rfc4571);
        deframer.push(&vec![0; Deframer::MAX_BUFFERED]).expect("just fits");
        let expected = FramingError::Overflow { len: Deframer::MAX_BUFFERED + 1 };
        assert_eq!(deframer.push(&[0]), Err(expected));
    }

    #[test]
    fn a_byte_that_starts_neither_stun_nor_channel_data_loses_sync() {
        let mut deframer = Deframer::new(Framing::Turn);
        deframer.push(&[0x80, 0]).expect("short");
        assert_eq!(deframer.next_packet(), Err(FramingError::LostSync { first: 0x80 }));
    }
}
