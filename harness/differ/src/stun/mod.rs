//! STUN and TURN messages.

mod ours;
#[cfg(feature = "foreign")]
mod theirs;

use rtcspec_fuzz::mutate;
use rtcspec_wire::stun::{AttributeType, AttributeView, Method, View};

use crate::format::{Condition, Format};
use crate::parser::Parser;

/// Class and method as they are on the wire, the transaction, and each attribute before integrity.
const FIELDS: &[&str] = &[
    "type",
    "transaction",
    "attribute",
    "value",
    "mapped-address",
    "xor-mapped-address",
    "alternate-server",
    "xor-peer-address",
    "xor-relayed-address",
];

/// Messages of RFC 8489 and RFC 8656.
pub(crate) const FORMAT: Format = Format {
    name: "stun",
    target: "stun_parse",
    is_text: false,
    fields: FIELDS,
    ours: Parser { name: "rtcspec", tells: FIELDS, read: ours::read },
    theirs,
    conditions: CONDITIONS,
    repair: |input| rtcspec_wire::stun::repair(input, mutate::stun::key()),
};

fn theirs() -> Vec<Parser> {
    #[cfg(feature = "foreign")]
    return theirs::ALL.to_vec();
    #[cfg(not(feature = "foreign"))]
    Vec::new()
}

/// The types of attributes that RFC 5389 and RFC 8445 require to be understood.
const LONG_KNOWN: [u16; 10] =
    [0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x0014, 0x0015, 0x0020, 0x0024, 0x0025];

fn any(input: &[u8], is: impl Fn(&AttributeView<'_>) -> bool) -> bool {
    View::new(input).attributes().any(|attribute| is(&attribute))
}

const fn has_address(ty: AttributeType) -> bool {
    matches!(ty.0, 0x0001 | 0x0012 | 0x0016 | 0x0020 | 0x8023 | 0x802b | 0x802c)
}

const CONDITIONS: &[Condition] = &[
    // RFC 8489 §5: methods other than Binding exist.
    Condition {
        name: "other-method",
        holds: |input| {
            View::new(input).message_type().is_some_and(|ty| ty.method != Method::BINDING)
        },
    },
    // RFC 8489 §14.1: the first byte of an address is ignored by receivers.
    Condition {
        name: "address-first-byte",
        holds: |input| {
            any(input, |attribute| {
                has_address(attribute.ty) && attribute.value.first().is_some_and(|byte| *byte != 0)
            })
        },
    },
    // RFC 8489 §14.8: the bits before class and number are ignored by receivers.
    Condition {
        name: "error-reserved-bits",
        holds: |input| {
            any(input, |attribute| {
                attribute.ty == AttributeType::ERROR_CODE
                    && matches!(attribute.value, [a, b, class, ..] if *a | *b | class & 0xf8 != 0)
            })
        },
    },
    // RFC 8489 §14.8: the class is from 3 to 6.
    Condition {
        name: "error-class-6",
        holds: |input| {
            any(input, |attribute| {
                attribute.ty == AttributeType::ERROR_CODE
                    && matches!(attribute.value, [_, _, class, ..] if class & 7 == 6)
            })
        },
    },
    // RFC 8489 §18.3: 0x8020 is not XOR-MAPPED-ADDRESS, whatever drafts had.
    Condition {
        name: "draft-xor-mapped-address",
        holds: |input| any(input, |attribute| attribute.ty.0 == 0x8020),
    },
    // RFC 8489 §14.7: the checksum is of the bytes received.
    Condition {
        name: "fingerprint-of-what-was-sent",
        holds: |input| View::new(input).has(AttributeType::FINGERPRINT),
    },
    // RFC 8489 §14.10: a nonce is text; those who do not make it only give it back.
    Condition {
        name: "nonce-not-text",
        holds: |input| {
            any(input, |attribute| {
                attribute.ty == AttributeType::NONCE && attribute.as_str().is_none()
            })
        },
    },
    // RFC 8489 §14.5, §14.6, §14.7: whatever follows integrity or fingerprint is ignored.
    Condition {
        name: "ignored-attribute",
        holds: |input| View::new(input).attributes().any(|it| it.is_ignored()),
    },
    // RFC 8489 §14: unknown comprehension-optional attributes are passed over.
    Condition {
        name: "unknown-optional",
        holds: |input| {
            any(input, |it| {
                it.ty.0 >= 0x8000 && !matches!(it.ty.0, 0x8022 | 0x8023 | 0x8028..=0x802a)
            })
        },
    },
    // RFC 8489 §6.3: unknown comprehension-required attributes are answered, so they are read.
    Condition {
        name: "unknown-required",
        holds: |input| any(input, |it| it.ty.0 < 0x8000 && !LONG_KNOWN.contains(&it.ty.0)),
    },
];
