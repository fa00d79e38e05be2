//! What holds for every STUN message and for any bytes at all.

use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::*;
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Check, Class, EncodeError, ErrorCode, Fingerprint,
    Icmp, Key, Malformed, Message, Method, PasswordAlgorithm, Seal, Standing, TransactionId, View,
};
use rtcspec_wire::turn::{ChannelData, ChannelDataView, ChannelNumber};

fn family() -> impl Strategy<Value = AddressFamily> {
    prop_oneof![Just(AddressFamily::V4), Just(AddressFamily::V6)]
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<std::net::IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

fn error_code() -> impl Strategy<Value = ErrorCode> {
    (300..700u16, ".{0,40}")
        .prop_map(|(code, why)| ErrorCode::with_reason(code, why).expect("in range"))
}

fn algorithm() -> impl Strategy<Value = PasswordAlgorithm> {
    let bytes = vec(any::<u8>(), 0..9);
    (any::<u16>(), bytes).prop_map(|(number, parameters)| PasswordAlgorithm { number, parameters })
}

fn stun_attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        address().prop_map(Attribute::MappedAddress),
        address().prop_map(Attribute::XorMappedAddress),
        address().prop_map(Attribute::AlternateServer),
        address().prop_map(Attribute::ResponseOrigin),
        address().prop_map(Attribute::OtherAddress),
        ".{0,60}".prop_map(Attribute::Username),
        ".{0,60}".prop_map(Attribute::Realm),
        ".{0,60}".prop_map(Attribute::Software),
        ".{0,20}".prop_map(Attribute::AlternateDomain),
        vec(any::<u8>(), 0..60).prop_map(Attribute::Nonce),
        any::<[u8; 32]>().prop_map(Attribute::UserHash),
        error_code().prop_map(Attribute::ErrorCode),
        vec(algorithm(), 0..4).prop_map(Attribute::PasswordAlgorithms),
        algorithm().prop_map(Attribute::PasswordAlgorithm),
        vec(any::<u16>().prop_map(AttributeType), 0..5).prop_map(Attribute::UnknownAttributes),
        (any::<bool>(), any::<bool>()).prop_map(|(ip, port)| Attribute::ChangeRequest { ip, port }),
        any::<u16>().prop_map(Attribute::ResponsePort),
        vec(any::<u8>(), 0..60).prop_map(Attribute::Padding),
    ]
}

fn ice_or_turn_attribute() -> impl Strategy<Value = Attribute> {
    prop_oneof![
        any::<u32>().prop_map(Attribute::Priority),
        Just(Attribute::UseCandidate),
        any::<u64>().prop_map(Attribute::IceControlled),
        any::<u64>().prop_map(Attribute::IceControlling),
        (any::<u16>(), any::<u16>()).prop_map(|(id, cost)| Attribute::NetworkInfo { id, cost }),
        (0x4000..=0x4fffu16).prop_map(|number| Attribute::ChannelNumber(
            ChannelNumber::new(number).expect("in range")
        )),
        any::<u32>().prop_map(Attribute::Lifetime),
        address().prop_map(Attribute::XorPeerAddress),
        address().prop_map(Attribute::XorRelayedAddress),
        vec(any::<u8>(), 0..60).prop_map(Attribute::Data),
        family().prop_map(Attribute::RequestedAddressFamily),
        family().prop_map(Attribute::AdditionalAddressFamily),
        any::<bool>().prop_map(|reserve_next| Attribute::EvenPort { reserve_next }),
        any::<u8>().prop_map(Attribute::RequestedTransport),
        Just(Attribute::DontFragment),
        any::<[u8; 8]>().prop_map(Attribute::ReservationToken),
        (family(), error_code())
            .prop_map(|(family, error)| Attribute::AddressErrorCode { family, error }),
        (0..128u8, 0..512u16, any::<[u8; 4]>())
            .prop_map(|(ty, code, data)| Attribute::Icmp(Icmp { ty, code, data })),
        (0xc100..0xd000u16, vec(any::<u8>(), 0..20))
            .prop_map(|(ty, bytes)| Attribute::Unknown { ty: AttributeType(ty), bytes }),
    ]
}

