//! What works: allocations, permissions, channels, their lifetimes and the data they carry.

use rtcspec_net::Ns;
use rtcspec_net::host::{Application, IcmpError, Receive, Transmit};
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Class, Icmp, Message, Method, Seal,
};
use rtcspec_wire::turn::{ChannelData, ChannelNumber};

use crate::client::{
    Bench, CLIENT, PEER, address, code, config, lifetime, peer, relayed, transport,
};

const CHANNEL: ChannelNumber = ChannelNumber::MIN;

fn permit(bench: &mut Bench, text: &str) {
    let response = bench.request(Method::CREATE_PERMISSION, &[peer(text)]);
    assert_eq!(response.class, Class::SuccessResponse);
}

fn bind(bench: &mut Bench, text: &str) -> Message {
    bench.request(Method::CHANNEL_BIND, &[Attribute::ChannelNumber(CHANNEL), peer(text)])
}

fn channel_data(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ChannelData { channel: CHANNEL, data }.encode_into(&mut out).expect("short");
    out
}

#[test]
fn an_allocation_has_a_relay_a_lifetime_and_the_clients_mapped_address() {
    let mut bench = Bench::new(config());
    let response = bench.request(Method::ALLOCATE, &[transport()]);
    let relay = relayed(&response);
    assert_eq!(relay.ip(), address("192.0.2.1:0").ip());
    assert!(relay.port() >= 49152);
    assert_eq!(lifetime(&response), Some(600));
    let mapped = response.attribute(AttributeType::XOR_MAPPED_ADDRESS);
    assert_eq!(mapped, Some(&Attribute::XorMappedAddress(address(CLIENT))));
    assert_eq!(bench.server.relayed().collect::<Vec<_>>(), [relay]);
    assert_eq!(bench.server.wake(), Some(Ns::secs(600)));
}

#[test]
fn binding_is_answered_without_credentials() {
    let mut bench = Bench::new(config());
    let request = Message::request(Method::BINDING, bench.transaction_id());
    bench.send(&request.encode(&Seal::none()).expect("short"));
    let (_, data) = bench.next_datagram().expect("answered");
    let response = Message::parse(&data).expect("valid");
    assert_eq!(response.attributes, [Attribute::XorMappedAddress(address(CLIENT))]);
}

#[test]
fn a_retransmitted_allocate_is_answered_as_before_and_a_new_one_refused() {
    let (mut bench, relay) = Bench::allocated();
    let id = bench.transaction_id();
    bench.move_to("198.51.100.7:5001");
    let request = || Message::request(Method::ALLOCATE, id).with(transport());
    let (first, second) = (bench.exchange(request()), bench.exchange(request()));
    assert_eq!(first, second);
    assert_ne!(relayed(&first), relay);
    assert_eq!(code(&bench.request(Method::ALLOCATE, &[transport()])), Some(437));
}

#[test]
fn data_flows_both_ways_with_a_permission_and_not_without() {
    let (mut bench, relay) = Bench::allocated();
    let data = || Attribute::Data(b"ping".to_vec());
    bench.indicate(&[peer(PEER), data()]);
    bench.peer_sends(PEER, relay, b"pong");
    assert_eq!(bench.next_datagram(), None);

    permit(&mut bench, PEER);
    bench.indicate(&[peer(PEER), data()]);
    let sent = bench.server.transmit();
    let expected = Transmit::Udp { local: relay, remote: address(PEER), data: b"ping".to_vec() };
    assert_eq!(sent, Some(expected));

    // A permission is for an address, whatever the port (RFC 8656 §9).
    bench.peer_sends("203.0.113.9:7000", relay, b"pong");
    let (to, bytes) = bench.next_datagram().expect("relayed");
    assert_eq!(to, address(CLIENT));
    let indication = Message::parse(&bytes).expect("valid");
    assert_eq!((indication.class, indication.method), (Class::Indication, Method::DATA));
    let attributes = [peer("203.0.113.9:7000"), Attribute::Data(b"pong".to_vec())];
    assert_eq!(indication.attributes, attributes);
    bench.peer_sends("203.0.113.10:6000", relay, b"stranger");
    assert_eq!(bench.next_datagram(), None);
}

