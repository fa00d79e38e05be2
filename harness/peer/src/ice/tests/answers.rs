//! How requests are answered (RFC 8445 §7.3, RFC 8489 §6.3, §9.1.3).

use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, Fingerprint, Message, Method, Seal, TransactionId,
};

use super::scripted::{OTHER, PEER, Scripted, addr};
use crate::ice::{Config, Event, GatherConfig, Role};

fn controlled() -> Scripted {
    Scripted::introduced(Role::Controlled)
}

#[test]
fn check_is_answered_with_the_mapped_address_integrity_and_fingerprint() {
    let mut scripted = controlled();
    let check = scripted.check(Role::Controlling);
    let answer = scripted.ask(PEER, &check).unwrap();
    assert_eq!(answer.class(), Some(Class::SuccessResponse));
    assert_eq!(answer.to, addr(PEER));
    assert_eq!(answer.view().xor_mapped_address(), Some(addr(PEER)));
    assert_eq!(answer.view().verify_integrity(&scripted.local_key()), Check::Valid);
    assert_eq!(answer.view().fingerprint(), Fingerprint::Valid);
}

#[test]
fn request_without_username_or_integrity_gets_an_unsigned_400() {
    // RFC 8489 §9.1.3.
    let mut scripted = controlled();
    let whole = scripted.check(Role::Controlling);
    let unsigned = whole.encode(&Seal::none().fingerprint()).unwrap();
    let mut nameless = whole.clone();
    nameless.attributes.retain(|attribute| attribute.ty() != AttributeType::USERNAME);
    for bytes in [unsigned, scripted.sealed(&nameless)] {
        let answer = scripted.deliver(PEER, bytes).unwrap();
        assert_eq!(answer.code(), Some(400));
        assert!(!answer.view().has(AttributeType::MESSAGE_INTEGRITY));
        assert_eq!(answer.view().fingerprint(), Fingerprint::Valid);
    }
}

#[test]
fn request_for_somebody_else_or_with_another_password_gets_401() {
    // RFC 8489 §9.1.3, RFC 8445 §7.3.
    let mut scripted = controlled();
    let ufrag = scripted.agent.local_credentials().ufrag.clone();
    for name in ["else:peer", &ufrag, &format!("{ufrag}x:peer"), &format!("peer:{ufrag}"), ""] {
        let mut check = scripted.check(Role::Controlling);
        check.attributes[0] = Attribute::Username(name.to_owned());
        assert_eq!(scripted.ask(PEER, &check).and_then(|a| a.code()), Some(401), "{name:?}");
    }
    let check = scripted.check(Role::Controlling);
    let seal = Seal::none().fingerprint();
    let bytes = check.encode(&seal.integrity(&Scripted::peer_key())).unwrap();
    assert_eq!(scripted.deliver(PEER, bytes).and_then(|a| a.code()), Some(401));
}

#[test]
fn unknown_attribute_that_must_be_understood_gets_420_that_names_it() {
    // RFC 8489 §6.3.1.
    let mut scripted = controlled();
    let ty = AttributeType(0x7777);
    let check =
        scripted.check(Role::Controlling).with(Attribute::Unknown { ty, bytes: vec![1, 2] });
    let answer = scripted.ask(PEER, &check).unwrap();
    assert_eq!(answer.code(), Some(420));
    let parsed = Message::parse(&answer.bytes).unwrap();
    assert_eq!(
        parsed.attribute(AttributeType::UNKNOWN_ATTRIBUTES),
        Some(&Attribute::UnknownAttributes(vec![ty]))
    );
    assert_eq!(answer.view().verify_integrity(&scripted.local_key()), Check::Valid);
}

#[test]
fn unknown_attribute_that_may_be_ignored_is_ignored() {
    let mut scripted = controlled();
    for ty in [0xc057, 0xffff].map(AttributeType) {
        let check =
            scripted.check(Role::Controlling).with(Attribute::Unknown { ty, bytes: vec![0; 4] });
        let answer = scripted.ask(PEER, &check).unwrap();
        assert_eq!(answer.class(), Some(Class::SuccessResponse));
    }
}

