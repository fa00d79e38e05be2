//! A lossless view over the bytes of a STUN message, however malformed.

use std::net::SocketAddr;

use super::attribute::Attribute;
use super::attribute_type::AttributeType;
use super::decode::{self, AttributeError};
use super::error_code::ErrorCodeView;
use super::header::{HEADER_LEN, MAGIC_COOKIE, MessageType, TransactionId};

/// Bytes seen as a STUN message. Nothing is checked when it is made and no accessor panics; ask
/// [`check`](Self::check) for the first defect or [`defects`](Self::defects) for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    bytes: &'a [u8],
}

/// One way in which bytes are not a well-formed STUN message (RFC 8489 §5, §6.3, §14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Fewer bytes than a header has.
    #[error("parse {len} bytes as a STUN header of 20")]
    Short {
        /// Bytes there are.
        len: usize,
    },
    /// The two highest bits of the first byte are not zero.
    #[error("parse a STUN message whose first byte is 0x{first:02x}")]
    TopBits {
        /// The first byte.
        first: u8,
    },
    /// Another cookie, as classic STUN (RFC 3489) sends.
    #[error("parse a STUN message with cookie 0x{found:08x}")]
    Cookie {
        /// The four bytes.
        found: u32,
    },
    /// The length field is not a multiple of four.
    #[error("parse a STUN message of length {declared}, not a multiple of four")]
    Unaligned {
        /// The length field.
        declared: u16,
    },
    /// The length field does not say what follows the header.
    #[error("parse a STUN message of declared length {declared} with {available} bytes following")]
    LengthMismatch {
        /// The length field.
        declared: u16,
        /// Bytes after the header.
        available: usize,
    },
    /// One to three bytes where the next attribute header should be.
    #[error("parse a STUN attribute header from {left} bytes at offset {offset}")]
    AttributeHeader {
        /// Where, from the start of the message.
        offset: usize,
        /// Bytes left.
        left: usize,
    },
    /// An attribute's value (with its padding) reaches past the end of the message.
    #[error("parse {ty} at offset {offset}: length {declared}, {available} bytes left")]
    AttributeOverrun {
        /// Where the attribute starts, from the start of the message.
        offset: usize,
        /// Which attribute.
        ty: AttributeType,
        /// Its length field.
        declared: u16,
        /// Bytes left for the value.
        available: usize,
    },
}

/// Where an attribute stands with respect to the attributes that end a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Before any of them.
    Body,
    /// After MESSAGE-INTEGRITY.
    AfterIntegrity,
    /// After MESSAGE-INTEGRITY-SHA256.
    AfterIntegritySha256,
    /// After FINGERPRINT.
    AfterFingerprint,
}

impl Standing {
    /// Where the attribute after one of this type stands.
    #[inline]
    fn after(self, ty: AttributeType) -> Self {
        match ty {
            AttributeType::MESSAGE_INTEGRITY => self.max(Self::AfterIntegrity),
            AttributeType::MESSAGE_INTEGRITY_SHA256 => self.max(Self::AfterIntegritySha256),
            AttributeType::FINGERPRINT => Self::AfterFingerprint,
            _ => self,
        }
    }
}

impl<'a> View<'a> {
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

    /// The first defect, in the order of [`Malformed`].
    ///
    /// # Errors
    /// The bytes are not a well-formed STUN message.
    #[inline]
    pub fn check(&self) -> Result<(), Malformed> {
        self.check_header()?;
        self.attributes().finish()
    }

    /// The first defect of the header, its length field included.
    ///
    /// # Errors
    /// The header is not that of a STUN message with these bytes.
    #[inline]
    pub fn check_header(&self) -> Result<(), Malformed> {
        let Some(header) = self.bytes.first_chunk::<HEADER_LEN>() else {
            return Err(Malformed::Short { len: self.bytes.len() });
        };
        let &[first, _, l0, l1, c0, c1, c2, c3, ..] = header;
        let declared = u16::from_be_bytes([l0, l1]);
        let available = self.bytes.len() - HEADER_LEN;
        let cookie = u32::from_be_bytes([c0, c1, c2, c3]);
        if first & 0xc0 != 0 {
            Err(Malformed::TopBits { first })
        } else if cookie != MAGIC_COOKIE {
            Err(Malformed::Cookie { found: cookie })
        } else if declared & 3 != 0 {
            Err(Malformed::Unaligned { declared })
        } else if usize::from(declared) != available {
            Err(Malformed::LengthMismatch { declared, available })
        } else {
            Ok(())
        }
    }

