//! DATA, RFC 9260 §3.3.1.
//!
//! ```txt
//! |   Type = 0    |  Res  |I|U|B|E|            Length             |
//! |                              TSN                              |
//! |      Stream Identifier S      |   Stream Sequence Number n    |
//! |                  Payload Protocol Identifier                  |
//! |                           User Data                           |
//! ```

use super::error::Error;
use super::number::{be16, be32};
use super::{ChunkType, Ppid, Ssn, StreamId, Tsn};

/// The flag bits of DATA and I-DATA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataFlags {
    /// I: acknowledge without delay.
    pub immediate: bool,
    /// U: unordered.
    pub unordered: bool,
    /// B: first fragment of a message.
    pub beginning: bool,
    /// E: last fragment of a message.
    pub ending: bool,
}

impl DataFlags {
    /// The flags of a message in one piece.
    pub const WHOLE: Self =
        Self { immediate: false, unordered: false, beginning: true, ending: true };

    /// Reads the four bits; reserved ones are ignored.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self {
            immediate: bits & 8 != 0,
            unordered: bits & 4 != 0,
            beginning: bits & 2 != 0,
            ending: bits & 1 != 0,
        }
    }

    /// The bits as on the wire.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.immediate) << 3
            | u8::from(self.unordered) << 2
            | u8::from(self.beginning) << 1
            | u8::from(self.ending)
    }
}

/// A DATA chunk as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataView<'a> {
    /// Its flags.
    pub flags: DataFlags,
    /// Its TSN.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream; without meaning when unordered.
    pub ssn: Ssn,
    /// Payload protocol identifier.
    pub ppid: Ppid,
    /// User data; empty only in a malformed chunk.
    pub payload: &'a [u8],
}

impl<'a> DataView<'a> {
    #[inline]
    pub(super) fn read(flags: u8, value: &'a [u8]) -> Result<Self, Error> {
        let Some((fixed, payload)) = value.split_first_chunk::<12>() else {
            let chunk_type = ChunkType::DATA;
            return Err(Error::ChunkTooShort { chunk_type, needed: 12, available: value.len() });
        };
        Ok(Self {
            flags: DataFlags::from_bits(flags),
            tsn: Tsn(be32(fixed, 0).unwrap_or_default()),
            stream: StreamId(be16(fixed, 4).unwrap_or_default()),
            ssn: Ssn(be16(fixed, 6).unwrap_or_default()),
            ppid: Ppid(be32(fixed, 8).unwrap_or_default()),
            payload,
        })
    }
}

/// A DATA chunk to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// Its flags.
    pub flags: DataFlags,
    /// Its TSN.
    pub tsn: Tsn,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub ssn: Ssn,
    /// Payload protocol identifier.
    pub ppid: Ppid,
    /// User data, not empty.
    pub payload: Vec<u8>,
}

impl Data {
    /// Bytes of a DATA chunk before its user data, chunk header included.
    pub const HEADER_LENGTH: usize = 16;

    pub(super) fn from_view(view: &DataView<'_>) -> Result<Self, Error> {
        if view.payload.is_empty() {
            return Err(Error::NoUserData { tsn: view.tsn });
        }
        Ok(Self {
            flags: view.flags,
            tsn: view.tsn,
            stream: view.stream,
            ssn: view.ssn,
            ppid: view.ppid,
            payload: view.payload.to_vec(),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tsn.0.to_be_bytes());
        out.extend_from_slice(&self.stream.0.to_be_bytes());
        out.extend_from_slice(&self.ssn.0.to_be_bytes());
        out.extend_from_slice(&self.ppid.0.to_be_bytes());
        out.extend_from_slice(&self.payload);
    }
}
