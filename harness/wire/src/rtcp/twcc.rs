//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
//!
//! A feedback of a few bytes may claim the status of 65,535 packets. The value keeps what is on
//! the wire, chunks and deltas; [`Twcc::packets`] walks through the statuses without expanding
//! them.

use super::error::RtcpError;
use super::view::Reader;
use super::write::Body;
use crate::rtp::SequenceNumber;

/// A feedback message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twcc {
    /// First packet it is about.
    pub base: SequenceNumber,
    /// Number of packets it is about.
    pub status_count: u16,
    /// Time the deltas count from, in 64 ms, 24 bits signed.
    pub reference_time: i32,
    /// Number of the feedback.
    pub feedback_count: u8,
    /// Which packets arrived.
    pub chunks: Vec<StatusChunk>,
    /// Arrival times, each after the one before, in 250 µs.
    pub deltas: Vec<Delta>,
}

/// Whether a packet arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did not.
    NotReceived,
    /// It did, with a one-byte delta.
    SmallDelta,
    /// It did, with a two-byte delta.
    LargeDelta,
    /// Not defined.
    Reserved,
}

impl Status {
    fn of(bits: u16) -> Self {
        match bits & 0x3 {
            0 => Self::NotReceived,
            1 => Self::SmallDelta,
            2 => Self::LargeDelta,
            _ => Self::Reserved,
        }
    }

    fn bits(self) -> u16 {
        match self {
            Self::NotReceived => 0,
            Self::SmallDelta => 1,
            Self::LargeDelta => 2,
            Self::Reserved => 3,
        }
    }
}

/// Sixteen bits that give the status of some packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChunk {
    /// The same status so many times.
    Run {
        /// The status.
        status: Status,
        /// How many packets have it, 13 bits.
        length: u16,
    },
    /// Fourteen packets, one bit each, the first in the highest: arrived with a small delta or
    /// not at all.
    OneBit(u16),
    /// Seven packets, two bits each, the first in the highest.
    TwoBit(u16),
}

const RUN_LENGTH: u16 = 0x1fff;
const SYMBOLS: u16 = 0x3fff;

impl StatusChunk {
    fn of(bits: u16) -> Self {
        match bits >> 14 {
            0 | 1 => Self::Run { status: Status::of(bits >> 13), length: bits & RUN_LENGTH },
            2 => Self::OneBit(bits & SYMBOLS),
            _ => Self::TwoBit(bits & SYMBOLS),
        }
    }

    fn bits(self) -> Result<u16, RtcpError> {
        let fits = |bits: u16, limit: u16| {
            if bits <= limit { Ok(bits) } else { Err(RtcpError::Wrong("status chunk")) }
        };
        match self {
            Self::Run { status, length } => Ok(status.bits() << 13 | fits(length, RUN_LENGTH)?),
            Self::OneBit(symbols) => Ok(2 << 14 | fits(symbols, SYMBOLS)?),
            Self::TwoBit(symbols) => Ok(3 << 14 | fits(symbols, SYMBOLS)?),
        }
    }

    fn len(self) -> u16 {
        match self {
            Self::Run { length, .. } => length,
            Self::OneBit(_) => 14,
            Self::TwoBit(_) => 7,
        }
    }

    fn status(self, index: u16) -> Status {
        match self {
            Self::Run { status, .. } => status,
            Self::OneBit(symbols) => Status::of(symbols >> (13 - index) & 1),
            Self::TwoBit(symbols) => Status::of(symbols >> (2 * (6 - index))),
        }
    }

    /// How many of the first `limit` packets have each kind of delta: small, large.
    fn deltas(self, limit: u16) -> (usize, usize) {
        match self {
            Self::Run { status, length } => {
                let count = usize::from(length.min(limit));
                match status {
                    Status::SmallDelta => (count, 0),
                    Status::LargeDelta => (0, count),
                    Status::NotReceived | Status::Reserved => (0, 0),
                }
            }
            _ => {
                let count = |wanted: Status| {
                    (0..self.len().min(limit)).filter(|at| self.status(*at) == wanted).count()
                };
                (count(Status::SmallDelta), count(Status::LargeDelta))
            }
        }
    }
}

/// The time between two arrivals, in 250 µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delta {
    /// 0 to 63.75 ms.
    Small(u8),
    /// −8192 to 8191.75 ms.
    Large(i16),
}

impl Delta {
    /// The number of 250 µs steps.
    #[must_use]
    pub fn ticks(self) -> i16 {
        match self {
            Self::Small(ticks) => ticks.into(),
            Self::Large(ticks) => ticks,
        }
    }
}

/// One packet's fate, by [`Twcc::packets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketStatus {
    /// The packet.
    pub sequence: SequenceNumber,
    /// Whether it arrived.
    pub status: Status,
    /// When, after the one before.
    pub delta: Option<Delta>,
}

const REFERENCE_BITS: u32 = 24;

