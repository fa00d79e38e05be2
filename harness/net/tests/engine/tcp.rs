//! TCP across the engine, and RFC 5382.

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action, LinkId, Protocol};
use rtcspec_net::host::{ConnId, Receive, Transmit};
use rtcspec_net::link::{Loss, Mtu, Params as Link};
use rtcspec_net::nat::{
    Filtering, Forward, Lifetimes, Mapping, Params, Refresh, TcpBehavior, Unsolicited,
};

use crate::lab::{ALICE, BOB, Lab, at, ip};

const CONN: ConnId = ConnId(1);

fn listen(lab: &mut Lab, address: &str) {
    lab.world.transmit(lab.bob, Transmit::TcpListen { local: at(address) });
}

fn connect(lab: &mut Lab, to: &str) {
    let local = std::net::SocketAddr::new(ip(ALICE), 0);
    lab.world.transmit(lab.alice, Transmit::TcpConnect { conn: CONN, local, remote: at(to) });
}

/// Runs until nothing more happens before `limit`, collecting what alice and bob get.
fn run(lab: &mut Lab, limit: Ns) -> (Vec<Receive>, Vec<Receive>) {
    let (mut alice, mut bob) = (Vec::new(), Vec::new());
    loop {
        let reached = lab.world.step(limit).unwrap();
        let before = alice.len() + bob.len();
        alice.extend(std::iter::from_fn(|| lab.world.receive(lab.alice)));
        bob.extend(std::iter::from_fn(|| lab.world.receive(lab.bob)));
        if reached >= limit && alice.len() + bob.len() == before {
            return (alice, bob);
        }
    }
}

fn bytes(received: &[Receive]) -> Vec<u8> {
    let data = received.iter().filter_map(|r| match r {
        Receive::TcpData { data, .. } => Some(data.clone()),
        _ => None,
    });
    data.flatten().collect()
}

fn with_link(lab: &mut Lab, link: Link) -> LinkId {
    with_links(lab, [link.clone(), link])
}

/// Out and in.
fn with_links(lab: &mut Lab, links: [Link; 2]) -> LinkId {
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    fabric.link("home", links, outside).unwrap()
}

fn send(lab: &mut Lab, data: &[u8]) {
    lab.world.transmit(lab.alice, Transmit::TcpSend { conn: CONN, data: data.to_vec() });
}

#[test]
fn a_connection_opens_carries_and_closes_through_a_nat() {
    let mut lab = Lab::new(Params::default());
    with_link(&mut lab, Link::latency(Ns::millis(10)));
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    let (alice, bob) = run(&mut lab, Ns::millis(100));
    assert!(
        matches!(alice[..], [Receive::TcpConnected { conn: CONN, local }] if local.ip() == ip(ALICE))
    );
    let [Receive::TcpAccepted { conn, local, remote }] = bob[..] else { panic!("{bob:?}") };
    assert_eq!((conn, local), (ConnId::ACCEPTED, at("198.51.100.1:80")));
    assert_eq!(remote.ip(), ip("203.0.113.1"), "the NAT's address");

    lab.world.transmit(lab.alice, Transmit::TcpSend { conn: CONN, data: b"ping".to_vec() });
    lab.world.transmit(lab.bob, Transmit::TcpSend { conn, data: b"pong".to_vec() });
    let (alice, bob) = run(&mut lab, Ns::millis(200));
    assert_eq!((bytes(&alice), bytes(&bob)), (b"pong".to_vec(), b"ping".to_vec()));

    lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
    let (alice, bob) = run(&mut lab, Ns::secs(30));
    assert_eq!(bob, [Receive::TcpClosed { conn }]);
    assert_eq!(alice, [Receive::TcpClosed { conn: CONN }]);
}

#[test]
fn a_megabyte_arrives_in_order_over_a_link_that_loses_one_in_twenty() {
    let mut lab = Lab::new(Params::default());
    let loss = Loss::Uniform { probability: 0.05 };
    with_link(&mut lab, Link { loss, ..Link::latency(Ns::millis(5)) });
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    let data: Vec<u8> = (0..1_000_000u32).map(|n| (n / 7) as u8).collect();
    lab.world.transmit(lab.alice, Transmit::TcpSend { conn: CONN, data: data.clone() });
    lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
    let mut got = Vec::new();
    // smoltcp goes back to the first segment at each time-out, and time-outs grow: net/README.md.
    for second in 1..=600 {
        let (_, bob) = run(&mut lab, Ns::secs(second));
        got.extend(bytes(&bob));
        if bob.iter().any(|r| matches!(r, Receive::TcpClosed { .. })) {
            break;
        }
    }
    assert_eq!(got.len(), data.len());
    assert!(got == data, "bytes are in order");
}

