//! I-DATA, RFC 8260 §2.1.
//!
//! ```txt
//! |   Type = 64   |  Res  |I|U|B|E|       Length = Variable       |
//! |                              TSN                              |
//! |        Stream Identifier      |           Reserved            |
//! |                      Message Identifier                       |
//! |    Payload Protocol Identifier / Fragment Sequence Number     |
//! |                           User Data                           |
//! ```

use super::error::Error;
use super::number::{be16, be32};
use super::{ChunkType, DataFlags, Fsn, Mid, Ppid, StreamId, Tsn};

/// What the word shared by PPID and FSN holds; the B bit decides (RFC 8260 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentPosition {
    /// B set: the message's PPID; the FSN is 0.
    First(Ppid),
    /// B not set: the FSN.
    Later(Fsn),
}

impl FragmentPosition {
    /// The fragment's number, 0 for the first.
    #[must_use]
    pub const fn fsn(self) -> Fsn {
        match self {
            Self::First(_) => Fsn(0),
            Self::Later(fsn) => fsn,
        }
    }

    const fn word(self) -> u32 {
        match self {
            Self::First(ppid) => ppid.0,
            Self::Later(fsn) => fsn.0,
        }
    }
}

/// An I-DATA chunk as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IDataView<'a> {
    /// Its flags.
    pub flags: DataFlags,
    /// Its TSN.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// The reserved 16 bits, zero when sent by the rules.
    pub reserved: u16,
    /// Message identifier.
    pub mid: Mid,
    /// PPID or FSN.
    pub position: FragmentPosition,
    /// User data; empty only in a malformed chunk.
    pub payload: &'a [u8],
}

impl<'a> IDataView<'a> {
    pub(super) fn read(flags: u8, value: &'a [u8]) -> Result<Self, Error> {
        let Some((fixed, payload)) = value.split_first_chunk::<16>() else {
            let chunk_type = ChunkType::I_DATA;
            return Err(Error::ChunkTooShort { chunk_type, needed: 16, available: value.len() });
        };
        let flags = DataFlags::from_bits(flags);
        let word = be32(fixed, 12).unwrap_or_default();
        let position = if flags.beginning {
            FragmentPosition::First(Ppid(word))
        } else {
            FragmentPosition::Later(Fsn(word))
        };
        Ok(Self {
            flags,
            tsn: Tsn(be32(fixed, 0).unwrap_or_default()),
            stream: StreamId(be16(fixed, 4).unwrap_or_default()),
            reserved: be16(fixed, 6).unwrap_or_default(),
            mid: Mid(be32(fixed, 8).unwrap_or_default()),
            position,
            payload,
        })
    }
}

/// An I-DATA chunk to send. The B bit follows from `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IData {
    /// I: acknowledge without delay.
    pub immediate: bool,
    /// U: unordered.
    pub unordered: bool,
    /// E: last fragment of a message.
    pub ending: bool,
    /// Its TSN.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// Message identifier.
    pub mid: Mid,
    /// PPID or FSN.
    pub position: FragmentPosition,
    /// User data, not empty.
    pub payload: Vec<u8>,
}

impl IData {
    /// Bytes of an I-DATA chunk before its user data, chunk header included.
    pub const HEADER_LENGTH: usize = 20;

    /// The flag bits, B from the position.
    #[must_use]
    pub const fn flags(&self) -> DataFlags {
        DataFlags {
            immediate: self.immediate,
            unordered: self.unordered,
            beginning: matches!(self.position, FragmentPosition::First(_)),
            ending: self.ending,
        }
    }

    pub(super) fn from_view(view: &IDataView<'_>) -> Result<Self, Error> {
        if view.payload.is_empty() {
            return Err(Error::NoUserData { tsn: view.tsn });
        }
        Ok(Self {
            immediate: view.flags.immediate,
            unordered: view.flags.unordered,
            ending: view.flags.ending,
            tsn: view.tsn,
            stream: view.stream,
            mid: view.mid,
            position: view.position,
            payload: view.payload.to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tsn.0.to_be_bytes());
        out.extend_from_slice(&self.stream.0.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.mid.0.to_be_bytes());
        out.extend_from_slice(&self.position.word().to_be_bytes());
        out.extend_from_slice(&self.payload);
    }
}
