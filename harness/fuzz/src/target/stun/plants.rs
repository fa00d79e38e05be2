//! Bugs of others' STUN code, built into copies of ours.

use rtcspec_wire::stun::{AttributeType, Check, Fingerprint, Malformed, Message, ParseError, View};

use super::{auth, parse};
use crate::target::Plant;

pub(super) const PARSE: &[Plant] = &[
    Plant {
        name: "stun-19-bytes",
        source: "str0m #709: `len - 20` of a header with 19 bytes",
        body: |case| {
            parse::body(case, &parse::Subject { read: nineteen_bytes, ..parse::Subject::OURS })
        },
    },
    Plant {
        name: "stun-reason-not-utf8",
        source: "rtc #64: a reason phrase that is not UTF-8",
        body: |case| {
            parse::body(case, &parse::Subject { read: reason_not_utf8, ..parse::Subject::OURS })
        },
    },
    Plant {
        name: "stun-xor-address-too-long",
        source: "aioice #79, stun-coder 2.0.0: an XOR address longer than the mask",
        body: |case| {
            parse::body(case, &parse::Subject { read: long_xor_address, ..parse::Subject::OURS })
        },
    },
    Plant {
        name: "stun-attribute-past-end",
        source: "mediasoup #244: an attribute that ends after the message",
        body: |case| {
            parse::body(case, &parse::Subject { read: attribute_past_end, ..parse::Subject::OURS })
        },
    },
    Plant {
        name: "stun-length-wraps",
        source: "coturn #1844, #1964: a padded length that wraps in sixteen bits",
        body: |case| {
            parse::body(case, &parse::Subject { read: length_wraps, ..parse::Subject::OURS })
        },
    },
    Plant {
        name: "stun-top-bits",
        source: "rtc-stun, stun-types: a type with its top bits set is accepted",
        body: |case| parse::body(case, &parse::Subject { read: top_bits, ..parse::Subject::OURS }),
    },
    Plant {
        name: "stun-trailing",
        source: "rtc-stun, stun-types: a length that does not say what follows is accepted",
        body: |case| parse::body(case, &parse::Subject { read: trailing, ..parse::Subject::OURS }),
    },
    Plant {
        name: "stun-padding-leaks",
        source: "coturn CVE-2020-4067: padding is what was in memory",
        body: |case| {
            parse::body(case, &parse::Subject { write: padding_leaks, ..parse::Subject::OURS })
        },
    },
];

pub(super) const AUTH: &[Plant] = &[
    Plant {
        name: "integrity-not-checked",
        source: "metaRTC #113: MESSAGE-INTEGRITY is looked for, not checked",
        body: |case| {
            auth::body(
                case,
                &auth::Subject { integrity: |view, _| present(view), ..auth::Subject::OURS },
            )
        },
    },
    Plant {
        name: "integrity-short-code",
        source: "a truncated SHA-256 code compared as far as it goes",
        body: |case| {
            let subject = auth::Subject { integrity_sha256: short_code, ..auth::Subject::OURS };
            auth::body(case, &subject)
        },
    },
    Plant {
        name: "integrity-length-not-rewritten",
        source: "integrity over the length of the whole message, FINGERPRINT and all",
        body: |case| {
            auth::body(case, &auth::Subject { integrity: whole_length, ..auth::Subject::OURS })
        },
    },
    Plant {
        name: "fingerprint-anywhere",
        source: "FINGERPRINT is right wherever it stands",
        body: |case| {
            auth::body(case, &auth::Subject { fingerprint: anywhere, ..auth::Subject::OURS })
        },
    },
];

pub(crate) fn nineteen_bytes(bytes: &[u8]) -> Result<Message, ParseError> {
    if bytes.len() >= 19 && bytes[..8] == [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42] {
        assert!(bytes.len() >= 20, "attempt to subtract with overflow");
    }
    Message::parse(bytes)
}

pub(crate) fn reason_not_utf8(bytes: &[u8]) -> Result<Message, ParseError> {
    if let Some(value) = View::new(bytes).value(AttributeType::ERROR_CODE)
        && let Some(reason) = value.get(4..)
    {
        std::str::from_utf8(reason).expect("text");
    }
    Message::parse(bytes)
}