#[test]
fn three_duplicates_bring_back_what_was_lost_without_a_time_out() {
    let mut lab = Lab::new(Params::default());
    // SYN and ACK, then five segments, of which the second is lost: three follow it.
    let lossy = Link { loss: Loss::Listed(vec![4]), ..Link::latency(Ns::millis(5)) };
    with_links(&mut lab, [lossy, Link::latency(Ns::millis(5))]);
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    run(&mut lab, Ns::millis(50));
    send(&mut lab, &[7; 5 * 1460]);
    let (_, bob) = run(&mut lab, Ns::millis(100));
    assert_eq!(bytes(&bob).len(), 5 * 1460);
}

#[test]
fn segments_get_through_a_narrow_link_that_says_so() {
    let mut lab = Lab::new(Params::default());
    let narrow = Link { mtu: Some(Mtu { bytes: 1000, icmp: true }), ..Link::default() };
    with_links(&mut lab, [narrow, Link::default()]);
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    let data: Vec<u8> = (0..100_000u32).map(|n| (n / 7) as u8).collect();
    send(&mut lab, &data);
    let (_, bob) = run(&mut lab, Ns::secs(3));
    assert!(bytes(&bob) == data, "{} bytes", bytes(&bob).len());
}

#[test]
fn a_client_that_gives_up_leaves_nothing_for_the_next_one() {
    let mut lab = Lab::new(Params::default());
    with_link(&mut lab, Link::latency(Ns::millis(10)));
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    run(&mut lab, Ns::millis(5));
    lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
    let (alice, bob) = run(&mut lab, Ns::secs(1));
    assert_eq!((alice, bob), (vec![Receive::TcpClosed { conn: CONN }], vec![]));
    let local = std::net::SocketAddr::new(ip(ALICE), 0);
    let remote = at("198.51.100.1:80");
    lab.world.transmit(lab.alice, Transmit::TcpConnect { conn: ConnId(2), local, remote });
    let (alice, bob) = run(&mut lab, Ns::secs(2));
    let [Receive::TcpConnected { local, .. }] = alice[..] else { panic!("{alice:?}") };
    let [Receive::TcpAccepted { remote, .. }] = bob[..] else { panic!("{bob:?}") };
    assert_eq!(remote, std::net::SocketAddr::new(ip("203.0.113.1"), local.port()));
}

#[test]
fn a_syn_that_comes_twice_opens_one_connection() {
    let mut lab = Lab::new(Params::default());
    with_link(&mut lab, Link { duplicate: 1.0, ..Link::latency(Ns::millis(10)) });
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    run(&mut lab, Ns::secs(1));
    // The place of a connection that is gone is the next listener's, before the connections.
    lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
    run(&mut lab, Ns::secs(60));
    let local = std::net::SocketAddr::new(ip(ALICE), 0);
    let remote = at("198.51.100.1:80");
    let conn = ConnId(2);
    lab.world.transmit(lab.alice, Transmit::TcpConnect { conn, local, remote });
    lab.world.transmit(lab.alice, Transmit::TcpSend { conn, data: b"ping".to_vec() });
    let (alice, bob) = run(&mut lab, Ns::secs(70));
    assert!(matches!(alice[..], [Receive::TcpConnected { .. }]), "{alice:?}");
    assert_eq!(bob.iter().filter(|r| matches!(r, Receive::TcpAccepted { .. })).count(), 1);
    assert_eq!(bytes(&bob), b"ping");
}