prop_compose! {
    fn message()(
        class in prop_oneof![
            Just(Class::Request), Just(Class::Indication),
            Just(Class::SuccessResponse), Just(Class::ErrorResponse),
        ],
        method in 0..0x1000u16,
        id in any::<[u8; 12]>(),
        attributes in vec(prop_oneof![stun_attribute(), ice_or_turn_attribute()], 0..6),
    ) -> Message {
        let method = Method::new(method).expect("twelve bits");
        Message { class, method, id: TransactionId(id), attributes }
    }
}

proptest! {
    #[test]
    fn a_message_survives_encoding_under_any_seal(
        message in message(),
        password in ".{0,30}",
        sha1: bool,
        sha256 in proptest::option::of(16..=32usize),
        fingerprint: bool,
    ) {
        let key = Key::short_term(&password);
        let mut seal = Seal::none();
        if sha1 { seal = seal.integrity(&key); }
        if let Some(len) = sha256 { seal = seal.integrity_sha256_truncated(&key, len); }
        if fingerprint { seal = seal.fingerprint(); }
        let bytes = message.encode(&seal).expect("short");
        let view = View::new(&bytes);
        let expected = |present| if present { Check::Valid } else { Check::Absent };
        prop_assert_eq!(view.verify_integrity(&key), expected(sha1));
        prop_assert_eq!(view.verify_integrity_sha256(&key), expected(sha256.is_some()));
        let valid = if fingerprint { Fingerprint::Valid } else { Fingerprint::Absent };
        prop_assert_eq!(view.fingerprint(), valid);
        prop_assert_eq!(Message::parse(&bytes), Ok(message));
    }

    #[test]
    fn another_key_verifies_nothing(message in message(), a in "[a-z]{8}", b in "[A-Z]{8}") {
        let key = Key::short_term(&a);
        let seal = Seal::none().integrity(&key).integrity_sha256(&key);
        let bytes = message.encode(&seal).expect("short");
        let other = Key::short_term(&b);
        prop_assert_eq!(View::new(&bytes).verify_integrity(&other), Check::Invalid);
        prop_assert_eq!(View::new(&bytes).verify_integrity_sha256(&other), Check::Invalid);
    }

    #[test]
    fn any_bytes_are_viewed_without_panic_and_consistently(
        mut bytes in vec(any::<u8>(), 0..200),
        make_plausible: bool,
    ) {
        if make_plausible && bytes.len() >= 20 {
            let len = (bytes.len() - 20) as u16;
            bytes[0] &= 0x3f;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        let view = View::new(&bytes);
        let key = Key::short_term("password");
        let _ = (view.fingerprint(), view.verify_integrity(&key), view.is_classic());
        let _ = (view.verify_integrity_sha256(&key), view.trailing(), view.error_code());
        let id = view.transaction_id().unwrap_or(TransactionId([0; 12]));
        for attribute in view.attributes() {
            let end = attribute.offset + 4 + attribute.value.len();
            prop_assert_eq!(&bytes[attribute.offset + 4..end], attribute.value);
            let _ = attribute.decode(id);
        }
        prop_assert_eq!(view.check().err(), view.defects().next());
        if Message::parse(&bytes).is_ok() {
            prop_assert_eq!(view.check(), Ok(()));
        }
    }

    #[test]
    fn a_parsed_message_encodes_to_one_that_parses_alike(mut bytes in vec(any::<u8>(), 0..64)) {
        bytes.truncate(bytes.len() & !3);
        let len = (bytes.len() as u16).to_be_bytes();
        let mut all = vec![0, 1, len[0], len[1], 0x21, 0x12, 0xa4, 0x42];
        all.extend_from_slice(&[9; 12]);
        all.extend_from_slice(&bytes);
        if let Ok(message) = Message::parse(&all) {
            let again = message.encode(&Seal::none()).expect("it fitted before");
            prop_assert_eq!(Message::parse(&again), Ok(message));
        }
    }

    #[test]
    fn channel_data_survives_and_any_bytes_are_viewed(
        number in 0x4000..=0x4fffu16,
        data in vec(any::<u8>(), 0..40),
        junk in vec(any::<u8>(), 0..40),
    ) {
        let channel = ChannelNumber::new(number).expect("in range");
        let mut out = Vec::new();
        ChannelData { channel, data: &data }.encode_padded_into(&mut out).expect("short");
        prop_assert_eq!(out.len() % 4, 0);
        prop_assert_eq!(ChannelData::parse(&out), Ok(ChannelData { channel, data: &data }));
        let view = ChannelDataView::new(&junk);
        prop_assert_eq!(ChannelData::parse(&junk).ok().map(|it| it.data),
            ChannelData::parse(&junk).ok().map(|_| view.data()));
        prop_assert!(view.data().len() + view.trailing().len() <= junk.len());
    }
}

fn sealed() -> Vec<u8> {
    let key = Key::short_term("key");
    Message::request(Method::BINDING, TransactionId([1; 12]))
        .with(Attribute::Username("u".into()))
        .encode(&Seal::none().integrity(&key).integrity_sha256(&key).fingerprint())
        .expect("short")
}

#[test]
fn attributes_after_the_protection_are_shown_but_ignored() {
    let mut bytes = sealed();
    bytes.extend_from_slice(&[0x00, 0x25, 0, 0]);
    let len = (bytes.len() - 20) as u16;
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    let view = View::new(&bytes);
    let standings: Vec<_> = view.attributes().map(|a| (a.standing, a.is_ignored())).collect();
    assert_eq!(
        standings,
        [
            (Standing::Body, false),
            (Standing::Body, false),
            (Standing::AfterIntegrity, false),
            (Standing::AfterIntegritySha256, false),
            (Standing::AfterFingerprint, true),
        ]
    );
    assert!(!view.has(AttributeType::USE_CANDIDATE));
    assert_eq!(view.fingerprint(), Fingerprint::NotLast);
    assert_eq!(view.verify_integrity(&Key::short_term("key")), Check::Valid);
}

// A name was taken for understanding.
#[test]
fn whether_an_attribute_is_understood_is_for_the_receiver_to_say() {
    let unknown = AttributeType(0x7fee);
    let bytes = Message::request(Method::BINDING, TransactionId([1; 12]))
        .with(Attribute::Priority(1))
        .with(Attribute::Lifetime(600))
        .with(Attribute::Unknown { ty: unknown, bytes: vec![] })
        .with(Attribute::IceControlled(1))
        .encode(&Seal::none())
        .expect("short");
    let view = View::new(&bytes);
    let not_understood =
        |understood: fn(AttributeType) -> bool| view.not_understood(understood).collect::<Vec<_>>();
    let but_priority = not_understood(|ty| ty == AttributeType::PRIORITY);
    assert_eq!(but_priority, [AttributeType::LIFETIME, unknown]);
    assert_eq!(not_understood(|_| true), []);
    assert_eq!(view.unknown_required().collect::<Vec<_>>(), [unknown]);
}

#[test]
fn each_defect_is_named() {
    let good = sealed();
    let with = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        View::new(&bytes).check().expect_err("changed")
    };
    let len = (good.len() - 20) as u16;
    assert_eq!(with(|b| b.truncate(19)), Malformed::Short { len: 19 });
    assert_eq!(with(|b| b[0] |= 0x80), Malformed::TopBits { first: 0x80 });
    assert_eq!(with(|b| b[4] = 0), Malformed::Cookie { found: 0x0012_a442 });
    assert_eq!(with(|b| b[3] += 1), Malformed::Unaligned { declared: len + 1 });
    let available = usize::from(len) + 1;
    assert_eq!(with(|b| b.push(0)), Malformed::LengthMismatch { declared: len, available });
    let ty = AttributeType::FINGERPRINT;
    let offset = good.len() - 8;
    assert_eq!(
        with(|b| {
            let at = b.len() - 5;
            b[at] = 5;
        }),
        Malformed::AttributeOverrun { offset, ty, declared: 5, available: 4 }
    );
}