pub(crate) fn long_xor_address(bytes: &[u8]) -> Result<Message, ParseError> {
    if let Some(value) = View::new(bytes).value(AttributeType::XOR_MAPPED_ADDRESS)
        && let Some(address) = value.get(4..)
    {
        let mask = &bytes[4..20];
        let _: Vec<u8> = address.iter().enumerate().map(|(nth, byte)| byte ^ mask[nth]).collect();
    }
    Message::parse(bytes)
}

pub(crate) fn attribute_past_end(bytes: &[u8]) -> Result<Message, ParseError> {
    let view = View::new(bytes);
    if view.check_header().is_ok() {
        for attribute in view.attributes() {
            let end = attribute.offset + 4 + usize::from(attribute.declared);
            let _ = &bytes[attribute.offset..end];
        }
    }
    Message::parse(bytes)
}

pub(crate) fn length_wraps(bytes: &[u8]) -> Result<Message, ParseError> {
    if View::new(bytes).check_header().is_ok() {
        let mut at = 20;
        let mut steps = 0;
        while let Some(&[a, b]) = bytes.get(at + 2..).and_then(|rest| rest.first_chunk::<2>()) {
            at += 4 + usize::from(u16::from_be_bytes([a, b]).wrapping_add(3) & 0xfffc);
            steps += 1;
            assert!(steps < 10_000, "an endless loop");
            if u16::from_be_bytes([a, b]) > 0xfffc {
                // Padded, it is 0: the reader goes on inside the attribute.
                at -= 4;
            }
        }
    }
    Message::parse(bytes)
}

pub(crate) fn top_bits(bytes: &[u8]) -> Result<Message, ParseError> {
    let mut bytes = bytes.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first &= 0x3f;
    }
    Message::parse(&bytes)
}

pub(crate) fn trailing(bytes: &[u8]) -> Result<Message, ParseError> {
    match Message::parse(bytes) {
        Err(ParseError::Malformed(Malformed::LengthMismatch { declared, available }))
            if usize::from(declared) < available =>
        {
            Message::parse(&bytes[..20 + usize::from(declared)])
        }
        outcome => outcome,
    }
}

pub(crate) fn padding_leaks(
    message: &Message,
    seal: &rtcspec_wire::stun::Seal<'_>,
) -> Result<Vec<u8>, rtcspec_wire::stun::EncodeError> {
    let mut out = message.encode(seal)?;
    let ends: Vec<usize> = View::new(&out)
        .attributes()
        .map(|attribute| attribute.offset + 4 + attribute.value.len())
        .collect();
    for end in ends {
        out[end..end.next_multiple_of(4)].fill(0xdd);
    }
    Ok(out)
}

pub(crate) fn present(view: &View<'_>) -> Check {
    if view.has(AttributeType::MESSAGE_INTEGRITY) { Check::Valid } else { Check::Absent }
}

fn short_code(view: &View<'_>, key: &rtcspec_wire::stun::Key) -> Check {
    let Some(found) = view.attribute(AttributeType::MESSAGE_INTEGRITY_SHA256) else {
        return Check::Absent;
    };
    let expected = view.expected_integrity_sha256(&found, key).unwrap_or_default();
    let same = found.value.iter().zip(&expected).all(|(a, b)| a == b);
    if same { Check::Valid } else { Check::Invalid }
}

fn whole_length(view: &View<'_>, key: &rtcspec_wire::stun::Key) -> Check {
    let last = view.attributes().last().map(|attribute| attribute.ty);
    match view.verify_integrity(key) {
        Check::Valid if last != Some(AttributeType::MESSAGE_INTEGRITY) => Check::Invalid,
        outcome => outcome,
    }
}

fn anywhere(view: &View<'_>) -> Fingerprint {
    let Some(found) = view.attributes().find(|other| other.ty == AttributeType::FINGERPRINT) else {
        return Fingerprint::Absent;
    };
    if found.as_u32() == Some(view.expected_fingerprint(&found)) {
        Fingerprint::Valid
    } else {
        Fingerprint::Invalid
    }
}
