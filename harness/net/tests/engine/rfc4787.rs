//! RFC 4787, requirement by requirement.

use rtcspec_net::Ns;
use rtcspec_net::nat::{
    Change, Ended, Filtering, Hairpin, Lifetimes, Mapping, Params, Pooling, PortPolicy, Ports,
    Refresh, Unsolicited,
};

use crate::lab::{ADAM, ALICE, BOB, BOB2, CAROL, Lab, at, ip};

const EIM: Mapping = Mapping::EndpointIndependent;
const APDF: Filtering = Filtering::AddressAndPortDependent;

#[test]
fn req_1_endpoint_independent_mapping_is_reused_for_every_remote() {
    let mut lab = Lab::new(Params::default());
    let first = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    for to in [(BOB, 2), (BOB2, 1), (CAROL, 1)] {
        assert_eq!(lab.seen((ALICE, 5000), to), Some(first));
    }
    assert_ne!(lab.seen((ALICE, 5001), (BOB, 1)), Some(first));
}

#[test]
fn req_1_other_mappings_depend_on_what_they_are_named_after() {
    for (mapping, same_address) in
        [(Mapping::AddressDependent, true), (Mapping::AddressAndPortDependent, false)]
    {
        let mut lab = Lab::new(Params::new(mapping, APDF));
        let first = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), Some(first), "{mapping}");
        assert_eq!(lab.seen((ALICE, 5000), (BOB, 2)) == Some(first), same_address, "{mapping}");
        assert_ne!(lab.seen((ALICE, 5000), (BOB2, 1)), Some(first), "{mapping}");
    }
}

#[test]
fn req_2_paired_pooling_keeps_an_internal_address_on_one_external_one() {
    let params = |pooling| Params { addresses: 4, pooling, ..Params::default() };
    let mut lab = Lab::new(params(Pooling::Paired));
    let alice = lab.seen((ALICE, 5000), (BOB, 1)).unwrap().ip();
    let adam = lab.seen((ADAM, 5000), (BOB, 1)).unwrap().ip();
    assert_ne!(alice, adam, "subscribers are spread");
    for port in 5001..5020 {
        assert_eq!(lab.seen((ALICE, port), (BOB, 1)).unwrap().ip(), alice);
        assert_eq!(lab.seen((ADAM, port), (BOB, 1)).unwrap().ip(), adam);
    }
    for pooling in [Pooling::Arbitrary, Pooling::RoundRobin] {
        let mut lab = Lab::new(params(pooling));
        let mut used: Vec<_> =
            (5000..5040).map(|port| lab.seen((ALICE, port), (BOB, 1)).unwrap().ip()).collect();
        if pooling == Pooling::RoundRobin {
            assert_eq!(used[0..4], used[4..8]);
        }
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), 4, "{pooling}");
    }
}

#[test]
fn req_3_two_endpoints_never_share_an_external_port() {
    let mut lab = Lab::new(Params::default());
    let first = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    let second = lab.seen((ADAM, 5000), (BOB, 1)).unwrap();
    assert_eq!(first.port(), 5000, "preserved");
    assert_ne!(second.port(), 5000);
}

#[test]
fn req_3_overloading_shares_a_port_until_the_remote_is_the_same() {
    let ports = Ports { policy: PortPolicy::PreserveOverload, ..Ports::default() };
    let mut lab = Lab::new(Params { ports, ..Params::new(Mapping::AddressAndPortDependent, APDF) });
    let first = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    let second = lab.seen((ADAM, 5000), (BOB, 2)).unwrap();
    assert_eq!(first, second, "two mappings on one port");
    let third = lab.seen((ADAM, 5000), (BOB, 1)).unwrap();
    assert_ne!(third.port(), 5000, "two that the remote could not tell apart");
    // Answers find their way by the remote.
    lab.send(lab.bob, (BOB, 1), first);
    assert_eq!(lab.received(lab.alice).unwrap().0, at("192.168.1.2:5000"));
    lab.send(lab.bob, (BOB, 2), second);
    assert_eq!(lab.received(lab.adam).unwrap().0, at("192.168.1.3:5000"));
}

#[test]
fn req_4_parity_is_preserved_when_asked_for() {
    let ports = Ports { policy: PortPolicy::Random, parity: true, ..Ports::default() };
    let mut lab = Lab::new(Params { ports, ..Params::default() });
    for port in 5000..5064 {
        assert_eq!(lab.seen((ALICE, port), (BOB, 1)).unwrap().port() % 2, port % 2);
    }
}