#[test]
fn channel_data_flows_both_ways_and_binding_permits() {
    let (mut bench, relay) = Bench::allocated();
    assert_eq!(bind(&mut bench, PEER).class, Class::SuccessResponse);
    bench.send(&channel_data(b"ping"));
    let expected = Transmit::Udp { local: relay, remote: address(PEER), data: b"ping".to_vec() };
    assert_eq!(bench.server.transmit(), Some(expected));
    bench.peer_sends(PEER, relay, b"pong");
    assert_eq!(bench.next_datagram(), Some((address(CLIENT), channel_data(b"pong"))));
}

#[test]
fn permissions_last_300_seconds_and_sending_does_not_refresh_them() {
    let (mut bench, relay) = Bench::allocated();
    permit(&mut bench, PEER);
    bench.wait(Ns::secs(299));
    bench.indicate(&[peer(PEER), Attribute::Data(b"late".to_vec())]);
    assert!(bench.next_datagram().is_some());
    bench.wait(Ns::secs(1));
    bench.indicate(&[peer(PEER), Attribute::Data(b"too late".to_vec())]);
    bench.peer_sends(PEER, relay, b"too late");
    assert_eq!(bench.next_datagram(), None);
}

#[test]
fn a_channel_lasts_600_seconds_but_its_permission_300() {
    let (mut bench, relay) = Bench::allocated();
    let response = bench.request(Method::REFRESH, &[Attribute::Lifetime(3600)]);
    assert_eq!(lifetime(&response), Some(3600));
    bind(&mut bench, PEER);
    bench.wait(Ns::secs(599));
    bench.send(&channel_data(b"out"));
    assert!(bench.next_datagram().is_some());
    bench.peer_sends(PEER, relay, b"in");
    assert_eq!(bench.next_datagram(), None);
    bench.wait(Ns::secs(1));
    bench.send(&channel_data(b"out"));
    assert_eq!(bench.next_datagram(), None);
}

#[test]
fn an_allocation_ends_with_its_lifetime_or_a_refresh_to_zero() {
    let (mut bench, relay) = Bench::allocated();
    bench.wait(Ns::secs(599));
    assert_eq!(lifetime(&bench.request(Method::REFRESH, &[])), Some(600));
    bench.wait(Ns::secs(599));
    permit(&mut bench, PEER);
    bench.wait(Ns::secs(1));
    bench.peer_sends(PEER, relay, b"nobody there");
    assert_eq!(bench.next_datagram(), None);
    assert_eq!(code(&bench.request(Method::REFRESH, &[])), Some(437));

    bench.allocate();
    let response = bench.request(Method::REFRESH, &[Attribute::Lifetime(0)]);
    assert_eq!(lifetime(&response), Some(0));
    assert_eq!(bench.server.relayed().count(), 0);
    assert_eq!(bench.server.wake(), None);
}

#[test]
fn a_lifetime_is_kept_between_ten_minutes_and_an_hour() {
    for (wanted, granted) in [(0, 600), (1, 600), (1200, 1200), (u32::MAX, 3600)] {
        let mut bench = Bench::new(config());
        let wanted = Attribute::Lifetime(wanted);
        let response = bench.request(Method::ALLOCATE, &[transport(), wanted]);
        assert_eq!(lifetime(&response), Some(granted));
    }
}

#[test]
fn a_reservation_gives_another_client_the_next_port() {
    let mut bench = Bench::new(config());
    let pair = Attribute::EvenPort { reserve_next: true };
    let response = bench.request(Method::ALLOCATE, &[transport(), pair]);
    let Some(Attribute::ReservationToken(token)) =
        response.attribute(AttributeType::RESERVATION_TOKEN)
    else {
        panic!("no token in {response:?}");
    };
    let first = relayed(&response);
    assert_eq!(first.port() % 2, 0);
    bench.move_to("198.51.100.7:5001");
    let token = Attribute::ReservationToken(*token);
    let second = relayed(&bench.request(Method::ALLOCATE, &[transport(), token.clone()]));
    assert_eq!(second.port(), first.port() + 1);
    bench.move_to("198.51.100.7:5002");
    assert_eq!(code(&bench.request(Method::ALLOCATE, &[transport(), token])), Some(508));
}

