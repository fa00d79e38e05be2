//! What comparing our parsers with those of others found in ours.

use rtcspec_wire::rtcp::{Packet as Rtcp, RtcpError};
use rtcspec_wire::sctp::{Checksum, Error, Packet, PacketView, set_checksum};
use rtcspec_wire::stun::{
    AttributeError, AttributeType, Class, Message, MessageType, Method, ParseError, Seal,
    TransactionId, Writer,
};

/// A message with one attribute of these bytes, however long.
fn with(ty: AttributeType, value: &[u8]) -> Result<Message, ParseError> {
    let kind = MessageType { class: Class::Request, method: Method::BINDING };
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, kind, TransactionId([7; 12]));
    writer.bytes(ty, value);
    writer.finish(&Seal::none()).expect("short");
    Message::parse(&bytes)
}

// stun_codec 0.4.0 counts characters (RFC 8489 §14.8, §14.9, §14.10, §14.14); we counted bytes.
#[test]
fn texts_of_128_characters_are_too_long_however_few_bytes_they_have() {
    let types = [AttributeType::REALM, AttributeType::NONCE, AttributeType::SOFTWARE];
    for ty in types {
        for letter in ["a", "\u{e4}", "\u{2603}"] {
            assert!(with(ty, letter.repeat(127).as_bytes()).is_ok(), "{ty} {letter}");
            let error = with(ty, letter.repeat(128).as_bytes()).expect_err("too long");
            let ParseError::Attribute { source, .. } = error else { panic!("{error}") };
            assert_eq!(source, AttributeError::Characters { found: 128, limit: 128 });
        }
    }
    let code = |reason: usize| [&[0, 0, 4, 1][..], &vec![b'a'; reason]].concat();
    assert!(with(AttributeType::ERROR_CODE, &code(127)).is_ok());
    assert!(with(AttributeType::ERROR_CODE, &code(128)).is_err());
    // What is no text is not counted: a nonce is given back as it came.
    assert!(with(AttributeType::NONCE, &[0xff; 200]).is_ok());
}

// rtc-sctp 0.21.1 and sctp-proto 0.10.8 refuse it (RFC 6525 §3.1).
#[test]
fn a_re_config_has_one_parameter_or_two() {
    let response = b"\0\x10\0\x0c\0\0\0\x01\0\0\0\x01";
    let read = |count: usize| {
        let mut bytes = b"\x13\x88\x13\x88\0\0\0\x01\0\0\0\0\x82\0\0".to_vec();
        bytes.push(4 + 12 * count as u8);
        bytes.extend(response.repeat(count));
        set_checksum(&mut bytes, Checksum::Crc32c);
        Packet::from_view(&PacketView::new(&bytes).expect("a header"))
    };
    for count in [0, 3] {
        assert_eq!(read(count), Err(Error::ReConfigParameters { count }));
    }
    assert!(read(1).is_ok() && read(2).is_ok());
}

// rtcp-types 0.3.0 measures it (RFC 3550 §6.5.8).
#[test]
fn the_prefix_of_a_private_item_is_within_it() {
    let read = |item: &[u8; 4]| {
        let bytes = [&b"\x81\xca\0\x03\0\0\0\x01\x08\x02"[..], &item[..2], b"\0\0\0\0"].concat();
        Rtcp::parse_compound(&bytes)
    };
    assert_eq!(read(b"\x02a\0\0"), Err(RtcpError::Truncated("prefix")));
    assert!(read(b"\x01a\0\0").is_ok());
    assert!(read(b"\0a\0\0").is_ok());
    let empty = b"\x81\xca\0\x02\0\0\0\x01\x08\0\0\0";
    assert_eq!(Rtcp::parse_compound(empty), Err(RtcpError::Truncated("prefix")));
}