#[test]
fn req_5_a_mapping_lives_its_time_to_the_nanosecond() {
    for (rest, alive) in [(Ns(Ns::secs(300).0 - 1), true), (Ns::secs(300), false)] {
        let mut lab = Lab::new(Params::new(EIM, Filtering::EndpointIndependent));
        let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        lab.wait(rest);
        assert_eq!(lab.reaches((CAROL, 7), seen, 5000), alive);
    }
}

#[test]
fn req_5_expiry_is_logged_with_its_own_time() {
    let mut lab = Lab::new(Params::default());
    lab.seen((ALICE, 5000), (BOB, 1));
    lab.wait(Ns::secs(1000));
    let events = lab.world.fabric_mut().nat_events(lab.nat);
    let changes: Vec<_> = events.iter().map(|event| (event.at, event.change)).collect();
    let created = Change::Created { remote: at("198.51.100.1:1") };
    assert_eq!(changes, [(Ns::ZERO, created), (Ns::secs(300), Change::Ended(Ended::Expired))],);
    assert_eq!(events[0].internal, at("192.168.1.2:5000"));
    assert_eq!(events[0].external, at("203.0.113.1:5000"));
}

#[test]
fn req_5_unanswered_mappings_live_shorter_where_the_box_says_so() {
    let lifetimes =
        Lifetimes { udp: Ns::secs(120), unreplied: Some(Ns::secs(30)), ..Lifetimes::default() };
    let params = Params {
        lifetimes,
        refresh: Refresh::Both,
        ..Params::new(EIM, Filtering::EndpointIndependent)
    };
    for answered in [false, true] {
        let mut lab = Lab::new(params.clone());
        let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        if answered {
            assert!(lab.reaches((BOB, 1), seen, 5000));
        }
        lab.wait(Ns::secs(31));
        assert_eq!(lab.reaches((BOB, 1), seen, 5000), answered);
    }
}

#[test]
fn req_6_only_the_named_direction_refreshes() {
    let cases = [
        (Refresh::Outbound, true, false),
        (Refresh::Inbound, false, true),
        (Refresh::Both, true, true),
        (Refresh::None, false, false),
    ];
    for (refresh, by_out, by_in) in cases {
        for (out, alive) in [(true, by_out), (false, by_in)] {
            let params = Params { refresh, ..Params::new(EIM, Filtering::EndpointIndependent) };
            let mut lab = Lab::new(params);
            let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
            lab.wait(Ns::secs(200));
            if out {
                lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
            } else {
                assert!(lab.reaches((BOB, 1), seen, 5000));
            }
            lab.wait(Ns::secs(200));
            assert_eq!(lab.reaches((CAROL, 9), seen, 5000), alive, "{refresh} {out}");
        }
    }
}

#[test]
fn req_6_filtered_packets_refresh_only_where_the_box_lets_them() {
    for refresh_by_filtered in [false, true] {
        let params = Params { refresh: Refresh::Both, refresh_by_filtered, ..Params::default() };
        let mut lab = Lab::new(params);
        let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        lab.wait(Ns::secs(200));
        assert!(!lab.reaches((CAROL, 9), seen, 5000));
        lab.wait(Ns::secs(200));
        let alive = lab.world.fabric_mut().nat_events(lab.nat).len() == 1;
        assert_eq!(alive, refresh_by_filtered);
    }
}

#[test]
fn req_7_the_same_private_addresses_on_both_sides_of_the_world_do_not_matter() {
    use rtcspec_net::fabric::Fabric;
    use rtcspec_net::host::{Receive, Transmit};
    use rtcspec_net::{segment, world::World};
    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let mut hosts = Vec::new();
    for name in ["a", "b"] {
        let lan = fabric.segment(&format!("lan-{name}"), crate::lab::lan(1)).unwrap();
        let params = Params::new(EIM, Filtering::EndpointIndependent);
        fabric.nat(name, params, lan, wan).unwrap();
        let host = fabric.host(name).unwrap();
        fabric.interface(host, lan, &[ip("192.168.1.2")]).unwrap();
        hosts.push(host);
    }
    let mut world = World::new(fabric);
    let local = at("192.168.1.2:5000");
    let (a, b) = (hosts[0], hosts[1]);
    world.transmit(a, Transmit::Udp { local, remote: at("203.0.113.2:5000"), data: vec![1] });
    assert_eq!(world.receive(b), None, "b has no mapping yet");
    world.transmit(b, Transmit::Udp { local, remote: at("203.0.113.1:5000"), data: vec![2] });
    let Some(Receive::Udp { local: to, remote, .. }) = world.receive(a) else {
        panic!("a got nothing")
    };
    assert_eq!((to, remote), (local, at("203.0.113.2:5000")));
}

