//! Feedback messages (RFC 4585 §6, RFC 5104 §4.3, REMB).

use super::error::RtcpError;
use super::twcc::Twcc;
use super::view::Reader;
use super::write::{Body, count};
use crate::rtp::{SequenceNumber, Ssrc};

/// Transport feedback format: generic NACK (RFC 4585 §6.2.1).
const NACK: u8 = 1;
/// Transport feedback format: transport-wide congestion control.
const TWCC: u8 = 15;
/// Payload feedback format: picture loss (RFC 4585 §6.3.1).
const PLI: u8 = 1;
/// Payload feedback format: full intra request (RFC 5104 §4.3.1).
const FIR: u8 = 4;
/// Payload feedback format: application layer (RFC 4585 §6.4).
const APPLICATION: u8 = 15;
/// What an application layer message of REMB starts with (draft-alvestrand-rmcat-remb §2.2).
const REMB: &[u8; 4] = b"REMB";

/// A feedback message: who says what about whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Who says it.
    pub sender: Ssrc,
    /// The stream it is about; 0 where the message names streams itself.
    pub media: Ssrc,
    /// What is said.
    pub message: FeedbackMessage,
}

/// What a feedback message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackMessage {
    /// These packets are missing.
    Nack(Vec<Nack>),
    /// When packets arrived.
    Twcc(Twcc),
    /// A picture is lost.
    Pli,
    /// A decoder refresh point is wanted of each of these.
    Fir(Vec<FirEntry>),
    /// What the receiver believes the path can carry.
    Remb(Remb),
    /// Another transport feedback.
    OtherTransport {
        /// Its format, below 32.
        format: u8,
        /// Its control information, in whole words.
        fci: Vec<u8>,
    },
    /// Another payload feedback.
    OtherPayload {
        /// Its format, below 32.
        format: u8,
        /// Its control information, in whole words.
        fci: Vec<u8>,
    },
}

impl Feedback {
    pub(super) fn read_transport(format: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        let (sender, media) = ssrcs(&mut reader)?;
        let message = match format {
            NACK => FeedbackMessage::Nack(reader.all(Nack::read)?),
            TWCC => FeedbackMessage::Twcc(Twcc::read(reader.rest())?),
            _ => FeedbackMessage::OtherTransport { format, fci: reader.rest().to_vec() },
        };
        Ok(Self { sender, media, message })
    }

    pub(super) fn read_payload(format: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        let (sender, media) = ssrcs(&mut reader)?;
        let message = match format {
            PLI => {
                reader.end()?;
                FeedbackMessage::Pli
            }
            FIR => FeedbackMessage::Fir(reader.all(FirEntry::read)?),
            APPLICATION if reader.rest().starts_with(REMB) => {
                FeedbackMessage::Remb(Remb::read(reader)?)
            }
            _ => FeedbackMessage::OtherPayload { format, fci: reader.rest().to_vec() },
        };
        Ok(Self { sender, media, message })
    }

    /// Whether it is transport feedback.
    pub(super) fn is_transport(&self) -> bool {
        use FeedbackMessage as M;
        matches!(self.message, M::Nack(_) | M::Twcc(_) | M::OtherTransport { .. })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        body.u32(self.sender.0);
        body.u32(self.media.0);
        match &self.message {
            FeedbackMessage::Nack(nacks) => {
                nacks.iter().for_each(|nack| nack.write(body));
                Ok(NACK)
            }
            FeedbackMessage::Twcc(twcc) => twcc.write(body).map(|()| TWCC),
            FeedbackMessage::Pli => Ok(PLI),
            FeedbackMessage::Fir(entries) => {
                entries.iter().for_each(|entry| entry.write(body));
                Ok(FIR)
            }
            FeedbackMessage::Remb(remb) => remb.write(body).map(|()| APPLICATION),
            FeedbackMessage::OtherTransport { format, fci }
            | FeedbackMessage::OtherPayload { format, fci } => {
                body.bytes(fci);
                count((*format).into(), "formats")
            }
        }
    }
}

fn ssrcs(reader: &mut Reader<'_>) -> Result<(Ssrc, Ssrc), RtcpError> {
    Ok((reader.ssrc("sender")?, reader.ssrc("media source")?))
}

/// Up to 17 missing packets (RFC 4585 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack {
    /// The first missing packet.
    pub first: SequenceNumber,
    /// Bit `n`: the packet `n + 1` later is missing too.
    pub following: u16,
}

impl Nack {
    fn read(reader: &mut Reader<'_>) -> Result<Self, RtcpError> {
        const WHAT: &str = "NACK entry";
        let first = SequenceNumber(reader.u16(WHAT)?);
        Ok(Self { first, following: reader.u16(WHAT)? })
    }

    fn write(&self, body: &mut Body) {
        body.u16(self.first.0);
        body.u16(self.following);
    }

    /// The missing packets, in order, around the wrap.
    pub fn missing(self) -> impl Iterator<Item = SequenceNumber> {
        let later = (0..16).filter(move |bit| self.following >> bit & 1 == 1);
        std::iter::once(self.first).chain(later.map(move |bit| self.first.plus(bit + 1)))
    }
}

/// One stream asked for a refresh point (RFC 5104 §4.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream.
    pub ssrc: Ssrc,
    /// Number of the command, to tell repetitions apart.
    pub sequence: u8,
}

impl FirEntry {
    fn read(reader: &mut Reader<'_>) -> Result<Self, RtcpError> {
        const WHAT: &str = "FIR entry";
        let ssrc = reader.ssrc(WHAT)?;
        let sequence = reader.u8(WHAT)?;
        reader.u24(WHAT)?;
        Ok(Self { ssrc, sequence })
    }

    fn write(&self, body: &mut Body) {
        body.u32(self.ssrc.0);
        body.bytes(&[self.sequence, 0, 0, 0]);
    }
}

/// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remb {
    /// Exponent of the bitrate, below 64.
    pub exponent: u8,
    /// Mantissa of the bitrate, 18 bits.
    pub mantissa: u32,
    /// Streams it holds for, at most 255.
    pub ssrcs: Vec<Ssrc>,
}

const MANTISSA_BITS: u32 = 18;

impl Remb {
    fn read(mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        reader.u32("REMB")?;
        let streams = reader.u8("REMB")?;
        let bitrate = reader.u24("REMB")?;
        let ssrcs = reader.list(streams.into(), |reader| reader.ssrc("stream"))?;
        reader.end()?;
        let mantissa = bitrate & ((1 << MANTISSA_BITS) - 1);
        Ok(Self { exponent: (bitrate >> MANTISSA_BITS) as u8, mantissa, ssrcs })
    }

    fn write(&self, body: &mut Body) -> Result<(), RtcpError> {
        let too_many = RtcpError::TooMany("streams");
        let streams = u8::try_from(self.ssrcs.len()).map_err(|_| too_many)?;
        if self.exponent > 0x3f || self.mantissa >> MANTISSA_BITS != 0 {
            return Err(RtcpError::Wrong("bitrate"));
        }
        body.bytes(REMB);
        let bitrate = u32::from(self.exponent) << MANTISSA_BITS | self.mantissa;
        body.u32(u32::from(streams) << 24 | bitrate);
        self.ssrcs.iter().for_each(|ssrc| body.u32(ssrc.0));
        Ok(())
    }

    /// Bits per second; as much as 64 bits hold if it is more.
    #[must_use]
    pub fn bitrate(&self) -> u64 {
        let mantissa = u128::from(self.mantissa) << self.exponent.min(64);
        u64::try_from(mantissa).unwrap_or(u64::MAX)
    }
}
