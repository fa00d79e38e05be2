//! Each error code of RFC 8656 and RFC 8489, by the request that earns it.

use rtcspec_net::Ns;
use rtcspec_net::services::turn::Config;
use rtcspec_wire::stun::{AddressFamily, Attribute, AttributeType, Key, Message, Method, Seal};
use rtcspec_wire::turn::ChannelNumber;

use crate::client::{Bench, PEER, code, config, peer, transport};

const V4: AddressFamily = AddressFamily::V4;
const V6: AddressFamily = AddressFamily::V6;

fn allocate_code(config: Config, attributes: &[Attribute]) -> Option<u16> {
    code(&Bench::new(config).request(Method::ALLOCATE, attributes))
}

fn unknown(ty: u16, bytes: &[u8]) -> Attribute {
    Attribute::Unknown { ty: AttributeType(ty), bytes: bytes.to_vec() }
}

#[test]
fn allocate_is_refused_with_the_code_of_its_fault() {
    let token = Attribute::ReservationToken([1; 8]);
    let even = Attribute::EvenPort { reserve_next: false };
    let pair = Attribute::EvenPort { reserve_next: true };
    let family = Attribute::RequestedAddressFamily;
    let additional = Attribute::AdditionalAddressFamily;
    for (attributes, expected) in [
        (vec![], 400),
        (vec![unknown(0x0019, &[17])], 400),
        (vec![Attribute::RequestedTransport(6)], 442),
        (vec![transport(), family(V6)], 440),
        (vec![transport(), unknown(0x0017, &[9, 0, 0, 0])], 440),
        (vec![transport(), unknown(0x0017, &[1])], 400),
        (vec![transport(), token.clone()], 508),
        (vec![transport(), token.clone(), even], 400),
        (vec![transport(), token.clone(), family(V4)], 400),
        (vec![transport(), token, additional(V6)], 400),
        (vec![transport(), additional(V4)], 400),
        (vec![transport(), additional(V6), family(V4)], 400),
        (vec![transport(), additional(V6), pair], 400),
        (vec![transport(), unknown(0x7777, &[])], 420),
    ] {
        assert_eq!(allocate_code(config(), &attributes), Some(expected), "{attributes:?}");
    }
}

#[test]
fn unknown_attributes_are_listed() {
    let mut bench = Bench::new(config());
    let attributes = [transport(), unknown(0x7777, &[]), unknown(0x8888, &[])];
    let response = bench.request(Method::ALLOCATE, &attributes);
    let listed = Attribute::UnknownAttributes(vec![AttributeType(0x7777)]);
    assert_eq!(response.attribute(AttributeType::UNKNOWN_ATTRIBUTES), Some(&listed));
}

#[test]
fn quota_and_capacity_bound_allocations() {
    for (changed, expected) in [
        (Config { quota: 1, ..config() }, 486),
        (Config { capacity: 1, ..config() }, 508),
        (Config { ports: 50000..=50000, ..config() }, 508),
    ] {
        let mut bench = Bench::new(changed);
        bench.allocate();
        bench.move_to("198.51.100.7:5001");
        assert_eq!(code(&bench.request(Method::ALLOCATE, &[transport()])), Some(expected));
    }
}

#[test]
fn requests_without_an_allocation_are_a_mismatch() {
    let mut bench = Bench::new(config());
    let channel = Attribute::ChannelNumber(ChannelNumber::MIN);
    for (method, attributes) in [
        (Method::REFRESH, vec![]),
        (Method::CREATE_PERMISSION, vec![peer(PEER)]),
        (Method::CHANNEL_BIND, vec![channel, peer(PEER)]),
    ] {
        assert_eq!(code(&bench.request(method, &attributes)), Some(437), "{method}");
    }
}

#[test]
fn another_user_cannot_manage_an_allocation() {
    let (mut bench, _) = Bench::allocated();
    bench.become_user("bob", "hidden");
    for method in [Method::REFRESH, Method::CREATE_PERMISSION] {
        assert_eq!(code(&bench.request(method, &[peer(PEER)])), Some(441), "{method}");
    }
}

