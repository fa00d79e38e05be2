//! Checking FINGERPRINT and the two integrity attributes of a message.

use super::attribute_type::AttributeType;
use super::header::HEADER_LEN;
use super::key::Key;
use super::view::{AttributeView, View};

/// RFC 8489 §14.7: the mask of the CRC.
pub(super) const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// Outcome of checking an integrity attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The message has no such attribute, or has it only where it must be ignored.
    Absent,
    /// It was made with this key over these bytes.
    Valid,
    /// It was not, or has a length it cannot have.
    Invalid,
}

/// Outcome of checking FINGERPRINT (RFC 8489 §14.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprint {
    /// The message has none.
    Absent,
    /// It stands last and fits the message.
    Valid,
    /// It stands last and does not fit, or has not four bytes.
    Invalid,
    /// Something follows it.
    NotLast,
}

impl View<'_> {
    /// Checks FINGERPRINT.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut attributes = self.attributes();
        let found = loop {
            match attributes.next() {
                None => return Fingerprint::Absent,
                Some(found) if found.ty == AttributeType::FINGERPRINT => break found,
                Some(_) => {}
            }
        };
        if !attributes.is_at_end() {
            return Fingerprint::NotLast;
        }
        let fits = found.as_u32() == Some(self.expected_fingerprint(&found));
        if fits && !found.is_truncated() { Fingerprint::Valid } else { Fingerprint::Invalid }
    }

    /// What FINGERPRINT has to be in the place of an attribute of this message (RFC 8489 §14.7).
    #[must_use]
    #[inline]
    pub fn expected_fingerprint(&self, attribute: &AttributeView<'_>) -> u32 {
        fingerprint_of(self.as_bytes().get(..attribute.offset).unwrap_or_default())
    }

    /// What MESSAGE-INTEGRITY has to be under a key in the place of an attribute of this message
    /// (RFC 8489 §14.5); `None` beyond what a message's length can say.
    #[must_use]
    pub fn expected_integrity(&self, attribute: &AttributeView<'_>, key: &Key) -> Option<[u8; 20]> {
        let (header, rest) = self.covered_by(attribute)?;
        Some(key.hmac_sha1(&header, rest))
    }

    /// The same of MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6), before it is truncated.
    #[must_use]
    pub fn expected_integrity_sha256(
        &self,
        attribute: &AttributeView<'_>,
        key: &Key,
    ) -> Option<[u8; 32]> {
        let (header, rest) = self.covered_by(attribute)?;
        Some(key.hmac_sha256(&header, rest))
    }

    /// Checks MESSAGE-INTEGRITY (RFC 8489 §14.5).
    #[must_use]
    pub fn verify_integrity(&self, key: &Key) -> Check {
        let Some(found) = self.attribute(AttributeType::MESSAGE_INTEGRITY) else {
            return Check::Absent;
        };
        match self.expected_integrity(&found, key) {
            Some(mac) if equal(found.value, &mac) => Check::Valid,
            _ => Check::Invalid,
        }
    }

    /// Checks MESSAGE-INTEGRITY-SHA256, whole or truncated (RFC 8489 §14.6).
    #[must_use]
    pub fn verify_integrity_sha256(&self, key: &Key) -> Check {
        let Some(found) = self.attribute(AttributeType::MESSAGE_INTEGRITY_SHA256) else {
            return Check::Absent;
        };
        // RFC 8489 §14.6: 16 to 32 bytes, a multiple of four.
        let len = found.value.len();
        if !(16..=32).contains(&len) || !len.is_multiple_of(4) {
            return Check::Invalid;
        }
        let expected = self.expected_integrity_sha256(&found, key);
        match expected.as_ref().and_then(|mac| mac.get(..len)) {
            Some(mac) if equal(mac, found.value) => Check::Valid,
            _ => Check::Invalid,
        }
    }

    /// What an integrity attribute covers: the header with a length that ends at the attribute,
    /// and the attributes before it (RFC 8489 §14.5).
    fn covered_by(&self, attribute: &AttributeView<'_>) -> Option<([u8; HEADER_LEN], &[u8])> {
        let (header, _) = self.as_bytes().split_first_chunk::<HEADER_LEN>()?;
        let rest = self.as_bytes().get(HEADER_LEN..attribute.offset)?;
        let end = rest.len() + 4 + attribute.value.len();
        let mut header = *header;
        header[2..4].copy_from_slice(&u16::try_from(end).ok()?.to_be_bytes());
        Some((header, rest))
    }
}

/// The FINGERPRINT value for a message up to that attribute.
#[inline]
pub(super) fn fingerprint_of(covered: &[u8]) -> u32 {
    crc32fast::hash(covered) ^ FINGERPRINT_XOR
}

/// Compares without telling by the time taken where two codes differ.
#[inline]
fn equal(a: &[u8], b: &[u8]) -> bool {
    // Codes are multiples of four bytes long.
    let (a, b) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let differing = |acc: u32, (x, y): (&[u8; 4], &[u8; 4])| {
        acc | (u32::from_ne_bytes(*x) ^ u32::from_ne_bytes(*y))
    };
    a.1 == b.1 && a.0.len() == b.0.len() && a.0.iter().zip(b.0).fold(0, differing) == 0
}