    /// Every defect.
    #[must_use]
    pub const fn defects(&self) -> Defects<'a> {
        Defects { view: *self, step: 0 }
    }

    /// Class and method, whatever the top two bits are.
    #[must_use]
    #[inline]
    pub fn message_type(&self) -> Option<MessageType> {
        u16_at(self.bytes, 0).map(MessageType::from_bits)
    }

    /// The length field.
    #[must_use]
    #[inline]
    pub fn declared_len(&self) -> Option<u16> {
        u16_at(self.bytes, 2)
    }

    /// The magic cookie's four bytes.
    #[must_use]
    #[inline]
    pub fn cookie(&self) -> Option<u32> {
        u32_at(self.bytes, 4)
    }

    /// The transaction id of RFC 5389 and later.
    #[must_use]
    #[inline]
    pub fn transaction_id(&self) -> Option<TransactionId> {
        self.bytes.get(8..HEADER_LEN)?.try_into().ok().map(TransactionId)
    }

    /// The transaction id of classic STUN, which takes in the cookie (RFC 3489 §11.1).
    #[must_use]
    pub fn classic_transaction_id(&self) -> Option<[u8; 16]> {
        self.bytes.get(4..HEADER_LEN)?.try_into().ok()
    }

    /// True for what looks like a message of classic STUN: everything fits but the cookie
    /// (RFC 8489 §11).
    #[must_use]
    pub fn is_classic(&self) -> bool {
        let mut defects = self.defects();
        matches!(defects.next(), Some(Malformed::Cookie { .. })) && defects.next().is_none()
    }

    /// Bytes after the end that the length field declares.
    #[must_use]
    pub fn trailing(&self) -> &'a [u8] {
        self.bytes.get(self.end()..).unwrap_or_default()
    }

    /// The attributes in order, up to the declared or actual end, whichever comes first.
    #[must_use]
    #[inline]
    pub fn attributes(&self) -> Attributes<'a> {
        let end = self.end();
        Attributes {
            rest: self.bytes.get(HEADER_LEN..end).unwrap_or_default(),
            end,
            standing: Standing::Body,
            overrun: false,
        }
    }

    /// The first attribute of a type that a receiver must not ignore for its place
    /// ([`AttributeView::is_ignored`]).
    #[must_use]
    #[inline]
    pub fn attribute(&self, ty: AttributeType) -> Option<AttributeView<'a>> {
        let mut attributes = self.attributes();
        loop {
            let attribute = attributes.next_of(ty)?;
            if !attribute.is_ignored() {
                return Some(attribute);
            }
        }
    }

    /// True if there is such an attribute, as for USE-CANDIDATE and DONT-FRAGMENT.
    #[must_use]
    pub fn has(&self, ty: AttributeType) -> bool {
        self.attribute(ty).is_some()
    }

    /// The value of such an attribute.
    #[must_use]
    pub fn value(&self, ty: AttributeType) -> Option<&'a [u8]> {
        self.attribute(ty).map(|attribute| attribute.value)
    }

    /// USERNAME if it is text.
    #[must_use]
    pub fn username(&self) -> Option<&'a str> {
        self.attribute(AttributeType::USERNAME)?.as_str()
    }

    /// REALM if it is text.
    #[must_use]
    pub fn realm(&self) -> Option<&'a str> {
        self.attribute(AttributeType::REALM)?.as_str()
    }

    /// NONCE.
    #[must_use]
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::NONCE)
    }

    /// SOFTWARE if it is text.
    #[must_use]
    pub fn software(&self) -> Option<&'a str> {
        self.attribute(AttributeType::SOFTWARE)?.as_str()
    }

    /// ERROR-CODE.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCodeView<'a>> {
        ErrorCodeView::new(self.value(AttributeType::ERROR_CODE)?)
    }

    /// PRIORITY if well-formed (RFC 8445 §7.1.1).
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        self.attribute(AttributeType::PRIORITY)?.as_u32()
    }

    /// ICE-CONTROLLED if well-formed.
    #[must_use]
    pub fn ice_controlled(&self) -> Option<u64> {
        self.attribute(AttributeType::ICE_CONTROLLED)?.as_u64()
    }

    /// ICE-CONTROLLING if well-formed.
    #[must_use]
    pub fn ice_controlling(&self) -> Option<u64> {
        self.attribute(AttributeType::ICE_CONTROLLING)?.as_u64()
    }

    /// LIFETIME in seconds if well-formed.
    #[must_use]
    pub fn lifetime(&self) -> Option<u32> {
        self.attribute(AttributeType::LIFETIME)?.as_u32()
    }

    /// DATA.
    #[must_use]
    pub fn data(&self) -> Option<&'a [u8]> {
        self.value(AttributeType::DATA)
    }

    /// XOR-MAPPED-ADDRESS if well-formed.
    #[must_use]
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        self.xor_address(AttributeType::XOR_MAPPED_ADDRESS)
    }

    /// XOR-RELAYED-ADDRESS if well-formed.
    #[must_use]
    pub fn xor_relayed_address(&self) -> Option<SocketAddr> {
        self.xor_address(AttributeType::XOR_RELAYED_ADDRESS)
    }

    /// XOR-PEER-ADDRESS if well-formed (the first: `CreatePermission` may carry several).
    #[must_use]
    pub fn xor_peer_address(&self) -> Option<SocketAddr> {
        self.xor_address(AttributeType::XOR_PEER_ADDRESS)
    }

    /// An attribute in the form of MAPPED-ADDRESS (RFC 8489 §14.1).
    #[must_use]
    pub fn address(&self, ty: AttributeType) -> Option<SocketAddr> {
        decode::address(self.value(ty)?).ok()
    }

    /// An attribute in the form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    #[must_use]
    pub fn xor_address(&self, ty: AttributeType) -> Option<SocketAddr> {
        decode::xor_address(self.value(ty)?, self.transaction_id()?).ok()
    }

    /// Attributes that must be understood and that the receiver does not (RFC 8489 §6.3.1).
    pub fn not_understood<F: Fn(AttributeType) -> bool>(
        &self,
        understood: F,
    ) -> impl Iterator<Item = AttributeType> + use<'a, F> {
        self.attributes()
            .filter(|attribute| !attribute.is_ignored())
            .map(|attribute| attribute.ty)
            .filter(move |ty| ty.is_comprehension_required() && !understood(*ty))
    }

    /// Those of them that have no name here: whoever the receiver is, it does not understand them.
    pub fn unknown_required(&self) -> impl Iterator<Item = AttributeType> + use<'a> {
        self.not_understood(|ty| ty.name().is_some())
    }

    /// Where the message ends: declared or actual, whichever comes first.
    #[inline]
    pub(super) fn end(&self) -> usize {
        let declared = self.declared_len().map_or(0, usize::from);
        (HEADER_LEN + declared).min(self.bytes.len())
    }

    /// Defect number `step` of the header, or of the attributes for the last step.
    fn defect(&self, step: u8) -> Option<Malformed> {
        let len = self.bytes.len();
        let declared = self.declared_len().unwrap_or_default();
        match step {
            0 => (len < HEADER_LEN).then_some(Malformed::Short { len }),
            1 => {
                let first = *self.bytes.first()?;
                (first & 0xc0 != 0).then_some(Malformed::TopBits { first })
            }
            2 => {
                let found = self.cookie()?;
                (found != MAGIC_COOKIE).then_some(Malformed::Cookie { found })
            }
            3 => (declared & 3 != 0).then_some(Malformed::Unaligned { declared }),
            4 => {
                let available = len.checked_sub(HEADER_LEN)?;
                (usize::from(declared) != available)
                    .then_some(Malformed::LengthMismatch { declared, available })
            }
            _ => self.attributes().finish().err(),
        }
    }
}