#[test]
fn wrong_credentials_are_challenged_again_and_incomplete_ones_are_bad() {
    for (user, password) in [("alice", "wrong"), ("mallory", "secret")] {
        let mut bench = Bench::new(config());
        bench.become_user(user, password);
        assert_eq!(code(&bench.request(Method::ALLOCATE, &[transport()])), Some(401));
    }
    let mut bench = Bench::new(config());
    let request = Message::request(Method::ALLOCATE, bench.transaction_id()).with(transport());
    let key = Key::long_term("alice", "example.org", "secret");
    bench.send(&request.encode(&Seal::none().integrity(&key)).expect("short"));
    let (_, bytes) = bench.next_datagram().expect("answered");
    assert_eq!(code(&Message::parse(&bytes).expect("valid")), Some(400));
}

#[test]
fn a_nonce_goes_stale_after_its_lifetime() {
    let mut bench = Bench::new(Config { nonce_lifetime: Ns::secs(60), ..config() });
    bench.allocate();
    bench.wait(Ns::secs(59));
    assert_eq!(code(&bench.request_once(Method::REFRESH, &[])), None);
    bench.wait(Ns::secs(1));
    assert_eq!(code(&bench.request_once(Method::REFRESH, &[])), Some(438));
    assert_eq!(code(&bench.request_once(Method::REFRESH, &[])), None);
}

#[test]
fn permissions_and_channels_are_refused_with_the_code_of_their_fault() {
    let forbidden = "203.0.113.128/25".parse().expect("a prefix");
    let limits = Config { forbidden: vec![forbidden], most_peers: 2, ..config() };
    let mut bench = Bench::new(limits);
    bench.allocate();
    let channel = |number| Attribute::ChannelNumber(ChannelNumber::new(number).expect("valid"));
    let raw_channel = |number: u16| {
        let [high, low] = number.to_be_bytes();
        unknown(0x000c, &[high, low, 0, 0])
    };
    let permit = Method::CREATE_PERMISSION;
    let bind = Method::CHANNEL_BIND;
    let third = || peer("203.0.113.11:1");
    for (method, attributes, expected) in [
        (permit, vec![], Some(400)),
        (permit, vec![unknown(0x0012, &[0, 1, 2])], Some(400)),
        (permit, vec![peer("[2001:db8::9]:1")], Some(443)),
        (permit, vec![peer(PEER), peer("203.0.113.200:1")], Some(403)),
        (bind, vec![channel(0x4000)], Some(400)),
        (bind, vec![peer(PEER)], Some(400)),
        (bind, vec![raw_channel(0x3fff), peer(PEER)], Some(400)),
        (bind, vec![raw_channel(0x5000), peer(PEER)], Some(400)),
        (bind, vec![channel(0x4000), peer("[2001:db8::9]:1")], Some(443)),
        (bind, vec![channel(0x4000), peer("203.0.113.200:1")], Some(403)),
        (bind, vec![channel(0x4000), peer(PEER)], None),
        (bind, vec![channel(0x4000), peer(PEER)], None),
        (bind, vec![channel(0x4000), peer("203.0.113.9:6001")], Some(400)),
        (bind, vec![channel(0x4001), peer(PEER)], Some(400)),
        (bind, vec![channel(0x4001), peer("203.0.113.10:1")], None),
        (bind, vec![channel(0x4002), third()], Some(508)),
        (permit, vec![third()], Some(508)),
    ] {
        let found = code(&bench.request(method, &attributes));
        assert_eq!(found, expected, "{method} {attributes:?}");
    }
}

#[test]
fn a_refused_permission_installs_none_of_its_peers() {
    let forbidden = "203.0.113.128/25".parse().expect("a prefix");
    let mut bench = Bench::new(Config { forbidden: vec![forbidden], ..config() });
    let relay = bench.allocate();
    bench.request(Method::CREATE_PERMISSION, &[peer(PEER), peer("203.0.113.200:1")]);
    bench.peer_sends(PEER, relay, b"hello");
    assert_eq!(bench.next_datagram(), None);
}