#[test]
fn attributes_after_message_integrity_are_ignored() {
    // RFC 8489 §14.5.
    let mut scripted = controlled();
    let check = scripted.check(Role::Controlling);
    let key = scripted.local_key();
    let mut bytes = check.encode(&Seal::none().integrity(&key)).unwrap();
    // An attribute that would be refused, and a nomination.
    bytes.extend([0x77, 0x77, 0, 0]);
    bytes.extend([0x00, 0x25, 0, 0]);
    bytes.extend([0x80, 0x28, 0, 4, 0, 0, 0, 0]);
    let length = u16::try_from(bytes.len() - 20).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let end = bytes.len() - 8;
    let crc = crc(&bytes[..end]) ^ 0x5354_554e;
    bytes[end + 4..].copy_from_slice(&crc.to_be_bytes());
    let answer = scripted.deliver(PEER, bytes).unwrap();
    assert_eq!(answer.class(), Some(Class::SuccessResponse));
    scripted.pass(std::time::Duration::from_millis(60));
    scripted.succeed(PEER);
    assert_eq!(scripted.agent.selected(), None, "USE-CANDIDATE there counts for nothing");
}

/// CRC-32 of ISO 3309, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn request_without_a_fingerprint_that_fits_is_dropped_and_is_no_data_either() {
    // RFC 8489 §6.3, RFC 8445 §7.2.4, RFC 7983 §7.
    let mut scripted = controlled();
    scripted.trickle(PEER, 1);
    let check = scripted.check(Role::Controlling);
    let key = scripted.local_key();
    let without = check.encode(&Seal::none().integrity(&key)).unwrap();
    let mut wrong = scripted.sealed(&check);
    *wrong.last_mut().unwrap() ^= 1;
    for bytes in [without, wrong] {
        assert!(scripted.deliver(PEER, bytes).is_none());
    }
    assert!(!scripted.events.iter().any(|event| matches!(event, Event::Data(_))));
}

#[test]
fn malformed_stun_is_dropped() {
    let mut scripted = controlled();
    scripted.trickle(PEER, 1);
    let whole = {
        let check = scripted.check(Role::Controlling);
        scripted.sealed(&check)
    };
    let mut longer = whole.clone();
    longer[3] = longer[3].wrapping_add(4);
    for bytes in [whole[..19].to_vec(), whole[..20].to_vec(), longer, vec![0], vec![]] {
        assert!(scripted.deliver(PEER, bytes).is_none());
    }
    assert!(!scripted.events.iter().any(|event| matches!(event, Event::Data(_))));
}

#[test]
fn role_conflict_is_answered_with_487_or_by_switching() {
    // RFC 8445 §7.3.1.1: the agent's tie-breaker is random, so larger than 0 and less than the
    // largest number.
    for (role, tie_breaker, refused) in [
        (Role::Controlling, 0, true),
        (Role::Controlling, u64::MAX, false),
        (Role::Controlled, 0, false),
        (Role::Controlled, u64::MAX, true),
    ] {
        let mut scripted = Scripted::introduced(role);
        let mut check = scripted.check(role);
        check.attributes[2] = match role {
            Role::Controlling => Attribute::IceControlling(tie_breaker),
            Role::Controlled => Attribute::IceControlled(tie_breaker),
        };
        let answer = scripted.ask(PEER, &check).unwrap();
        assert_eq!(answer.code(), refused.then_some(487));
        assert_eq!(answer.view().verify_integrity(&scripted.local_key()), Check::Valid);
        let expected = if refused { role } else { role.other() };
        assert_eq!(scripted.agent.role(), expected);
    }
}

#[test]
fn request_that_claims_both_roles_or_no_priority_gets_400() {
    let mut scripted = controlled();
    let both = scripted.check(Role::Controlling).with(Attribute::IceControlled(1));
    let mut none = scripted.check(Role::Controlling);
    none.attributes.retain(|attribute| attribute.ty() != AttributeType::PRIORITY);
    for check in [both, none] {
        assert_eq!(scripted.ask(PEER, &check).and_then(|a| a.code()), Some(400));
    }
}

#[test]
fn check_before_the_description_is_answered_at_once_and_taken_up_later() {
    // RFC 8445 §7.3.
    let mut scripted = Scripted::alone(Role::Controlling, Config::default());
    let check = scripted.check(Role::Controlled);
    let answer = scripted.ask(PEER, &check).unwrap();
    assert_eq!(answer.class(), Some(Class::SuccessResponse));
    assert!(scripted.checks().is_empty());
    scripted.introduce(false);
    scripted.pass(std::time::Duration::from_millis(100));
    let check = scripted.last_check(PEER).expect("a triggered check");
    let ufrag = &scripted.agent.local_credentials().ufrag;
    assert_eq!(check.view().username(), Some(&*format!("peer:{ufrag}")));
}