/// Iterator of [`View::defects`].
#[derive(Clone, Debug)]
pub struct Defects<'a> {
    view: View<'a>,
    step: u8,
}

impl Iterator for Defects<'_> {
    type Item = Malformed;

    fn next(&mut self) -> Option<Malformed> {
        while self.step <= 5 {
            self.step += 1;
            if let Some(defect) = self.view.defect(self.step - 1) {
                return Some(defect);
            }
        }
        None
    }
}

/// Iterator of [`View::attributes`]. An attribute that overruns the message is yielded last, with
/// the bytes there are.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// What is left, from the next attribute's header to the end of the message.
    rest: &'a [u8],
    /// Offset of the end of the message from its start.
    end: usize,
    standing: Standing,
    overrun: bool,
}

/// A whole attribute, without its place.
struct Raw<'a> {
    ty: AttributeType,
    declared: u16,
    value: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Reads to the end and says what is wrong there, if anything: lets one pass both read the
    /// attributes and check their structure.
    ///
    /// # Errors
    /// The attributes do not fill the message exactly.
    #[inline]
    pub fn finish(mut self) -> Result<(), Malformed> {
        while self.next_raw().is_some() {}
        if self.rest.is_empty() { Ok(()) } else { Err(self.defect()) }
    }

    /// True when nothing is left behind the attribute that was taken last, not even a broken one.
    #[inline]
    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty() || self.overrun
    }

    /// Offset of the next attribute from the start of the message.
    #[inline]
    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The next attribute; stops before an overrun.
    #[inline]
    fn next_raw(&mut self) -> Option<Raw<'a>> {
        let (&[t0, t1, l0, l1], tail) = self.rest.split_first_chunk::<4>()?;
        let declared = u16::from_be_bytes([l0, l1]);
        let (value, rest) = tail.split_at_checked(padded(declared))?;
        self.rest = rest;
        let value = value.get(..usize::from(declared))?;
        Some(Raw { ty: AttributeType(u16::from_be_bytes([t0, t1])), declared, value })
    }

    /// The next attribute of a type. Most have another one: they are passed over without being put
    /// together.
    #[inline]
    fn next_of(&mut self, wanted: AttributeType) -> Option<AttributeView<'a>> {
        while let Some(&[high, low]) = self.rest.first_chunk() {
            let ty = AttributeType(u16::from_be_bytes([high, low]));
            if ty == wanted {
                return self.next();
            }
            self.next_raw()?;
            self.standing = self.standing.after(ty);
        }
        None
    }

    /// What stopped [`next_raw`](Self::next_raw) before the end.
    #[cold]
    fn defect(&self) -> Malformed {
        let (offset, left) = (self.offset(), self.rest.len());
        match self.rest.split_first_chunk::<4>() {
            None => Malformed::AttributeHeader { offset, left },
            Some((&[t0, t1, l0, l1], value)) => Malformed::AttributeOverrun {
                offset,
                ty: AttributeType(u16::from_be_bytes([t0, t1])),
                declared: u16::from_be_bytes([l0, l1]),
                available: value.len(),
            },
        }
    }

    /// The attribute that overruns, once.
    #[cold]
    fn overrun(&mut self) -> Option<AttributeView<'a>> {
        let (&[t0, t1, l0, l1], value) = self.rest.split_first_chunk::<4>()?;
        if std::mem::replace(&mut self.overrun, true) {
            return None;
        }
        let declared = u16::from_be_bytes([l0, l1]);
        Some(AttributeView {
            offset: self.offset(),
            ty: AttributeType(u16::from_be_bytes([t0, t1])),
            declared,
            // Only the padding may be missing.
            value: value.get(..usize::from(declared)).unwrap_or(value),
            standing: self.standing,
        })
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = AttributeView<'a>;

    #[inline]
    fn next(&mut self) -> Option<AttributeView<'a>> {
        let offset = self.offset();
        let Some(Raw { ty, declared, value }) = self.next_raw() else {
            return if self.rest.is_empty() { None } else { self.overrun() };
        };
        let standing = self.standing;
        self.standing = standing.after(ty);
        Some(AttributeView { offset, ty, declared, value, standing })
    }
}