impl Twcc {
    pub(super) fn read(fci: &[u8]) -> Result<Self, RtcpError> {
        const WHAT: &str = "transport-wide feedback";
        let mut reader = Reader::new(fci);
        let base = SequenceNumber(reader.u16(WHAT)?);
        let status_count = reader.u16(WHAT)?;
        let time = reader.u32(WHAT)?;
        let chunks = read_chunks(&mut reader, status_count)?;
        let deltas = read_deltas(&mut reader, status_count, &chunks)?;
        // The rest fills the last word.
        if reader.rest().len() >= 4 {
            return Err(RtcpError::Trailing(reader.rest().len()));
        }
        Ok(Self {
            base,
            status_count,
            reference_time: time.cast_signed() >> (32 - REFERENCE_BITS),
            feedback_count: time as u8,
            chunks,
            deltas,
        })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<(), RtcpError> {
        let limit = 1 << (REFERENCE_BITS - 1);
        if !(-limit..limit).contains(&self.reference_time) {
            return Err(RtcpError::Wrong("reference time"));
        }
        let (chunks, small, large) = needed(self.status_count, self.chunks.iter().copied())?;
        let is_small = |delta: &&Delta| matches!(delta, Delta::Small(_));
        let found = self.deltas.iter().filter(is_small).count();
        if chunks != self.chunks.len() || (found, self.deltas.len() - found) != (small, large) {
            return Err(RtcpError::Wrong("number of deltas"));
        }
        body.u16(self.base.0);
        body.u16(self.status_count);
        let time = self.reference_time.cast_unsigned() << (32 - REFERENCE_BITS);
        body.u32(time | u32::from(self.feedback_count));
        for chunk in &self.chunks {
            body.u16(chunk.bits()?);
        }
        for delta in &self.deltas {
            match delta {
                Delta::Small(ticks) => body.bytes(&[*ticks]),
                Delta::Large(ticks) => body.u16(ticks.cast_unsigned()),
            }
        }
        body.fill();
        Ok(())
    }

    /// The fate of each packet, in order: [`Self::status_count`] items at most, none stored.
    pub fn packets(&self) -> impl Iterator<Item = PacketStatus> {
        let statuses = self
            .chunks
            .iter()
            .flat_map(|chunk| (0..chunk.len()).map(|index| chunk.status(index)))
            .take(self.status_count.into());
        let mut deltas = self.deltas.iter().copied();
        let mut sequence = self.base;
        statuses.map(move |status| {
            let arrived = matches!(status, Status::SmallDelta | Status::LargeDelta);
            let delta = if arrived { deltas.next() } else { None };
            let this = sequence;
            sequence = sequence.plus(1);
            PacketStatus { sequence: this, status, delta }
        })
    }
}

/// Chunks and deltas that so many statuses need.
fn needed(
    status_count: u16,
    chunks: impl Iterator<Item = StatusChunk>,
) -> Result<(usize, usize, usize), RtcpError> {
    let (mut left, mut used, mut small, mut large) = (status_count, 0, 0, 0);
    for chunk in chunks {
        if left == 0 {
            break;
        }
        let (more_small, more_large) = chunk.deltas(left);
        small += more_small;
        large += more_large;
        left -= chunk.len().min(left);
        used += 1;
    }
    if left > 0 { Err(RtcpError::Truncated("status chunks")) } else { Ok((used, small, large)) }
}

fn read_chunks(reader: &mut Reader<'_>, status_count: u16) -> Result<Vec<StatusChunk>, RtcpError> {
    let mut chunks = Vec::new();
    let mut left = status_count;
    while left > 0 {
        let chunk = StatusChunk::of(reader.u16("status chunks")?);
        left -= chunk.len().min(left);
        chunks.push(chunk);
    }
    Ok(chunks)
}

// The deltas are counted before any is stored: a run of thousands without them costs nothing.
fn read_deltas(
    reader: &mut Reader<'_>,
    status_count: u16,
    chunks: &[StatusChunk],
) -> Result<Vec<Delta>, RtcpError> {
    const WHAT: &str = "deltas";
    let (_, small, large) = needed(status_count, chunks.iter().copied())?;
    if small + 2 * large > reader.rest().len() {
        return Err(RtcpError::Truncated(WHAT));
    }
    let mut deltas = Vec::with_capacity(small + large);
    let mut left = status_count;
    for chunk in chunks {
        let count = chunk.len().min(left);
        left -= count;
        if matches!(chunk, StatusChunk::Run { status: Status::NotReceived, .. }) {
            continue;
        }
        for index in 0..count {
            match chunk.status(index) {
                Status::SmallDelta => deltas.push(Delta::Small(reader.u8(WHAT)?)),
                Status::LargeDelta => {
                    deltas.push(Delta::Large(reader.u16(WHAT)?.cast_signed()));
                }
                Status::NotReceived | Status::Reserved => {}
            }
        }
    }
    Ok(deltas)
}