#[test]
fn a_dead_connection_is_given_up_whatever_is_still_written_to_it() {
    for close in [false, true] {
        let mut lab = Lab::new(Params::default());
        let link = with_link(&mut lab, Link::default());
        listen(&mut lab, "198.51.100.1:80");
        connect(&mut lab, "198.51.100.1:80");
        run(&mut lab, Ns::secs(1));
        lab.world.apply(Action::LinkUp { link, up: false }).unwrap();
        if close {
            // All that waits for an answer is the end.
            lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
        }
        for second in [1, 61, 121] {
            assert_eq!(run(&mut lab, Ns::secs(second)).0, [], "{close}");
            send(&mut lab, b"more");
        }
        assert_eq!(run(&mut lab, Ns::secs(127)).0, [], "{close}");
        assert_eq!(run(&mut lab, Ns::secs(129)).0, [Receive::TcpClosed { conn: CONN }], "{close}");
    }
}

#[test]
fn a_stream_that_does_not_get_rid_of_its_bytes_is_told_full_until_it_has() {
    let mut lab = Lab::new(Params::default());
    let link = with_link(&mut lab, Link::default());
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    run(&mut lab, Ns::secs(1));
    lab.world.apply(Action::LinkUp { link, up: false }).unwrap();
    let backlog = |full| Receive::TcpBacklog { conn: CONN, full };
    send(&mut lab, &[7; 100_000]);
    assert_eq!(run(&mut lab, Ns::secs(2)).0, [], "smoltcp has room, and so has the host");
    send(&mut lab, &[7; 100_000]);
    assert_eq!(run(&mut lab, Ns::secs(3)).0, [backlog(true)]);
    lab.world.apply(Action::LinkUp { link, up: true }).unwrap();
    let (alice, bob) = run(&mut lab, Ns::secs(60));
    assert_eq!(alice, [backlog(false)]);
    assert_eq!(bytes(&bob).len(), 200_000, "nothing that was written is lost");
}

#[test]
fn a_port_nobody_listens_on_refuses_at_once() {
    let mut lab = Lab::new(Params::default());
    connect(&mut lab, "198.51.100.1:81");
    let (alice, _) = run(&mut lab, Ns::ZERO);
    assert_eq!(alice, [Receive::TcpClosed { conn: CONN }]);
}

#[test]
fn silence_is_given_up_after_two_minutes() {
    let mut lab = Lab::new(Params::default());
    with_link(&mut lab, Link { up: false, ..Link::default() });
    connect(&mut lab, "198.51.100.1:80");
    assert_eq!(run(&mut lab, Ns::secs(126)).0, []);
    assert_eq!(run(&mut lab, Ns::secs(128)).0, [Receive::TcpClosed { conn: CONN }]);
}

#[test]
fn two_clients_reach_one_listener() {
    let mut lab = Lab::new(Params::default());
    listen(&mut lab, "198.51.100.1:80");
    for n in 1..=3 {
        let local = std::net::SocketAddr::new(ip(ALICE), 0);
        let remote = at("198.51.100.1:80");
        lab.world.transmit(lab.alice, Transmit::TcpConnect { conn: ConnId(n), local, remote });
    }
    let (alice, bob) = run(&mut lab, Ns::secs(1));
    assert_eq!(alice.len(), 3, "{alice:?}");
    assert_eq!(bob.iter().filter(|r| matches!(r, Receive::TcpAccepted { .. })).count(), 3);
}

#[test]
fn rfc_5382_req_5_timers_follow_the_state_of_the_connection() {
    let lifetimes =
        Lifetimes { tcp: Ns::secs(7440), tcp_transitory: Ns::secs(240), ..Lifetimes::default() };
    for (establish, rest, mappings) in
        [(false, 230, 1), (false, 250, 0), (true, 7000, 1), (true, 7500, 0)]
    {
        let mut lab = Lab::new(Params { lifetimes, refresh: Refresh::Both, ..Params::default() });
        if establish {
            listen(&mut lab, "198.51.100.1:80");
        } else {
            // A SYN that nobody answers; later ones are lost, so that they refresh nothing.
            lab.world
                .apply(rtcspec_net::fabric::Action::Move {
                    port: lab.world.fabric().interfaces(lab.bob)[0],
                    to: None,
                    addresses: Vec::new(),
                })
                .unwrap();
        }
        connect(&mut lab, "198.51.100.1:80");
        lab.world.step(Ns::ZERO).unwrap();
        let alice_port = lab.world.fabric().interfaces(lab.alice)[0];
        let unplug =
            rtcspec_net::fabric::Action::Move { port: alice_port, to: None, addresses: Vec::new() };
        lab.world.apply(unplug).unwrap();
        run(&mut lab, Ns::secs(rest));
        lab.world.fabric_mut().nat_events(lab.nat);
        assert_eq!(lab.world.fabric().counters(lab.nat).mappings, mappings, "{establish} {rest}");
    }
}