#[test]
fn relays_of_both_families_come_from_one_request_and_end_apart() {
    let config = config().relay("2001:db8::1".parse().expect("an address"));
    let mut bench = Bench::new(config);
    let both = Attribute::AdditionalAddressFamily(AddressFamily::V6);
    let response = bench.request(Method::ALLOCATE, &[transport(), both]);
    let relays: Vec<_> = bench.server.relayed().collect();
    assert_eq!(relays.len(), 2, "{response:?}");
    permit(&mut bench, PEER);
    permit(&mut bench, "[2001:db8::9]:6000");

    let v4 = Attribute::RequestedAddressFamily(AddressFamily::V4);
    bench.request(Method::REFRESH, &[Attribute::Lifetime(0), v4.clone()]);
    assert!(bench.server.relayed().all(|relay| relay.is_ipv6()));
    assert_eq!(code(&bench.request(Method::REFRESH, &[v4])), Some(443));
    let refused = bench.request(Method::CREATE_PERMISSION, &[peer(PEER)]);
    assert_eq!(code(&refused), Some(443));
    permit(&mut bench, "[2001:db8::9]:6000");
}

#[test]
fn a_second_family_that_cannot_be_had_is_explained() {
    let mut bench = Bench::new(config());
    let both = Attribute::AdditionalAddressFamily(AddressFamily::V6);
    let response = bench.request(Method::ALLOCATE, &[transport(), both]);
    assert_eq!(response.class, Class::SuccessResponse);
    let note = response.attribute(AttributeType::ADDRESS_ERROR_CODE);
    let Some(Attribute::AddressErrorCode { family, error }) = note else {
        panic!("no note in {response:?}");
    };
    assert_eq!((*family, error.code()), (AddressFamily::V6, 440));
}

#[test]
fn two_clients_of_one_server_reach_each_other_through_their_relays() {
    let (mut bench, first) = Bench::allocated();
    permit(&mut bench, "192.0.2.1:1");
    bench.move_to("198.51.100.8:5000");
    let second = bench.allocate();
    permit(&mut bench, "192.0.2.1:1");
    bench.indicate(&[Attribute::XorPeerAddress(first), Attribute::Data(b"hello".to_vec())]);
    let (to, bytes) = bench.next_datagram().expect("relayed");
    assert_eq!(to, address(CLIENT));
    let indication = Message::parse(&bytes).expect("valid");
    let expected = [Attribute::XorPeerAddress(second), Attribute::Data(b"hello".to_vec())];
    assert_eq!(indication.attributes, expected);
}

#[test]
fn an_unreachable_peer_is_reported_with_its_icmp_type() {
    let (mut bench, local) = Bench::allocated();
    permit(&mut bench, PEER);
    let remote = address(PEER);
    for (error, expected) in [
        (
            Receive::Unreachable { local, remote, error: IcmpError::port_unreachable(true) },
            Icmp { ty: 3, code: 3, data: [0; 4] },
        ),
        (
            Receive::Unreachable { local, remote, error: IcmpError { kind: 3, code: 13 } },
            Icmp { ty: 3, code: 13, data: [0; 4] },
        ),
        (
            Receive::TooBig { local, remote, mtu: 1400 },
            Icmp { ty: 3, code: 4, data: [0, 0, 5, 120] },
        ),
    ] {
        bench.server.receive(bench.now, error);
        let (_, bytes) = bench.next_datagram().expect("reported");
        let indication = Message::parse(&bytes).expect("valid");
        assert_eq!(indication.attributes, [peer(PEER), Attribute::Icmp(expected)]);
    }
}

#[test]
fn a_user_may_hide_behind_userhash_and_sign_with_sha256() {
    let mut bench = Bench::new(config());
    let response = bench.request_once(Method::ALLOCATE, &[transport()]);
    let nonce = response.attribute(AttributeType::NONCE).expect("challenged").clone();
    let key = rtcspec_wire::stun::Key::long_term("alice", "example.org", "secret");
    let request = Message::request(Method::ALLOCATE, bench.transaction_id())
        .with(transport())
        .with(Attribute::user_hash("alice", "example.org"))
        .with(Attribute::Realm("example.org".into()))
        .with(nonce);
    bench.send(&request.encode(&Seal::none().integrity_sha256(&key)).expect("short"));
    let (_, bytes) = bench.next_datagram().expect("answered");
    let view = rtcspec_wire::stun::View::new(&bytes);
    assert_eq!(Message::parse(&bytes).expect("valid").class, Class::SuccessResponse);
    assert_eq!(view.verify_integrity_sha256(&key), rtcspec_wire::stun::Check::Valid);
}