/// One attribute in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeView<'a> {
    /// Where its header starts, from the start of the message.
    pub offset: usize,
    /// Its type.
    pub ty: AttributeType,
    /// Its length field.
    pub declared: u16,
    /// Its value without padding; shorter than `declared` if the message ends too early.
    pub value: &'a [u8],
    /// What stands before it.
    pub standing: Standing,
}

impl<'a> AttributeView<'a> {
    /// RFC 8489 §14.5, §14.6, §14.7: true for an attribute a receiver must ignore because it
    /// stands after the ones that end a message.
    #[must_use]
    #[inline]
    pub fn is_ignored(&self) -> bool {
        match self.standing {
            Standing::Body => false,
            Standing::AfterIntegrity => !matches!(
                self.ty,
                AttributeType::MESSAGE_INTEGRITY_SHA256 | AttributeType::FINGERPRINT
            ),
            Standing::AfterIntegritySha256 => self.ty != AttributeType::FINGERPRINT,
            Standing::AfterFingerprint => true,
        }
    }

    /// True if the message ended before the value did.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.value.len() < usize::from(self.declared)
    }

    /// The value as text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value).ok()
    }

    /// A value of exactly four bytes.
    #[must_use]
    #[inline]
    pub fn as_u32(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// A value of exactly eight bytes.
    #[must_use]
    #[inline]
    pub fn as_u64(&self) -> Option<u64> {
        self.value.try_into().ok().map(u64::from_be_bytes)
    }

    /// A value in the form of MAPPED-ADDRESS.
    #[must_use]
    pub fn as_address(&self) -> Option<SocketAddr> {
        decode::address(self.value).ok()
    }

    /// A value in the form of XOR-MAPPED-ADDRESS, in a message with this transaction id.
    #[must_use]
    #[inline]
    pub fn as_xor_address(&self, id: TransactionId) -> Option<SocketAddr> {
        decode::xor_address(self.value, id).ok()
    }

    /// The typed value, in a message with this transaction id. Integrity and fingerprint
    /// attributes come back as [`Attribute::Unknown`]: they are no part of a message's value.
    ///
    /// # Errors
    /// The value is not what the attribute's definition allows.
    pub fn decode(&self, id: TransactionId) -> Result<Attribute, AttributeError> {
        if self.is_truncated() {
            let declared = usize::from(self.declared);
            return Err(AttributeError::Length {
                found: self.value.len(),
                min: declared,
                max: declared,
            });
        }
        decode::attribute(self.ty, self.value, id)
    }
}

/// A value's length with its padding (RFC 8489 §14).
#[inline]
pub(super) const fn padded(len: u16) -> usize {
    (len as usize + 3) & !3
}

#[inline]
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}
