//! The test vectors of RFC 5769 and RFC 8489: bytes from outside anchor the codec.

use std::net::SocketAddr;

use rtcspec_wire::stun::{
    Attribute, Check, Class, Fingerprint, Key, Message, Method, PasswordAlgorithm, Seal, View,
};

/// §2.1, a connectivity check: 22-character short-term password.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
    802200105354554e207465737420636c69656e74\
    002400046e0001ff\
    80290008932ff9b151263b36\
    000600096576746a3a68367659202020\
    000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
    80280004e57a3bcf";
/// §2.2.
const IPV4_RESPONSE: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7\
    80280004c07d4c96";
/// §2.3.
const IPV6_RESPONSE: &str = "010100482112a442b7e7a701bc34d686fa87dfae\
    8022000b7465737420766563746f7220\
    002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9\
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41\
    80280004c8fb0b4c";
/// §2.4.
const LONG_TERM_REQUEST: &str = "000100602112a44278ad3433c6ad72c029da412e\
    00060012e3839ee38388e383aae38383e382afe382b90000\
    0015001c662f2f3439396b39353464364f4c33346f4c39465354767936347341\
    0014000b6578616d706c652e6f726700\
    00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";
/// RFC 8489 appendix B.1, as erratum 6268 has it.
const SHA256_REQUEST: &str = "000100902112a44278ad3433c6ad72c029da412e\
    001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704\
    001500296f624d61744a6f7332414141\
    43662f2f3439396b39353464364f4c33346f4c39465354767936347341000000\
    0014000b6578616d706c652e6f726700\
    001d000400020000\
    001c0020b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65";
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |at: u8| char::from(at).to_digit(16).expect("filtered") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn sample_request_reads_verifies_and_checks() {
    let bytes = bytes(REQUEST);
    let view = View::new(&bytes);
    assert_eq!(view.check(), Ok(()));
    assert_eq!(view.fingerprint(), Fingerprint::Valid);
    assert_eq!(view.verify_integrity(&Key::short_term(PASSWORD)), Check::Valid);
    assert_eq!(view.verify_integrity(&Key::short_term("other")), Check::Invalid);
    assert_eq!(view.verify_integrity_sha256(&Key::short_term(PASSWORD)), Check::Absent);
    assert_eq!(view.username(), Some("evtj:h6vY"));
    assert_eq!(view.software(), Some("STUN test client"));
    assert_eq!(view.priority(), Some(0x6e00_01ff));
    assert_eq!(view.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!((message.class, message.method), (Class::Request, Method::BINDING));
}

/// The vector pads USERNAME with spaces and we with zeros, so only the unpadded part is compared.
#[test]
fn sample_request_differs_from_ours_only_in_padding_and_what_covers_it() {
    let theirs = bytes(REQUEST);
    let key = Key::short_term(PASSWORD);
    let seal = Seal::none().integrity(&key).fingerprint();
    let ours = Message::parse(&theirs).expect("valid").encode(&seal).expect("fits");
    let username_end = 20 + 20 + 8 + 12 + 4 + 9;
    assert_eq!(ours[..username_end], theirs[..username_end]);
    assert_eq!(ours.len(), theirs.len());
    assert_eq!(View::new(&ours).verify_integrity(&key), Check::Valid);
    assert_eq!(View::new(&ours).fingerprint(), Fingerprint::Valid);
}

#[test]
fn sample_responses_carry_their_mapped_addresses() {
    for (hex, expected) in [
        (IPV4_RESPONSE, "192.0.2.1:32853"),
        (IPV6_RESPONSE, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = bytes(hex);
        let view = View::new(&bytes);
        let address: SocketAddr = expected.parse().expect("an address");
        assert_eq!(view.check(), Ok(()));
        assert_eq!(view.xor_mapped_address(), Some(address));
        assert_eq!(view.fingerprint(), Fingerprint::Valid);
        assert_eq!(view.verify_integrity(&Key::short_term(PASSWORD)), Check::Valid);
        let message = Message::parse(&bytes).expect("valid");
        assert_eq!(message.class, Class::SuccessResponse);
        assert_eq!(
            message.attributes,
            [Attribute::Software("test vector".into()), Attribute::XorMappedAddress(address)]
        );
    }
}

#[test]
fn long_term_request_verifies_and_encodes_to_the_same_bytes() {
    let bytes = bytes(LONG_TERM_REQUEST);
    let key = Key::long_term(
        "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}",
        "example.org",
        "TheMatrIX",
    );
    assert_eq!(View::new(&bytes).check(), Ok(()));
    assert_eq!(View::new(&bytes).fingerprint(), Fingerprint::Absent);
    assert_eq!(View::new(&bytes).verify_integrity(&key), Check::Valid);
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!(message.encode(&Seal::none().integrity(&key)).expect("fits"), bytes);
}

#[test]
fn sha256_request_with_user_hash_verifies_and_encodes_to_the_same_bytes() {
    let bytes = bytes(SHA256_REQUEST);
    let user = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";
    let key = Key::long_term_sha256(user, "example.org", "TheMatrIX");
    assert_eq!(View::new(&bytes).verify_integrity_sha256(&key), Check::Valid);
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!(message.attributes[0], Attribute::user_hash(user, "example.org"));
    assert_eq!(message.attributes[3], Attribute::PasswordAlgorithm(PasswordAlgorithm::SHA256));
    assert_eq!(message.encode(&Seal::none().integrity_sha256(&key)).expect("fits"), bytes);
}

#[test]
fn any_changed_bit_of_the_request_leaves_no_fingerprinted_message() {
    let original = bytes(REQUEST);
    for bit in 0..original.len() * 8 {
        let mut changed = original.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let view = View::new(&changed);
        let accepted = view.check().is_ok() && view.fingerprint() == Fingerprint::Valid;
        assert!(!accepted, "bit {bit}");
    }
}