// It was told not to be last.
#[test]
fn a_fingerprint_that_is_cut_short_is_invalid_where_it_stands() {
    let good = sealed();
    for cut in 1..=4 {
        assert_eq!(View::new(&good[..good.len() - cut]).fingerprint(), Fingerprint::Invalid);
    }
    for declared in [5, 8] {
        let mut longer = good.clone();
        let at = longer.len() - 5;
        longer[at] = declared;
        assert_eq!(View::new(&longer).fingerprint(), Fingerprint::Invalid);
    }
}

#[test]
fn a_message_of_classic_stun_is_recognised() {
    let mut bytes = vec![0, 1, 0, 8];
    bytes.extend_from_slice(&[7; 16]);
    bytes.extend_from_slice(&[0, 3, 0, 4, 0, 0, 0, 6]);
    let view = View::new(&bytes);
    assert!(view.is_classic());
    assert_eq!(view.classic_transaction_id(), Some([7; 16]));
    assert!(!View::new(&sealed()).is_classic());
}

#[test]
fn values_too_long_for_their_attribute_are_not_encoded() {
    let message = Message::request(Method::BINDING, TransactionId([1; 12]));
    let long = message.clone().with(Attribute::Username("u".repeat(509)));
    let mut buffer = vec![1, 2, 3];
    assert!(long.encode_into(&mut buffer, &Seal::none()).is_err());
    assert_eq!(buffer, []);
    let huge = message.with(Attribute::Data(vec![0; 65524]));
    assert!(huge.encode(&Seal::none()).is_ok());
    assert!(huge.encode(&Seal::none().fingerprint()).is_err());
}