#[test]
fn a_closed_connection_leaves_a_transitory_mapping() {
    let mut lab = Lab::new(Params { refresh: Refresh::Both, ..Params::default() });
    listen(&mut lab, "198.51.100.1:80");
    connect(&mut lab, "198.51.100.1:80");
    run(&mut lab, Ns::secs(1));
    lab.world.transmit(lab.alice, Transmit::TcpClose { conn: CONN });
    run(&mut lab, Ns::secs(230));
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 1);
    run(&mut lab, Ns::secs(260));
    lab.world.fabric_mut().nat_events(lab.nat);
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 0);
}

#[test]
fn tcp_can_behave_unlike_udp() {
    let apdm = Mapping::AddressAndPortDependent;
    let tcp = TcpBehavior { mapping: apdm, filtering: Filtering::AddressAndPortDependent };
    let mut lab = Lab::new(Params {
        tcp: Some(tcp),
        ..Params::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent)
    });
    listen(&mut lab, "198.51.100.1:80");
    listen(&mut lab, "198.51.100.1:81");
    for (n, remote) in ["198.51.100.1:80", "198.51.100.1:81"].into_iter().enumerate() {
        let local = at("192.168.1.2:7000");
        let conn = ConnId(n as u64);
        lab.world.transmit(lab.alice, Transmit::TcpConnect { conn, local, remote: at(remote) });
    }
    lab.world.step(Ns::ZERO).unwrap();
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 2);
    lab.send(lab.alice, (ALICE, 7000), at("198.51.100.1:1"));
    lab.send(lab.alice, (ALICE, 7000), at("198.51.100.1:2"));
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 3, "UDP has its own, and one");
}

#[test]
fn an_unsolicited_syn_is_dropped_or_reset_as_the_box_is_told() {
    for (unsolicited, closed_within) in
        [(Unsolicited::Reject, Ns::ZERO), (Unsolicited::Drop, Ns::secs(130))]
    {
        let mut lab = Lab::new(Params { unsolicited, ..Params::default() });
        let local = std::net::SocketAddr::new(ip(BOB), 0);
        let remote = at("203.0.113.1:80");
        lab.world.transmit(lab.bob, Transmit::TcpConnect { conn: CONN, local, remote });
        let early = run(&mut lab, Ns(closed_within.0 / 2)).1;
        let late = run(&mut lab, closed_within).1;
        let closed = [Receive::TcpClosed { conn: CONN }];
        assert_eq!([early, late].concat(), closed, "{unsolicited}");
    }
}

#[test]
fn a_forwarded_port_leads_inside() {
    let forward = Forward { protocol: Protocol::Tcp, port: 8080, to: at("192.168.1.2:80") };
    let mut lab = Lab::new(Params { forwards: vec![forward], ..Params::default() });
    lab.world.transmit(lab.alice, Transmit::TcpListen { local: at("192.168.1.2:80") });
    let local = std::net::SocketAddr::new(ip(BOB), 0);
    let remote = at("203.0.113.1:8080");
    lab.world.transmit(lab.bob, Transmit::TcpConnect { conn: CONN, local, remote });
    let (alice, bob) = run(&mut lab, Ns::secs(1));
    assert!(matches!(alice[..], [Receive::TcpAccepted { .. }]), "{alice:?}");
    assert!(matches!(bob[..], [Receive::TcpConnected { .. }]), "{bob:?}");
}

#[test]
fn the_same_seed_gives_the_same_segments() {
    let trace = |seed| {
        let mut lab = Lab::seeded(seed, Params::default());
        let fabric = lab.world.fabric_mut();
        fabric.tap_element(lab.bob);
        listen(&mut lab, "198.51.100.1:80");
        connect(&mut lab, "198.51.100.1:80");
        run(&mut lab, Ns::secs(1));
        let tap = lab.world.fabric_mut().take_tap();
        tap.frames().map(|frame| frame.bytes.to_vec()).collect::<Vec<_>>()
    };
    assert!(!trace(7).is_empty());
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8), "initial sequence numbers differ");
}
