//! Extended reports (RFC 3611): their blocks, by header.

use super::error::RtcpError;
use super::view::Reader;
use super::write::Body;
use crate::rtp::Ssrc;

/// An extended report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedReport {
    /// Who sends it.
    pub ssrc: Ssrc,
    /// In order.
    pub blocks: Vec<XrBlock>,
}

/// One block (RFC 3611 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XrBlock {
    /// Block type: 4 receiver reference time, 5 delay since the last receiver report...
    pub kind: u8,
    /// The byte each type uses as it likes.
    pub type_specific: u8,
    /// In whole words.
    pub data: Vec<u8>,
}

impl XrBlock {
    fn read(reader: &mut Reader<'_>) -> Result<Self, RtcpError> {
        const WHAT: &str = "report block";
        let kind = reader.u8(WHAT)?;
        let type_specific = reader.u8(WHAT)?;
        let words = usize::from(reader.u16(WHAT)?);
        Ok(Self { kind, type_specific, data: reader.take(4 * words, WHAT)?.to_vec() })
    }

    fn write(&self, body: &mut Body) -> Result<(), RtcpError> {
        let words = self.data.len() / 4;
        let length = u16::try_from(words).map_err(|_| RtcpError::TooMany("words of a block"))?;
        if !self.data.len().is_multiple_of(4) {
            return Err(RtcpError::Wrong("length of a block"));
        }
        body.bytes(&[self.kind, self.type_specific]);
        body.u16(length);
        body.bytes(&self.data);
        Ok(())
    }
}

impl ExtendedReport {
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        let ssrc = reader.ssrc("sender")?;
        Ok(Self { ssrc, blocks: reader.all(XrBlock::read)? })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        body.u32(self.ssrc.0);
        self.blocks.iter().try_for_each(|block| block.write(body))?;
        Ok(0)
    }
}
