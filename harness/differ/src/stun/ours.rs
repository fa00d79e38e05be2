//! STUN as our parser reads it.

use rtcspec_wire::stun::{
    Attribute, AttributeError, AttributeType, Malformed, Message, ParseError, Standing, View,
};

use crate::account::{Account, Fields};

pub(super) fn read(input: &[u8]) -> Account<'_> {
    match Message::parse(input) {
        Ok(message) => Account::Read(fields(&View::new(input), &message)),
        Err(error) => Account::because(cause(&error), error),
    }
}

/// The value of attributes before integrity as they stand, and their addresses.
fn fields<'a>(view: &View<'a>, message: &Message) -> Fields<'a> {
    let mut fields = Fields::new();
    fields.put("type", message.message_type().bits());
    fields.put("transaction", message.id.0.to_vec());
    for attribute in view.attributes().filter(|attribute| attribute.standing == Standing::Body) {
        if is_protection(attribute.ty) {
            break;
        }
        fields.put("attribute", attribute.ty.0).put("value", attribute.value);
        if let Some((name, address)) = attribute.decode(message.id).ok().and_then(address) {
            fields.put(name, address);
        }
    }
    fields
}

const fn is_protection(ty: AttributeType) -> bool {
    matches!(
        ty,
        AttributeType::MESSAGE_INTEGRITY
            | AttributeType::MESSAGE_INTEGRITY_SHA256
            | AttributeType::FINGERPRINT
    )
}

/// The address of those attributes whose addresses are compared.
fn address(attribute: Attribute) -> Option<(&'static str, std::net::SocketAddr)> {
    match attribute {
        Attribute::MappedAddress(address) => Some(("mapped-address", address)),
        Attribute::XorMappedAddress(address) => Some(("xor-mapped-address", address)),
        Attribute::AlternateServer(address) => Some(("alternate-server", address)),
        Attribute::XorPeerAddress(address) => Some(("xor-peer-address", address)),
        Attribute::XorRelayedAddress(address) => Some(("xor-relayed-address", address)),
        _ => None,
    }
}

const fn cause(error: &ParseError) -> &'static str {
    match error {
        ParseError::Malformed(malformed) => match malformed {
            Malformed::Short { .. } => "short",
            Malformed::TopBits { .. } => "top-bits",
            Malformed::Cookie { .. } => "cookie",
            Malformed::Unaligned { .. } => "unaligned-length",
            Malformed::LengthMismatch { declared, available } => {
                if (*declared as usize) < *available { "bytes-after" } else { "bytes-missing" }
            }
            Malformed::AttributeHeader { .. } => "attribute-header",
            Malformed::AttributeOverrun { .. } => "attribute-overrun",
            _ => "malformed",
        },
        ParseError::Fingerprint(_) => "fingerprint",
        ParseError::Attribute { ty, source, .. } => match source {
            AttributeError::Length { .. } if is_protection(*ty) => "protection-length",
            AttributeError::Length { .. } => "value-length",
            AttributeError::Characters { .. } => "too-many-characters",
            AttributeError::Family(_) => "address-family",
            AttributeError::AddressLength { .. } => "address-length",
            AttributeError::NotUtf8 => "not-utf8",
            AttributeError::ErrorCode { .. } => "error-code",
            AttributeError::ChannelNumber(_) => "channel-number",
            _ => "value",
        },
        _ => "other",
    }
}
