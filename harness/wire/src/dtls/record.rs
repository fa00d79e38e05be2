//! Records of a datagram: RFC 6347 §4.1, RFC 9146 §4, RFC 9147 §4.
//!
//! ```txt
//! plaintext (and all of 1.0 and 1.2)       unified (1.3, encrypted)
//!  type 1 | version 2 | epoch 2             0 0 1 C S L E E
//!  sequence number 6                        CID if C, length as negotiated
//!  CID if type is tls12_cid                 sequence number 1, or 2 if S
//!  length 2 | content                       length 2 if L | encrypted record
//! ```

use super::alert::Alert;
use super::cursor::Cursor;
use super::error::Error;
use super::handshake::HandshakeFragments;
use super::{ContentType, ProtocolVersion};

/// A record with the header of DTLS 1.0 and 1.2, which 1.3 keeps for what it does not encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaintextRecord<'a> {
    /// What it carries; meaningful inside an encrypted epoch too.
    pub content_type: ContentType,
    /// The version of the record layer.
    pub version: ProtocolVersion,
    /// Its epoch; above 0 the content is encrypted.
    pub epoch: u16,
    /// Its sequence number, 48 bits.
    pub sequence_number: u64,
    /// Connection id, empty unless the type is `tls12_cid`.
    pub cid: &'a [u8],
    /// What it carries.
    pub content: &'a [u8],
}

impl<'a> PlaintextRecord<'a> {
    /// Bytes of the header without a connection id.
    pub const HEADER_LENGTH: usize = 13;

    /// Whether the content is encrypted.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.epoch > 0
    }

    /// The alert of an alert record that is not encrypted.
    #[must_use]
    pub fn alert(&self) -> Option<Alert> {
        let readable = self.content_type == ContentType::ALERT && !self.is_encrypted();
        readable.then(|| Alert::read(self.content).ok()).flatten()
    }

    /// The handshake fragments of a handshake record that is not encrypted; none of others.
    #[must_use]
    pub fn handshake(&self) -> HandshakeFragments<'a> {
        let readable = self.content_type == ContentType::HANDSHAKE && !self.is_encrypted();
        HandshakeFragments::new(if readable { self.content } else { &[] })
    }

    #[inline]
    fn read(cursor: &mut Cursor<'a>, cid_length: usize) -> Option<Self> {
        let content_type = ContentType(cursor.u8()?);
        let version = ProtocolVersion(cursor.u16()?);
        let epoch = cursor.u16()?;
        let [a, b, c, d, e, f] = *cursor.array::<6>()?;
        let with_cid = content_type == ContentType::TLS12_CID;
        let cid = cursor.take(if with_cid { cid_length } else { 0 })?;
        Some(Self {
            content_type,
            version,
            epoch,
            sequence_number: u64::from_be_bytes([0, 0, a, b, c, d, e, f]),
            cid,
            content: cursor.vector16()?,
        })
    }
}

/// An encrypted record of DTLS 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnifiedRecord<'a> {
    /// The first byte.
    pub flags: u8,
    /// Connection id, empty unless the C bit is set.
    pub cid: &'a [u8],
    /// The sequence number's low bits as on the wire, that is, encrypted.
    pub sequence_number: u16,
    /// All header bytes; the additional data of the record's protection.
    pub header: &'a [u8],
    /// Ciphertext and tag.
    pub encrypted: &'a [u8],
}

impl<'a> UnifiedRecord<'a> {
    /// C: a connection id is present.
    #[must_use]
    pub const fn has_cid(&self) -> bool {
        self.flags & 0x10 != 0
    }

    /// S: the sequence number has 16 bits, not 8.
    #[must_use]
    pub const fn has_long_sequence_number(&self) -> bool {
        self.flags & 0x08 != 0
    }

    /// L: a length is present; without it the record is the datagram's last.
    #[must_use]
    pub const fn has_length(&self) -> bool {
        self.flags & 0x04 != 0
    }

    /// The low two bits of the epoch.
    #[must_use]
    pub const fn epoch_bits(&self) -> u8 {
        self.flags & 0x03
    }

    fn read(cursor: &mut Cursor<'a>, cid_length: usize) -> Option<Self> {
        let start = cursor.0;
        let flags = cursor.u8()?;
        let cid = cursor.take(if flags & 0x10 != 0 { cid_length } else { 0 })?;
        let sequence_number =
            if flags & 0x08 != 0 { cursor.u16()? } else { u16::from(cursor.u8()?) };
        let length = if flags & 0x04 != 0 { usize::from(cursor.u16()?) } else { cursor.0.len() };
        let header = start.get(..start.len() - cursor.0.len())?;
        Some(Self { flags, cid, sequence_number, header, encrypted: cursor.take(length)? })
    }
}

/// One record of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// With the header of DTLS 1.0 and 1.2.
    Plaintext(PlaintextRecord<'a>),
    /// With the unified header of DTLS 1.3.
    Unified(UnifiedRecord<'a>),
    /// What is left of the datagram and is no record.
    Malformed {
        /// The bytes.
        bytes: &'a [u8],
        /// What is wrong with them.
        error: Error,
    },
}

/// The records of a datagram in order; a malformed one ends the walk.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    cursor: Cursor<'a>,
    cid_length: usize,
}

impl<'a> Records<'a> {
    /// Walks a datagram of a connection without connection ids.
    #[must_use]
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self::with_cid_length(datagram, 0)
    }

    /// Walks a datagram to an endpoint that chose connection ids of this length.
    #[must_use]
    pub const fn with_cid_length(datagram: &'a [u8], cid_length: usize) -> Self {
        Self { cursor: Cursor(datagram), cid_length }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.cursor.0;
        // RFC 9147 §4.1: 20 to 26 begin the old header, 001xxxxx the unified one.
        let record = match *bytes.first()? {
            20..=26 => {
                PlaintextRecord::read(&mut self.cursor, self.cid_length).map(Record::Plaintext)
            }
            32..=63 => UnifiedRecord::read(&mut self.cursor, self.cid_length).map(Record::Unified),
            byte => {
                self.cursor = Cursor(&[]);
                return Some(Record::Malformed { bytes, error: Error::RecordType { byte } });
            }
        };
        record.or_else(|| {
            self.cursor = Cursor(&[]);
            let error = Error::Record { needed: needed(bytes), available: bytes.len() };
            Some(Record::Malformed { bytes, error })
        })
    }
}

/// Bytes the record at the start of `bytes` takes, as far as its header tells.
fn needed(bytes: &[u8]) -> usize {
    match bytes {
        [20..=24 | 26, _, _, _, _, _, _, _, _, _, _, high, low, ..] => {
            PlaintextRecord::HEADER_LENGTH + usize::from(u16::from_be_bytes([*high, *low]))
        }
        [20..=26, ..] => PlaintextRecord::HEADER_LENGTH,
        _ => bytes.len() + 1,
    }
}
