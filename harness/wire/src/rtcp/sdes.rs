//! Source descriptions, goodbyes and application packets (RFC 3550 §6.5 to §6.7).

use super::error::RtcpError;
use super::view::Reader;
use super::write::{Body, count};
use crate::rtp::Ssrc;

/// Type of an [`SdesItem`] (RFC 3550 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SdesType(pub u8);

impl SdesType {
    /// Canonical name.
    pub const CNAME: Self = Self(1);
    /// User name.
    pub const NAME: Self = Self(2);
    /// Private extension.
    pub const PRIV: Self = Self(8);
    /// Media identification (RFC 9143 §15.2).
    pub const MID: Self = Self(15);
}

/// One thing said about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdesItem {
    /// What it is; 0 ends a chunk and is no item.
    pub kind: SdesType,
    /// At most 255 bytes, UTF-8 by the RFC. In a private extension it begins with a prefix.
    pub text: Vec<u8>,
}

impl SdesItem {
    // RFC 3550 §6.5.8: the prefix of a private extension, with a length of its own, is within it.
    fn is_whole(&self) -> bool {
        let prefix = self.text.first().map(|length| usize::from(*length));
        self.kind != SdesType::PRIV || prefix.is_some_and(|prefix| prefix < self.text.len())
    }
}

/// Everything said about one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SdesChunk {
    /// The source.
    pub ssrc: Ssrc,
    /// In order.
    pub items: Vec<SdesItem>,
}

impl SdesChunk {
    // RFC 3550 §6.5: the items end with one to four zero bytes, up to the word's end. Chunks
    // start at words, so what is left tells the position.
    fn read(reader: &mut Reader<'_>) -> Result<Self, RtcpError> {
        let ssrc = reader.ssrc("chunk")?;
        let mut items = Vec::new();
        loop {
            match reader.u8("chunk")? {
                0 => break,
                kind => {
                    let length = reader.u8("item")?;
                    let text = reader.take(length.into(), "item")?.to_vec();
                    let item = SdesItem { kind: SdesType(kind), text };
                    if !item.is_whole() {
                        return Err(RtcpError::Truncated("prefix"));
                    }
                    items.push(item);
                }
            }
        }
        let fill = reader.take(reader.rest().len() % 4, "chunk")?;
        if fill.iter().any(|byte| *byte != 0) {
            return Err(RtcpError::Wrong("fill of a chunk"));
        }
        Ok(Self { ssrc, items })
    }

    fn write(&self, body: &mut Body) -> Result<(), RtcpError> {
        body.u32(self.ssrc.0);
        for item in &self.items {
            let too_long = RtcpError::TooMany("bytes of an item");
            let length = u8::try_from(item.text.len()).map_err(|_| too_long)?;
            if item.kind.0 == 0 {
                return Err(RtcpError::Wrong("item type"));
            }
            if !item.is_whole() {
                return Err(RtcpError::Wrong("prefix"));
            }
            body.bytes(&[item.kind.0, length]);
            body.bytes(&item.text);
        }
        body.bytes(&[0]);
        body.fill();
        Ok(())
    }
}

pub(super) fn read_chunks(count: u8, mut reader: Reader<'_>) -> Result<Vec<SdesChunk>, RtcpError> {
    let chunks = reader.list(count.into(), SdesChunk::read)?;
    reader.end()?;
    Ok(chunks)
}

pub(super) fn write_chunks(chunks: &[SdesChunk], body: &mut Body) -> Result<u8, RtcpError> {
    let count = count(chunks.len(), "chunks")?;
    chunks.iter().try_for_each(|chunk| chunk.write(body))?;
    Ok(count)
}

/// A goodbye.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bye {
    /// Sources that leave, at most 31.
    pub ssrcs: Vec<Ssrc>,
    /// Why, at most 255 bytes.
    pub reason: Option<Vec<u8>>,
}

impl Bye {
    pub(super) fn read(count: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        let ssrcs = reader.list(count.into(), |reader| reader.ssrc("source"))?;
        if reader.is_empty() {
            return Ok(Self { ssrcs, reason: None });
        }
        let length = reader.u8("reason")?;
        let reason = reader.take(length.into(), "reason")?.to_vec();
        match reader.rest() {
            more if more.len() >= 4 => Err(RtcpError::Trailing(more.len())),
            // RFC 3550 §6.6: zeros up to the word's end.
            fill if fill.iter().any(|byte| *byte != 0) => Err(RtcpError::Wrong("fill of a reason")),
            _ => Ok(Self { ssrcs, reason: Some(reason) }),
        }
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        let count = count(self.ssrcs.len(), "sources")?;
        self.ssrcs.iter().for_each(|ssrc| body.u32(ssrc.0));
        if let Some(reason) = &self.reason {
            let too_long = RtcpError::TooMany("bytes of a reason");
            body.bytes(&[u8::try_from(reason.len()).map_err(|_| too_long)?]);
            body.bytes(reason);
            body.fill();
        }
        Ok(count)
    }
}

/// An application-defined packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// Subtype, below 32.
    pub subtype: u8,
    /// Who sends it.
    pub ssrc: Ssrc,
    /// Names the application.
    pub name: [u8; 4],
    /// In whole words.
    pub data: Vec<u8>,
}

impl App {
    pub(super) fn read(subtype: u8, mut reader: Reader<'_>) -> Result<Self, RtcpError> {
        let ssrc = reader.ssrc("sender")?;
        let name = reader.u32("name")?.to_be_bytes();
        Ok(Self { subtype, ssrc, name, data: reader.rest().to_vec() })
    }

    pub(super) fn write(&self, body: &mut Body) -> Result<u8, RtcpError> {
        body.u32(self.ssrc.0);
        body.bytes(&self.name);
        body.bytes(&self.data);
        count(self.subtype.into(), "subtypes")
    }
}
