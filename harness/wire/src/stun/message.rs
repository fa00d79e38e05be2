//! A valid STUN message, owned.

use super::attribute::Attribute;
use super::attribute_type::AttributeType;
use super::decode::AttributeError;
use super::error_code::ErrorCode;
use super::header::{Class, MessageType, Method, TransactionId};
use super::protection::Fingerprint;
use super::view::{Malformed, View};
use super::writer::{EncodeError, Seal, Writer};

/// A message's meaning: what it is and its attributes in order, without the protection at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Request, indication or response.
    pub class: Class,
    /// What it is about.
    pub method: Method,
    /// Joins a response to its request.
    pub id: TransactionId,
    /// In the order they are sent.
    pub attributes: Vec<Attribute>,
}

/// Why bytes are not a valid message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Header or attribute structure.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// FINGERPRINT is there but wrong, or not last.
    #[error("accept a message whose FINGERPRINT is {0:?}")]
    Fingerprint(Fingerprint),
    /// A value that its definition does not allow.
    #[error("parse {ty} at offset {offset}: {source}")]
    Attribute {
        /// Which attribute.
        ty: AttributeType,
        /// Where it starts, from the start of the message.
        offset: usize,
        /// What is wrong.
        source: AttributeError,
    },
}

impl Message {
    /// A message without attributes.
    #[must_use]
    pub const fn new(class: Class, method: Method, id: TransactionId) -> Self {
        Self { class, method, id, attributes: Vec::new() }
    }

    /// A request without attributes.
    #[must_use]
    pub const fn request(method: Method, id: TransactionId) -> Self {
        Self::new(Class::Request, method, id)
    }

    /// An indication without attributes.
    #[must_use]
    pub const fn indication(method: Method, id: TransactionId) -> Self {
        Self::new(Class::Indication, method, id)
    }

    /// A success response without attributes.
    #[must_use]
    pub const fn success(method: Method, id: TransactionId) -> Self {
        Self::new(Class::SuccessResponse, method, id)
    }

    /// An error response with its ERROR-CODE.
    #[must_use]
    pub fn error(method: Method, id: TransactionId, error: ErrorCode) -> Self {
        Self::new(Class::ErrorResponse, method, id).with(Attribute::ErrorCode(error))
    }

    /// Adds an attribute at the end.
    #[must_use]
    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Reads a message. Attributes that a receiver must ignore for their place are left out;
    /// integrity is not checked ([`View::verify_integrity`]), FINGERPRINT is.
    ///
    /// # Errors
    /// The bytes are not a well-formed message, a known attribute's value is not valid, or
    /// FINGERPRINT does not fit.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let view = View::new(bytes);
        view.check()?;
        if let wrong @ (Fingerprint::Invalid | Fingerprint::NotLast) = view.fingerprint() {
            return Err(ParseError::Fingerprint(wrong));
        }
        Self::from_checked(&view)
    }

    /// Reads a view that [`View::check`] has found well-formed.
    fn from_checked(view: &View<'_>) -> Result<Self, ParseError> {
        let short = Malformed::Short { len: view.as_bytes().len() };
        let MessageType { class, method } = view.message_type().ok_or(short)?;
        let id = view.transaction_id().ok_or(short)?;
        let mut attributes = Vec::with_capacity(8);
        for attribute in view.attributes().filter(|attribute| !attribute.is_ignored()) {
            let (ty, offset) = (attribute.ty, attribute.offset);
            let at = |source| ParseError::Attribute { ty, offset, source };
            match protection_len(ty) {
                Some((min, max)) => {
                    check_len(attribute.value.len(), min, max).map_err(at)?;
                }
                None => attributes.push(attribute.decode(id).map_err(at)?),
            }
        }
        Ok(Self { class, method, id, attributes })
    }

    /// Class and method.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        MessageType { class: self.class, method: self.method }
    }

    /// The first attribute of a type.
    #[must_use]
    pub fn attribute(&self, ty: AttributeType) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.ty() == ty)
    }

    /// The bytes.
    ///
    /// # Errors
    /// An attribute is not what its definition allows, or the message is too long.
    pub fn encode(&self, seal: &Seal<'_>) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(128);
        self.encode_into(&mut out, seal)?;
        Ok(out)
    }

    /// Replaces a buffer's content by the bytes.
    ///
    /// # Errors
    /// An attribute is not what its definition allows, or the message is too long; the buffer is
    /// empty then.
    pub fn encode_into(&self, out: &mut Vec<u8>, seal: &Seal<'_>) -> Result<(), EncodeError> {
        let mut writer = Writer::new(out, self.message_type(), self.id);
        for attribute in &self.attributes {
            writer.attribute(attribute);
        }
        writer.finish(seal)
    }
}

/// Shortest and longest value of an attribute that protects a message, `None` for any other.
const fn protection_len(ty: AttributeType) -> Option<(usize, usize)> {
    match ty {
        AttributeType::MESSAGE_INTEGRITY => Some((20, 20)),
        AttributeType::MESSAGE_INTEGRITY_SHA256 => Some((16, 32)),
        AttributeType::FINGERPRINT => Some((4, 4)),
        _ => None,
    }
}

fn check_len(found: usize, min: usize, max: usize) -> Result<(), AttributeError> {
    if (min..=max).contains(&found) && found.is_multiple_of(4) {
        Ok(())
    } else {
        Err(AttributeError::Length { found, min, max })
    }
}