// They were written, and refused when they were read.
#[test]
fn texts_of_128_characters_are_not_encoded_and_shorter_ones_are_read_again() {
    let message = Message::request(Method::BINDING, TransactionId([1; 12]));
    let encoded = |attribute| message.clone().with(attribute).encode(&Seal::none());
    for one in ["x", "\u{1f600}"] {
        let of = |count: usize| {
            let text = one.repeat(count);
            [
                Attribute::Realm(text.clone()),
                Attribute::Software(text.clone()),
                Attribute::Nonce(text.into_bytes()),
            ]
        };
        for attribute in of(127) {
            let bytes = encoded(attribute.clone()).expect("short enough");
            assert_eq!(Message::parse(&bytes).expect("valid").attributes, [attribute]);
        }
        for attribute in of(128) {
            let ty = attribute.ty();
            let expected = EncodeError::Characters { ty, found: 128, limit: 128 };
            assert_eq!(encoded(attribute), Err(expected));
        }
        assert!(ErrorCode::with_reason(400, one.repeat(127)).is_some());
        assert_eq!(ErrorCode::with_reason(400, one.repeat(128)), None);
    }
    // A nonce that is no text comes back to who made it.
    assert!(encoded(Attribute::Nonce(vec![0xff; 763])).is_ok());
}

#[test]
fn icmp_types_and_codes_beyond_their_bits_are_not_encoded() {
    let message = Message::indication(Method::DATA, TransactionId([1; 12]));
    for (icmp, value, max) in [
        (Icmp { ty: 128, code: 0, data: [0; 4] }, 128, 0x7f),
        (Icmp { ty: 0, code: 512, data: [0; 4] }, 512, 0x1ff),
    ] {
        let ty = AttributeType::ICMP;
        let encoded = message.clone().with(Attribute::Icmp(icmp)).encode(&Seal::none());
        assert_eq!(encoded, Err(EncodeError::OutOfRange { ty, value, max }));
    }
}