#[test]
fn flood_of_checks_before_the_description_is_bounded() {
    let mut scripted = Scripted::alone(Role::Controlling, Config::default());
    for port in 1000..2000 {
        let check = scripted.check(Role::Controlled);
        scripted.ask(&format!("192.0.2.9:{port}"), &check);
    }
    scripted.introduce(false);
    scripted.pass(std::time::Duration::from_secs(10));
    let mut asked: Vec<_> = scripted.checks().iter().map(|check| check.to).collect();
    asked.sort();
    asked.dedup();
    assert!(asked.len() <= 16, "{} addresses were checked", asked.len());
}

#[test]
fn peer_reflexive_candidates_are_capped_but_their_checks_are_answered() {
    let mut scripted = controlled();
    for port in 1000..1100 {
        let check = scripted.check(Role::Controlling);
        let answer = scripted.ask(&format!("192.0.2.9:{port}"), &check).unwrap();
        assert_eq!(answer.class(), Some(Class::SuccessResponse));
    }
    scripted.pass(std::time::Duration::from_secs(10));
    let mut asked: Vec<_> = scripted.checks().iter().map(|check| check.to).collect();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 16);
}

#[test]
fn binding_indication_and_other_methods_are_taken_without_a_word() {
    // RFC 8445 §11.
    let mut scripted = controlled();
    let id = TransactionId([1; 12]);
    let seal = Seal::none().fingerprint();
    let keepalive = Message::indication(Method::BINDING, id).encode(&seal).unwrap();
    let allocate = Message::request(Method::ALLOCATE, id).encode(&seal).unwrap();
    for bytes in [keepalive, allocate] {
        assert!(scripted.deliver(PEER, bytes).is_none());
    }
}

#[test]
fn lite_agent_answers_and_never_checks() {
    // RFC 8445 §6.2, §7.3.2.
    let config = Config { lite: true, gather: GatherConfig::default(), ..Config::default() };
    let mut scripted = Scripted::alone(Role::Controlled, config);
    scripted.introduce(false);
    scripted.trickle(PEER, 1000);
    let check = scripted.check(Role::Controlling);
    scripted.ask(PEER, &check).unwrap();
    assert_eq!(scripted.agent.selected(), None);
    let nomination = scripted.check(Role::Controlling).with(Attribute::UseCandidate);
    scripted.ask(OTHER, &nomination).unwrap();
    assert_eq!(scripted.agent.selected(), Some((scripted.base(), addr(OTHER))));
    scripted.pass(std::time::Duration::from_secs(40));
    assert!(scripted.checks().is_empty());
    // RFC 8445 §11: it keeps the pair alive all the same.
    let indication = |sent: &&super::scripted::Sent| sent.class() == Some(Class::Indication);
    let keepalives: Vec<_> = scripted.sent.iter().filter(indication).collect();
    assert_eq!(keepalives.len(), 2);
    assert!(!keepalives[0].view().has(AttributeType::MESSAGE_INTEGRITY));
}

#[test]
fn data_is_taken_from_candidates_of_the_peer_only() {
    // RFC 8445 §12.2.
    let mut scripted = controlled();
    scripted.trickle(PEER, 1000);
    scripted.deliver(PEER, vec![22, 1, 2]);
    scripted.deliver(OTHER, vec![22, 3, 4]);
    let data: Vec<_> =
        scripted.events.iter().filter(|event| matches!(event, Event::Data(_))).collect();
    assert_eq!(data, [&Event::Data(vec![22, 1, 2])]);
}

#[test]
fn data_right_behind_an_early_check_is_taken() {
    let mut scripted = Scripted::alone(Role::Controlling, Config::default());
    scripted.deliver(PEER, vec![22, 0]);
    let check = scripted.check(Role::Controlled);
    scripted.ask(PEER, &check).unwrap();
    scripted.deliver(PEER, vec![22, 1]);
    assert!(scripted.events.contains(&Event::Data(vec![22, 1])));
    assert!(!scripted.events.contains(&Event::Data(vec![22, 0])));
}
