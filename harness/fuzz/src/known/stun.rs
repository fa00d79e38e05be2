//! Rows about reading and writing STUN.

use rtcspec_wire::stun::{
    Attribute, Class, EncodeError, ErrorCode, Message, Method, ParseError, Seal, TransactionId,
    View,
};

use super::{Code, Input, Known, Others};
use crate::target::stun::plants;

/// A header of this type and length, and what is behind it.
macro_rules! message {
    ($high:literal $low:literal, $length:literal, $($byte:expr),* $(,)?) => {
        Input::Bytes(&[
            $high, $low, ($length >> 8) as u8, ($length & 0xff) as u8, 0x21, 0x12, 0xa4, 0x42,
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, $($byte),*
        ])
    };
}

type Read = fn(&[u8]) -> Result<Message, ParseError>;
type Write = fn(&Message, &Seal<'_>) -> Result<Vec<u8>, EncodeError>;

fn account(outcome: Result<Message, ParseError>) -> String {
    match outcome {
        Ok(message) => format!("{:?} with {:?}", message.class, message.attributes),
        Err(error) => error.to_string(),
    }
}

fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    account(code.pick(Message::parse as Read, theirs)(input))
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "stun/str0m-nineteen-bytes",
        row: Some(31),
        source: "str0m #709",
        cause: "of a header of 19 bytes 20 are subtracted: a panic",
        input: Input::Bytes(&[
            0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
        ]),
        right: "parse 19 bytes as a STUN header of 20",
        others: Others::Run("stun/nineteen-bytes"),
        play: |code, input| reads(code, plants::nineteen_bytes, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/rtc-reason-not-utf8",
        row: Some(33),
        source: "webrtc-rs/rtc #64",
        cause: "a reason phrase that is not UTF-8: a panic",
        input: message!(1 0x11, 12, 0, 9, 0, 6, 0, 0, 4, 1, 0xff, 0xfe, 0, 0),
        right: "parse ERROR-CODE at offset 20: decode text that is not UTF-8",
        others: Others::Run("stun/reason-not-utf8"),
        play: |code, input| reads(code, plants::reason_not_utf8, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/mediasoup-attribute-past-end",
        row: Some(35),
        source: "mediasoup #244",
        cause: "an attribute that ends behind the message: bytes of the heap are read",
        input: message!(0 1, 8, 0, 6, 1, 0, b'a', b'b', b'c', b'd'),
        right: "parse USERNAME at offset 20: length 256, 4 bytes left",
        others: Others::Run("stun/attribute-past-end"),
        play: |code, input| reads(code, plants::attribute_past_end, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/aioice-xor-address-too-long",
        row: Some(36),
        source: "aioice #79, stun-coder 2.0.0",
        cause: "an XOR address is longer than the mask: IndexError, a panic",
        input: message!(
            1 1, 28, 0, 0x20, 0, 24, 0, 2, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
            15, 16, 17, 18, 19,
        ),
        right: "parse XOR-MAPPED-ADDRESS at offset 20: decode an address of family 2 with 24 bytes",
        others: Others::Run("stun/xor-address-too-long"),
        play: |code, input| reads(code, plants::long_xor_address, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/coturn-length-wraps",
        row: Some(40),
        source: "coturn #1844, #1964",
        cause: "a length that is padded in sixteen bits becomes 0",
        input: message!(0 1, 8, 0, 6, 0xff, 0xfe, 0, 0, 0, 0),
        right: "parse USERNAME at offset 20: length 65534, 4 bytes left",
        others: Others::Run("stun/attribute-length-wraps"),
        play: |code, input| reads(code, plants::length_wraps, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/coturn-padding-leaks",
        row: Some(41),
        source: "coturn CVE-2020-4067",
        cause: "padding of attributes is what was in memory",
        input: Input::Events("a realm of 5 bytes and a reason of 7 are written"),
        right: "padding [0, 0, 0, 0]",
        others: Others::Nobody("rules of the audit look at the padding of whatever is sent"),
        play: |code, _| {
            let message = Message::new(Class::Request, Method::BINDING, TransactionId([7; 12]))
                .with(Attribute::Realm("realm".to_owned()));
            let message = match ErrorCode::with_reason(400, "reasons") {
                Some(error) => message.with(Attribute::ErrorCode(error)),
                None => message,
            };
            let write: Write = code.pick(Message::encode as Write, plants::padding_leaks);
            let bytes = write(&message, &Seal::none()).unwrap_or_default();
            let ends = View::new(&bytes).attributes().flat_map(|attribute| {
                let end = attribute.offset + 4 + attribute.value.len();
                bytes[end..end.next_multiple_of(4)].to_vec()
            });
            format!("padding {:?}", ends.collect::<Vec<u8>>())
        },
        ..Known::USUAL
    },
    Known {
        id: "stun/rtc-stun-top-bits",
        row: Some(64),
        source: "rtc-stun 0.21.1, stun-types 2.0, measured 2026-11-23",
        cause: "a type with its top bits set is accepted",
        input: message!(0x80 1, 0,),
        right: "parse a STUN message whose first byte is 0x80",
        others: Others::Parsers("stun"),
        play: |code, input| reads(code, plants::top_bits, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/rtc-stun-length-not-in-fours",
        row: Some(64),
        source: "rtc-stun 0.21.1, stun-types 2.0, measured 2026-11-23",
        cause: "a length that is not a multiple of four is accepted",
        input: message!(0 1, 2, 0, 0),
        right: "parse a STUN message of length 2, not a multiple of four",
        others: Others::Run("stun/length-not-in-fours"),
        play: |code, input| reads(code, any_length, input),
        ..Known::USUAL
    },
    Known {
        id: "stun/rtc-stun-trailing",
        row: Some(64),
        source: "rtc-stun 0.21.1, stun-types 2.0, measured 2026-11-23",
        cause: "bytes that the length does not count are accepted, and lost",
        input: message!(0 1, 0, 0, 6, 0, 0),
        right: "parse a STUN message of declared length 0 with 4 bytes following",
        others: Others::Parsers("stun"),
        play: |code, input| reads(code, plants::trailing, input),
        ..Known::USUAL
    },
];

fn any_length(bytes: &[u8]) -> Result<Message, ParseError> {
    let mut whole = bytes.to_vec();
    whole.truncate(bytes.len() / 4 * 4);
    let length = (whole.len() - 20) as u16;
    whole[2..4].copy_from_slice(&length.to_be_bytes());
    Message::parse(&whole)
}
