//! Writes the body of a packet behind a header that is completed at the end.

use super::error::RtcpError;
use super::packet_type::PacketType;
use super::view::HEADER;

const VERSION_BITS: u8 = 2 << 6;
/// Five bits of the header count.
const MAX_COUNT: usize = 31;

/// A packet under construction.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
}

impl Body {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEADER] }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Fills up to the end of the word with zeros.
    pub(super) fn fill(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// The packet.
    pub(super) fn finish(mut self, kind: PacketType, count: u8) -> Result<Vec<u8>, RtcpError> {
        let words = self.bytes.len() / 4 - 1;
        if !self.bytes.len().is_multiple_of(4) {
            return Err(RtcpError::Wrong("length"));
        }
        let words = u16::try_from(words).map_err(|_| RtcpError::TooMany("words"))?;
        let [high, low] = words.to_be_bytes();
        let header = [VERSION_BITS | count, kind.0, high, low];
        self.bytes.splice(..HEADER, header);
        Ok(self.bytes)
    }
}

/// A count for the five bits of the header.
pub(super) fn count(items: usize, what: &'static str) -> Result<u8, RtcpError> {
    u8::try_from(items).ok().filter(|_| items <= MAX_COUNT).ok_or(RtcpError::TooMany(what))
}
