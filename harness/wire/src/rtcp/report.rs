//! Sender and receiver reports (RFC 3550 §6.4).

use super::error::RtcpError;
use super::view::Reader;
use super::write::{Body, count};
use crate::rtp::Ssrc;

/// What a receiver says about one source (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// Share of packets lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start, 24 bits signed: duplicates make it negative.
    pub total_lost: i32,
    /// Highest sequence number received, with the count of its wraps in the upper half.
    pub highest_sequence: u32,
    /// Interarrival jitter, in timestamp units.
    pub jitter: u32,
    /// Middle half of the NTP time of the last sender report.
    pub last_sr: u32,
    /// Delay since it, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

/// Bits of [`ReportBlock::total_lost`].
const LOST_BITS: u32 = 24;

impl ReportBlock {
    fn read(reader: &mut Reader<'_>) -> Result<Self, RtcpError> {
        const WHAT: &str = "report block";
        let ssrc = reader.ssrc(WHAT)?;
        let lost = reader.u32(WHAT)?;
        Ok(Self {
            ssrc,
            fraction_lost: (lost >> LOST_BITS) as u8,
            // Shifting up and down again extends the sign.
            total_lost: (lost << (32 - LOST_BITS)).cast_signed() >> (32 - LOST_BITS),
            highest_sequence: reader.u32(WHAT)?,
            jitter: reader.u32(WHAT)?,
            last_sr: reader.u32(WHAT)?,
            delay_since_last_sr: reader.u32(WHAT)?,
        })
    }

    fn write(&self, body: &mut Body) -> Result<(), RtcpError> {
        let limit = 1 << (LOST_BITS - 1);
        if !(-limit..limit).contains(&self.total_lost) {
            return Err(RtcpError::TooMany("lost packets"));
        }
        let lost = self.total_lost.cast_unsigned() & ((1 << LOST_BITS) - 1);
        body.u32(self.ssrc.0);
        body.u32(u32::from(self.fraction_lost) << LOST_BITS | lost);
        body.u32(self.highest_sequence);
        body.u32(self.jitter);
        body.u32(self.last_sr);
        body.u32(self.delay_since_last_sr);
        Ok(())
    }
}

/// A sender report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderReport {
    /// Who sends it.
    pub ssrc: Ssrc,
    /// When, in NTP time.
    pub ntp_time: u64,
    /// When, in the stream's clock.
    pub rtp_time: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Payload bytes sent since the start.
    pub octets: u32,
    /// At most 31.
    pub reports: Vec<ReportBlock>,
    /// Profile-specific extension, in whole words.
    pub extension: Vec<u8>,
}

impl SenderReport {
    pub(super) fn read(count: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        const WHAT: &str = "sender information";
        Ok(Self {
            ssrc: reader.ssrc("sender")?,
            ntp_time: reader.u64(WHAT)?,
            rtp_time: reader.u32(WHAT)?,
            packets: reader.u32(WHAT)?,
            octets: reader.u32(WHAT)?,
            reports: reader.list(count.into(), ReportBlock::read)?,
            extension: reader.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        body.u32(self.ssrc.0);
        body.u64(self.ntp_time);
        body.u32(self.rtp_time);
        body.u32(self.packets);
        body.u32(self.octets);
        write_reports(&self.reports, &self.extension, body)
    }
}

/// A receiver report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverReport {
    /// Who sends it.
    pub ssrc: Ssrc,
    /// At most 31.
    pub reports: Vec<ReportBlock>,
    /// Profile-specific extension, in whole words.
    pub extension: Vec<u8>,
}

impl ReceiverReport {
    pub(super) fn read(count: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        Ok(Self {
            ssrc: reader.ssrc("sender")?,
            reports: reader.list(count.into(), ReportBlock::read)?,
            extension: reader.rest().to_vec(),
        })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        body.u32(self.ssrc.0);
        write_reports(&self.reports, &self.extension, body)
    }
}

fn write_reports(
    reports: &[ReportBlock],
    extension: &[u8],
    body: &mut Body,
) -> Result<u8, RtcpError> {
    let count = count(reports.len(), "report blocks")?;
    reports.iter().try_for_each(|report| report.write(body))?;
    body.bytes(extension);
    Ok(count)
}