#[test]
fn req_8_each_filtering_lets_in_whom_it_should() {
    for (filtering, same_address, anybody) in [
        (Filtering::EndpointIndependent, true, true),
        (Filtering::AddressDependent, true, false),
        (APDF, false, false),
    ] {
        for &mapping in Mapping::ALL {
            let mut lab = Lab::new(Params::new(mapping, filtering));
            let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
            assert!(lab.reaches((BOB, 1), seen, 5000), "{mapping} {filtering}");
            assert_eq!(lab.reaches((BOB, 2), seen, 5000), same_address, "{mapping} {filtering}");
            assert_eq!(lab.reaches((CAROL, 1), seen, 5000), anybody, "{mapping} {filtering}");
        }
    }
}

#[test]
fn req_8_a_filter_entry_ages_on_its_own() {
    let mut lab = Lab::new(Params::default());
    let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.wait(Ns::secs(200));
    lab.seen((ALICE, 5000), (CAROL, 1)).unwrap();
    lab.wait(Ns::secs(200));
    assert!(lab.reaches((CAROL, 1), seen, 5000));
    assert!(!lab.reaches((BOB, 1), seen, 5000));
    let why = "nat.home: filtered, APDF, 198.51.100.1:1 not contacted lately";
    assert_eq!(lab.last_drop(), why);
}

#[test]
fn req_9_hairpinning_shows_the_address_the_box_is_told_to_show() {
    for (hairpin, shown) in [
        (Hairpin::None, None),
        (Hairpin::Internal, Some("192.168.1.3:6000")),
        (Hairpin::External, Some("203.0.113.1:6000")),
    ] {
        let params = Params { hairpin, ..Params::new(EIM, Filtering::EndpointIndependent) };
        let mut lab = Lab::new(params);
        let alice = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        lab.seen((ADAM, 6000), (BOB, 1)).unwrap();
        lab.send(lab.adam, (ADAM, 6000), alice);
        let seen = lab.received(lab.alice).map(|(_, remote, _)| remote.to_string());
        assert_eq!(seen.as_deref(), shown, "{hairpin}");
    }
}

#[test]
fn req_9_hairpinned_packets_meet_the_filter() {
    let params = Params { hairpin: Hairpin::External, ..Params::default() };
    let mut lab = Lab::new(params);
    let alice = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    let adam = lab.seen((ADAM, 6000), (BOB, 1)).unwrap();
    lab.send(lab.adam, (ADAM, 6000), alice);
    assert_eq!(lab.received(lab.alice), None);
    assert_eq!(lab.last_drop(), "nat.home: filtered, APDF, 203.0.113.1:6000 never contacted");
    lab.send(lab.alice, (ALICE, 5000), adam);
    assert_eq!(lab.received(lab.adam).unwrap().1, alice, "adam has contacted alice");
}

#[test]
fn req_10_payloads_are_never_rewritten() {
    let mut lab = Lab::new(Params::default());
    let data = b"c=IN IP4 192.168.1.2 m=audio 5000 \xc0\xa8\x01\x02\x13\x88";
    lab.send_data(lab.alice, (ALICE, 5000), at("198.51.100.1:5060"), data);
    assert_eq!(lab.received(lab.bob).unwrap().2, data);
}

#[test]
fn req_11_a_box_that_changes_on_conflict_is_symmetric_for_who_comes_late() {
    let params = Params { changes_on_conflict: true, ..Params::default() };
    let mut lab = Lab::new(params);
    let early = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    assert_eq!(lab.seen((ALICE, 5000), (CAROL, 1)), Some(early));
    let late = lab.seen((ADAM, 5000), (BOB, 1)).unwrap();
    let other = lab.seen((ADAM, 5000), (CAROL, 1)).unwrap();
    assert_ne!(late, other);
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)), Some(late));
    assert_eq!(lab.seen((ALICE, 5000), (BOB2, 1)), Some(early));
}

#[test]
fn req_12_an_icmp_error_comes_through_and_leaves_the_mapping() {
    use rtcspec_net::host::{IcmpError, Receive};
    let error = IcmpError::port_unreachable(true);
    let unreachable =
        |local, remote| Receive::Unreachable { local: at(local), remote: at(remote), error };
    let mut lab = Lab::new(Params::default());
    lab.world.host_mut(lab.bob).answer_closed_ports(true);
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    let told = unreachable("192.168.1.2:5000", "198.51.100.1:1");
    assert_eq!(lab.world.receive(lab.alice), Some(told));
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 1);
    let seen = lab.seen((ALICE, 5000), (CAROL, 1)).unwrap();
    assert_eq!(seen, at("203.0.113.1:5000"));
    // The other way: alice's refusal of a packet that came in reaches its sender.
    lab.world.host_mut(lab.alice).answer_closed_ports(true);
    lab.send(lab.carol, (CAROL, 1), seen);
    let told = unreachable("198.51.100.3:1", "203.0.113.1:5000");
    assert_eq!(lab.world.receive(lab.carol), Some(told));
}

