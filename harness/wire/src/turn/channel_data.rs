//! `ChannelData` messages (RFC 8656 §12.4).
//!
//! ```text
//! |        channel number         |            length             |
//! |                       application data ...                    |
//! ```

use std::fmt;

const HEADER_LEN: usize = 4;

/// A channel number: 0x4000 to 0x4fff (RFC 8656 §12).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelNumber(u16);

impl ChannelNumber {
    /// The lowest.
    pub const MIN: Self = Self(0x4000);
    /// The highest.
    pub const MAX: Self = Self(0x4fff);

    /// `None` outside the range.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= Self::MIN.0 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}

impl fmt::Debug for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How bytes are not a valid `ChannelData` message, or data does not fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelDataError {
    /// Fewer than four bytes.
    #[error("parse {len} bytes as a ChannelData header of 4")]
    Short {
        /// Bytes there are.
        len: usize,
    },
    /// A channel number outside 0x4000..=0x4fff.
    #[error("accept channel number 0x{found:04x}")]
    ChannelNumber {
        /// The number.
        found: u16,
    },
    /// The length field counts more bytes than follow.
    #[error("parse ChannelData of length {declared} with {available} bytes following")]
    Truncated {
        /// The length field.
        declared: u16,
        /// Bytes after the header.
        available: usize,
    },
    /// Data too long for the length field.
    #[error("encode ChannelData of {len} bytes")]
    TooLong {
        /// Bytes of data.
        len: usize,
    },
}

/// Bytes seen as a `ChannelData` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelDataView<'a> {
    bytes: &'a [u8],
}

impl<'a> ChannelDataView<'a> {
    /// Looks at bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes looked at.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The number, in range or not.
    #[must_use]
    pub fn number(&self) -> Option<u16> {
        self.bytes.first_chunk::<2>().copied().map(u16::from_be_bytes)
    }

    /// The length field.
    #[must_use]
    pub fn declared_len(&self) -> Option<u16> {
        self.bytes.first_chunk::<4>().map(|&[_, _, high, low]| u16::from_be_bytes([high, low]))
    }

    /// The data, as far as it is there.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        let declared = self.declared_len().map_or(0, usize::from);
        let rest = self.bytes.get(HEADER_LEN..).unwrap_or_default();
        rest.get(..declared).unwrap_or(rest)
    }

    /// What follows the data: padding, which UDP allows and TCP requires (RFC 8656 §12.5).
    #[must_use]
    pub fn trailing(&self) -> &'a [u8] {
        self.bytes.get(HEADER_LEN + self.data().len()..).unwrap_or_default()
    }
}

/// A valid `ChannelData` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The channel.
    pub channel: ChannelNumber,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Reads a message; what follows the data is ignored (RFC 8656 §12.6).
    ///
    /// # Errors
    /// The header is not whole, the number not in range, or data is missing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ChannelDataError> {
        let Some((&[n0, n1, l0, l1], rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Err(ChannelDataError::Short { len: bytes.len() });
        };
        let found = u16::from_be_bytes([n0, n1]);
        let channel = ChannelNumber::new(found).ok_or(ChannelDataError::ChannelNumber { found })?;
        let declared = u16::from_be_bytes([l0, l1]);
        let data = rest
            .get(..usize::from(declared))
            .ok_or(ChannelDataError::Truncated { declared, available: rest.len() })?;
        Ok(Self { channel, data })
    }

    /// Appends the message as UDP carries it: without padding.
    ///
    /// # Errors
    /// The data is longer than 65535 bytes; nothing is appended then.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), ChannelDataError> {
        let len = u16::try_from(self.data.len())
            .map_err(|_| ChannelDataError::TooLong { len: self.data.len() })?;
        out.extend_from_slice(&self.channel.0.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(self.data);
        Ok(())
    }

    /// Appends the message as TCP and TLS carry it: padded to four bytes (RFC 8656 §12.5).
    ///
    /// # Errors
    /// The data is longer than 65535 bytes; nothing is appended then.
    pub fn encode_padded_into(&self, out: &mut Vec<u8>) -> Result<(), ChannelDataError> {
        self.encode_into(out)?;
        let missing = self.data.len().wrapping_neg() & 3;
        out.extend_from_slice(&[0; 3][..missing]);
        Ok(())
    }
}
