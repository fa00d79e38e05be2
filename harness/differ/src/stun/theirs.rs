//! STUN as other crates read it.

use std::net::SocketAddr;

use bytecodec::DecodeExt as _;
use stun_codec::define_attribute_enums;
use stun_codec::rfc5389::attributes::*;
use stun_codec::rfc5766::attributes::*;

use crate::account::{Account, Fields};
use crate::parser::Parser;

pub(super) const ALL: &[Parser] = &[
    Parser {
        name: "stun-types",
        tells: &[
            "type",
            "transaction",
            "attribute",
            "value",
            "xor-mapped-address",
            "alternate-server",
        ],
        read: stun_types,
    },
    Parser { name: "rtc-stun", tells: super::FIELDS, read: rtc_stun },
    Parser {
        name: "stun_codec",
        tells: &[
            "type",
            "transaction",
            "mapped-address",
            "xor-mapped-address",
            "alternate-server",
            "xor-peer-address",
            "xor-relayed-address",
        ],
        read: stun_codec,
    },
    Parser { name: "stun-coder", tells: &["type", "transaction"], read: stun_coder },
];

const ENDS: [u16; 3] = [0x0008, 0x001c, 0x8028];

/// The field for the address in an attribute of this type.
const fn address_field(ty: u16) -> Option<&'static str> {
    Some(match ty {
        0x0001 => "mapped-address",
        0x0020 => "xor-mapped-address",
        0x8023 => "alternate-server",
        0x0012 => "xor-peer-address",
        0x0016 => "xor-relayed-address",
        _ => return None,
    })
}

fn stun_types(input: &[u8]) -> Account<'_> {
    use stun_types::attribute::{
        AlternateServer, Attribute as _, AttributeFromRaw, RawAttribute, XorMappedAddress,
    };
    use stun_types::message::Message;
    fn from<'a, T: AttributeFromRaw<'a>>(raw: &'a RawAttribute<'_>) -> Option<T> {
        T::from_raw_ref(raw).ok()
    }
    let message = match Message::from_bytes(input) {
        Ok(message) => message,
        Err(error) => return Account::refused(error),
    };
    let mut fields = Fields::new();
    let mut ty = [0; 2];
    message.get_type().write_into(&mut ty);
    let id = message.transaction_id();
    fields.put("type", u16::from_be_bytes(ty));
    fields.put("transaction", u128::from(id).to_be_bytes()[4..].to_vec());
    for (_, attribute) in message.iter_attributes() {
        let ty = attribute.get_type().value();
        if ENDS.contains(&ty) {
            break;
        }
        fields.put("attribute", ty).put("value", attribute.value.to_vec());
        if let Some(found) = from::<XorMappedAddress>(&attribute) {
            fields.put("xor-mapped-address", found.addr(id));
        }
        if let Some(found) = from::<AlternateServer>(&attribute) {
            fields.put("alternate-server", found.server());
        }
    }
    Account::Read(fields)
}

fn rtc_stun(input: &[u8]) -> Account<'_> {
    use rtc_stun::addr::MappedAddress as Mapped;
    use rtc_stun::message::Message;
    use rtc_stun::xoraddr::XorMappedAddress as Xored;
    let mut message = Message::new();
    if let Err(error) = message.unmarshal_binary(input) {
        return Account::refused(error);
    }
    let mut fields = Fields::new();
    fields.put("type", message.typ.value()).put("transaction", message.transaction_id.0.to_vec());
    for attribute in &message.attributes.0 {
        let ty = attribute.typ.value();
        if ENDS.contains(&ty) {
            break;
        }
        fields.put("attribute", ty).put("value", attribute.value.clone());
        let Some(field) = address_field(ty) else { continue };
        // Their getters look for the first of a type: each is asked in a message of its own.
        let mut alone = Message::new();
        alone.transaction_id = message.transaction_id;
        alone.attributes.0.push(attribute.clone());
        let (mut mapped, mut xored) = (Mapped::default(), Xored::default());
        let found = if matches!(ty, 0x0001 | 0x8023) {
            mapped.get_from_as(&alone, attribute.typ).map(|()| (mapped.ip, mapped.port))
        } else {
            xored.get_from_as(&alone, attribute.typ).map(|()| (xored.ip, xored.port))
        };
        if let Ok((ip, port)) = found {
            fields.put(field, SocketAddr::new(ip, port));
        }
    }
    Account::Read(fields)
}

define_attribute_enums!(
    Known,
    KnownDecoder,
    KnownEncoder,
    [
        MappedAddress,
        Username,
        MessageIntegrity,
        ErrorCode,
        UnknownAttributes,
        Realm,
        Nonce,
        XorMappedAddress,
        Software,
        AlternateServer,
        Fingerprint,
        ChannelNumber,
        Lifetime,
        XorPeerAddress,
        Data,
        XorRelayAddress,
        EvenPort,
        RequestedTransport,
        DontFragment,
        ReservationToken
    ]
);

fn stun_codec(input: &[u8]) -> Account<'_> {
    use stun_codec::{MessageClass, MessageDecoder};
    let message = match MessageDecoder::<Known>::new().decode_from_bytes(input) {
        Ok(Ok(message)) => message,
        Ok(Err(broken)) => return Account::refused(said(broken.error())),
        Err(error) => return Account::refused(said(&error)),
    };
    let class = match message.class() {
        MessageClass::Request => 0x000,
        MessageClass::Indication => 0x010,
        MessageClass::SuccessResponse => 0x100,
        MessageClass::ErrorResponse => 0x110,
    };
    let mut fields = Fields::new();
    fields.put("type", class | spread(message.method().as_u16()));
    fields.put("transaction", message.transaction_id().as_bytes().to_vec());
    for attribute in message.attributes() {
        match attribute {
            Known::MessageIntegrity(_) | Known::Fingerprint(_) => break,
            Known::MappedAddress(found) => fields.put("mapped-address", found.address()),
            Known::XorMappedAddress(found) => fields.put("xor-mapped-address", found.address()),
            Known::AlternateServer(found) => fields.put("alternate-server", found.address()),
            Known::XorPeerAddress(found) => fields.put("xor-peer-address", found.address()),
            Known::XorRelayAddress(found) => fields.put("xor-relayed-address", found.address()),
            _ => &mut fields,
        };
    }
    Account::Read(fields)
}

/// What failed, without the values that it failed for and the places it came by.
fn said(error: &bytecodec::Error) -> String {
    let text = error.to_string();
    let mut parts = text.lines().next().unwrap_or_default().split("; ");
    let (kind, cause) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{kind} {}", cause.replace('`', ""))
}

/// RFC 8489 §5: where the twelve bits of a method are, around the two of the class.
const fn spread(method: u16) -> u16 {
    method & 0x0f | (method & 0x70) << 1 | (method & 0xf80) << 2
}

fn stun_coder(input: &[u8]) -> Account<'_> {
    use stun_coder::{StunMessage, StunMessageClass};
    let message = match StunMessage::decode(input, None) {
        Ok(message) => message,
        Err(error) => return Account::refused(chain(&error)),
    };
    let header = message.get_header();
    let class = match header.message_class {
        StunMessageClass::Request => 0x000,
        StunMessageClass::Indication => 0x010,
        StunMessageClass::SuccessResponse => 0x100,
        StunMessageClass::ErrorResponse => 0x110,
    };
    let mut fields = Fields::new();
    fields.put("type", class | 1u16).put("transaction", header.transaction_id.to_vec());
    Account::Read(fields)
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error} {}", chain(source)),
        None => error.to_string(),
    }
}