#[test]
fn rfc_5508_req_7_an_error_about_a_hairpinned_packet_comes_back_without_leaving() {
    use rtcspec_net::fabric::Action;
    use rtcspec_net::host::{IcmpError, Receive};
    use rtcspec_net::link::Params as Link;
    let hairpin = Hairpin::External;
    let mut lab = Lab::new(Params { hairpin, ..Params::new(EIM, Filtering::EndpointIndependent) });
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    let link = fabric.link("home", [Link::default(), Link::default()], outside).unwrap();
    let alice = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.world.host_mut(lab.alice).answer_closed_ports(true);
    lab.world.apply(Action::LinkUp { link, up: false }).unwrap();
    lab.send(lab.adam, (ADAM, 6000), alice);
    let error = IcmpError::port_unreachable(true);
    let told = Receive::Unreachable { local: at("192.168.1.3:6000"), remote: alice, error };
    assert_eq!(lab.world.receive(lab.adam), Some(told));
}

#[test]
fn who_is_refused_after_hairpinning_hears_of_it() {
    use rtcspec_net::host::{IcmpError, Receive};
    let (hairpin, unsolicited) = (Hairpin::External, Unsolicited::Reject);
    let mut lab = Lab::new(Params { hairpin, unsolicited, ..Params::default() });
    let alice = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.send(lab.adam, (ADAM, 6000), alice);
    let error = IcmpError::port_unreachable(true);
    let told = Receive::Unreachable { local: at("192.168.1.3:6000"), remote: alice, error };
    assert_eq!(lab.world.receive(lab.adam), Some(told));
    assert_eq!(lab.world.receive(lab.alice), None);
}

#[test]
fn a_datagram_that_is_too_long_is_told_with_the_longest_that_is_not() {
    use rtcspec_net::host::Receive;
    use rtcspec_net::link::{Mtu, Params as Link};
    let mut lab = Lab::new(Params::default());
    let narrow = Link { mtu: Some(Mtu { bytes: 1400, icmp: true }), ..Link::default() };
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    fabric.link("home", [narrow, Link::default()], outside).unwrap();
    let remote = at("198.51.100.1:1");
    lab.send_data(lab.alice, (ALICE, 5000), remote, &[0; 1373]);
    let told = Receive::TooBig { local: at("192.168.1.2:5000"), remote, mtu: 1400 };
    assert_eq!(lab.world.receive(lab.alice), Some(told));
}

#[test]
fn req_13_packet_too_big_comes_through() {
    use rtcspec_net::link::{Mtu, Params as Link};
    use rtcspec_net::observe::{Drop, Verdict};
    let mut lab = Lab::new(Params::default());
    let mtu = Mtu { bytes: 1400, icmp: true };
    let narrow = Link { mtu: Some(mtu), ..Link::default() };
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    fabric.link("home", [narrow, Link::default()], outside).unwrap();
    lab.send_data(lab.alice, (ALICE, 5000), at("198.51.100.1:1"), &[0; 1372]);
    assert_eq!(lab.received(lab.bob).unwrap().2.len(), 1372);
    lab.send_data(lab.alice, (ALICE, 5000), at("198.51.100.1:1"), &[0; 1373]);
    assert_eq!(lab.received(lab.bob), None);
    let records = lab.world.fabric_mut().records();
    assert!(records.iter().any(|r| r.verdict == Verdict::Dropped(Drop::TooBig(mtu))));
    let delivered = records.iter().rev().find(|r| r.verdict == Verdict::Delivered).unwrap();
    assert_eq!(delivered.element, lab.alice.element(), "the error reached who sent too much");
    assert_eq!(delivered.flow.destination.ip(), ip(ALICE));
}

#[test]
fn req_14_fragments_end_with_a_reason() {
    let mut lab = Lab::new(Params::default());
    let mut packet = Vec::new();
    rtcspec_net::packet::udp(&mut packet, at("192.168.1.2:5000"), at("198.51.100.1:1"), &[1; 64])
        .unwrap();
    // More fragments; the header checksum is lowered by as much.
    packet[6] = 0x20;
    let checksum = u16::from_be_bytes([packet[10], packet[11]]) + 0x2000;
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    let fabric = lab.world.fabric_mut();
    let port = fabric.interfaces(lab.alice)[0];
    fabric.send(Ns::ZERO, port, packet);
    assert_eq!(lab.last_drop(), "nat.home: no translation for fragments");
}
