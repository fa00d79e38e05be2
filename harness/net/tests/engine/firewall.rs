//! Firewalls: rules, state, kill rules, rejection.

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action as Do, FirewallId, Protocol};
use rtcspec_net::firewall::{Action, Kill, KillAfter, Params, Rule};
use rtcspec_net::host::{ConnId, IcmpError, Receive, Transmit};
use rtcspec_net::link::Direction;
use rtcspec_net::nat::{self, Filtering};

use crate::lab::{ALICE, BOB, BOB2, CAROL, Lab, at, ip};

/// The lab with a firewall that sits with the NAT and sees inside addresses.
fn guarded(params: Params) -> (Lab, FirewallId) {
    let open = nat::Params::new(nat::Mapping::default(), Filtering::EndpointIndependent);
    let mut lab = Lab::new(open);
    let fabric = lab.world.fabric_mut();
    let inside = fabric.inside(lab.nat);
    let firewall = fabric.firewall("office", params, inside).unwrap();
    (lab, firewall)
}

fn passes(lab: &mut Lab, to: (&str, u16)) -> bool {
    lab.seen((ALICE, 5000), to).is_some()
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = vec![
        Rule::new(Direction::Out, Action::Allow).remote("198.51.100.1".parse().unwrap()),
        Rule::new(Direction::Out, Action::Drop).protocol(Protocol::Udp).remote_port(53),
        Rule::new(Direction::Out, Action::Allow).remote("198.51.100.0/24".parse().unwrap()),
    ];
    let (mut lab, firewall) =
        guarded(Params { rules, default_out: Action::Drop, ..Params::default() });
    assert!(passes(&mut lab, (BOB, 53)));
    assert!(!passes(&mut lab, (BOB2, 53)));
    assert_eq!(lab.last_drop(), "firewall.office: rule 1");
    assert!(passes(&mut lab, (BOB2, 54)));
    lab.send(lab.alice, (ALICE, 5000), at("9.9.9.9:9"));
    assert_eq!(lab.last_drop(), "firewall.office: default policy");
    let counters = lab.world.fabric().counters(firewall);
    assert_eq!((counters.passed, counters.dropped), (2, 2));
}

#[test]
fn what_is_blocked_goes_neither_way() {
    let (mut lab, _) = guarded(Params::udp_blocked());
    assert!(!passes(&mut lab, (BOB, 1)));
    lab.world.transmit(lab.bob, Transmit::TcpListen { local: at("198.51.100.1:443") });
    let local = std::net::SocketAddr::new(ip(ALICE), 0);
    let remote = at("198.51.100.1:443");
    lab.world.transmit(lab.alice, Transmit::TcpConnect { conn: ConnId(1), local, remote });
    lab.world.step(Ns::secs(1)).unwrap();
    assert!(matches!(lab.world.receive(lab.alice), Some(Receive::TcpConnected { .. })));
}

#[test]
fn only_some_tcp_ports_and_their_answers() {
    let (mut lab, _) = guarded(Params::tcp_only(&[80, 443]));
    for (port, connected) in [(443, true), (444, false)] {
        let remote = std::net::SocketAddr::new(ip(BOB), port);
        lab.world.transmit(lab.bob, Transmit::TcpListen { local: remote });
        let local = std::net::SocketAddr::new(ip(ALICE), 0);
        let conn = ConnId(port.into());
        lab.world.transmit(lab.alice, Transmit::TcpConnect { conn, local, remote });
        let limit = lab.world.now() + Ns::secs(1);
        lab.world.step(limit).unwrap();
        assert_eq!(lab.world.receive(lab.alice).is_some(), connected);
    }
}

#[test]
fn a_rejected_sender_hears_of_it() {
    let (mut lab, _) = guarded(Params { default_out: Action::Reject, ..Params::default() });
    assert!(!passes(&mut lab, (BOB, 1)));
    let unreachable = Receive::Unreachable {
        local: at("192.168.1.2:5000"),
        remote: at("198.51.100.1:1"),
        error: IcmpError { kind: 3, code: 13 },
    };
    assert_eq!(lab.world.receive(lab.alice), Some(unreachable));
    let local = std::net::SocketAddr::new(ip(ALICE), 0);
    let remote = at("198.51.100.1:80");
    lab.world.transmit(lab.alice, Transmit::TcpConnect { conn: ConnId(1), local, remote });
    assert_eq!(lab.world.receive(lab.alice), Some(Receive::TcpClosed { conn: ConnId(1) }));
}

#[test]
fn a_stateful_firewall_lets_in_answers_by_its_filter_and_for_its_time() {
    for (filtering, same_address, anybody) in [
        (Filtering::EndpointIndependent, true, true),
        (Filtering::AddressDependent, true, false),
        (Filtering::AddressAndPortDependent, false, false),
    ] {
        let (mut lab, _) = guarded(Params::stateful(filtering));
        let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        assert!(lab.reaches((BOB, 1), seen, 5000));
        assert_eq!(lab.reaches((BOB, 2), seen, 5000), same_address, "{filtering}");
        assert_eq!(lab.reaches((CAROL, 1), seen, 5000), anybody, "{filtering}");
    }
    let short = nat::Lifetimes { udp: Ns::secs(10), ..nat::Lifetimes::default() };
    let params =
        Params { lifetimes: short, ..Params::stateful(Filtering::AddressAndPortDependent) };
    let (mut lab, _) = guarded(params);
    let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.wait(Ns::secs(10));
    assert!(!lab.reaches((BOB, 1), seen, 5000));
}

#[test]
fn kill_rules_begin_by_time_or_count_and_never_end() {
    let kill = |after| Params {
        kill: vec![Kill { protocol: Some(Protocol::Udp), after }],
        ..Params::default()
    };
    let (mut lab, _) = guarded(kill(KillAfter::Packets(3)));
    let outcomes: Vec<bool> = (0..5).map(|_| passes(&mut lab, (BOB, 1))).collect();
    assert_eq!(outcomes, [true, true, true, false, false]);
    let (mut lab, _) = guarded(kill(KillAfter::Time(Ns::secs(5))));
    lab.wait(Ns::secs(100));
    assert!(passes(&mut lab, (BOB, 1)));
    lab.wait(Ns(Ns::secs(5).0 - 1));
    assert!(passes(&mut lab, (BOB, 1)));
    lab.wait(Ns(1));
    assert!(!passes(&mut lab, (BOB, 1)));
}

#[test]
fn blocks_and_other_rules_can_come_and_go() {
    let (mut lab, firewall) = guarded(Params::default());
    let element = firewall.element();
    let udp = Some(Protocol::Udp);
    lab.world.apply(Do::Block { element, protocol: udp }).unwrap();
    assert!(!passes(&mut lab, (BOB, 1)));
    lab.world.apply(Do::Unblock { element, protocol: udp }).unwrap();
    assert!(passes(&mut lab, (BOB, 1)));
    lab.world.apply(Do::Block { element: lab.nat.element(), protocol: None }).unwrap();
    assert!(!passes(&mut lab, (BOB, 1)));
    lab.world.apply(Do::Unblock { element: lab.nat.element(), protocol: None }).unwrap();
    let params = Params { default_out: Action::Drop, ..Params::default() };
    lab.world.apply(Do::Firewall { firewall, params }).unwrap();
    assert!(!passes(&mut lab, (BOB, 1)));
    let nowhere = lab.world.apply(Do::Block { element: lab.bob.element(), protocol: None });
    assert_eq!(nowhere.unwrap_err().to_string(), "block at bob: neither firewall nor NAT");
}
