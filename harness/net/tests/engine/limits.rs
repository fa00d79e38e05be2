//! Ports and state that run out (RFC 6888), and hold-down.

use rtcspec_net::Ns;
use rtcspec_net::host::{IcmpError, Receive};
use rtcspec_net::nat::{
    Change, Ended, Exhaustion, Filtering, Lifetimes, Limits, Mapping, Params, Pooling, PortPolicy,
    Ports, presets,
};

use crate::lab::{ADAM, ALICE, BOB, Lab, at, ip};

fn narrow(policy: PortPolicy, exhaustion: Exhaustion) -> Params {
    let ports = Ports { policy, range: 2000..=2003, ..Ports::default() };
    Params { ports, exhaustion, ..Params::default() }
}

#[test]
fn when_ports_run_out_the_sender_gets_what_the_box_is_told() {
    for policy in [PortPolicy::Random, PortPolicy::Sequential { delta: 3 }, PortPolicy::Preserve] {
        let mut lab = Lab::new(narrow(policy, Exhaustion::Drop));
        let mut used: Vec<u16> =
            (1..=4).map(|n| lab.seen((ALICE, n), (BOB, 1)).unwrap().port()).collect();
        used.sort_unstable();
        assert_eq!(used, [2000, 2001, 2002, 2003], "{policy:?}");
        assert_eq!(lab.seen((ALICE, 5), (BOB, 1)), None);
        assert_eq!(lab.last_drop(), "nat.home: no external port left");
        assert!(lab.seen((ALICE, 4), (BOB, 1)).is_some(), "those there are stay");
    }
}

#[test]
fn rfc_6888_req_11_a_refused_sender_hears_that_the_host_is_unreachable() {
    let mut lab = Lab::new(narrow(PortPolicy::Random, Exhaustion::Reject));
    (1..=4).for_each(|n| assert!(lab.seen((ALICE, n), (BOB, 1)).is_some()));
    assert_eq!(lab.seen((ALICE, 5), (BOB, 1)), None);
    let unreachable = Receive::Unreachable {
        local: at("192.168.1.2:5"),
        remote: at("198.51.100.1:1"),
        error: IcmpError { kind: 3, code: 1 },
    };
    assert_eq!(lab.world.receive(lab.alice), Some(unreachable));
}

#[test]
fn eviction_ends_the_mapping_idle_longest() {
    let mut lab = Lab::new(narrow(PortPolicy::Random, Exhaustion::EvictOldest));
    for n in 1..=4 {
        lab.wait(Ns::secs(1));
        lab.seen((ALICE, n), (BOB, 1)).unwrap();
    }
    lab.wait(Ns::secs(1));
    lab.seen((ALICE, 1), (BOB, 1)).unwrap();
    lab.wait(Ns::secs(1));
    lab.seen((ALICE, 5), (BOB, 1)).unwrap();
    let events = lab.world.fabric_mut().nat_events(lab.nat);
    let evicted = events.iter().find(|e| e.change == Change::Ended(Ended::Evicted)).unwrap();
    assert_eq!(evicted.internal, at("192.168.1.2:2"));
}

#[test]
fn rfc_6888_req_8_a_released_port_rests_for_its_hold_down() {
    let ports = Ports { range: 2000..=2000, hold_down: Ns::secs(120), ..Ports::default() };
    let lifetimes = Lifetimes { udp: Ns::secs(30), ..Lifetimes::default() };
    let mut lab = Lab::new(Params { ports, lifetimes, ..Params::default() });
    lab.seen((ALICE, 1), (BOB, 1)).unwrap();
    lab.wait(Ns(Ns::secs(150).0 - 1));
    assert_eq!(lab.seen((ADAM, 1), (BOB, 1)), None);
    lab.wait(Ns(1));
    assert!(lab.seen((ADAM, 1), (BOB, 1)).is_some());
}

#[test]
fn blocks_belong_to_one_subscriber_at_a_time() {
    let ports =
        Ports { policy: PortPolicy::Block { size: 8 }, range: 2000..=2023, ..Ports::default() };
    let mut lab = Lab::new(Params { ports, ..Params::default() });
    let block = |port: u16| (port - 2000) / 8;
    let ports = |lab: &mut Lab, who, count: u16| -> Vec<u16> {
        (1..=count).map_while(|n| lab.seen((who, n), (BOB, 1))).map(|seen| seen.port()).collect()
    };
    let alice = ports(&mut lab, ALICE, 5);
    assert!(alice.iter().all(|&port| block(port) == 0), "{alice:?}");
    let adam = ports(&mut lab, ADAM, 5);
    assert!(adam.iter().all(|&port| block(port) == 1), "{adam:?}");
    let alice = ports(&mut lab, ALICE, 20);
    assert_eq!(alice.len(), 16, "her second block is the third, then there is none");
    assert!(alice.iter().all(|&port| block(port) != 1), "{alice:?}");
}

#[test]
fn a_block_belongs_to_its_subscriber_at_the_external_address_it_is_of() {
    let ports =
        Ports { policy: PortPolicy::Block { size: 4 }, range: 2000..=2003, ..Ports::default() };
    let (addresses, pooling) = (2, Pooling::RoundRobin);
    let mut lab = Lab::new(Params { addresses, pooling, ports, ..Params::default() });
    let seen = |lab: &mut Lab, who, n| lab.seen((who, n), (BOB, 1)).map(|seen| seen.ip());
    let [first, second] = ["203.0.113.1", "203.0.113.2"].map(ip);
    assert_eq!(seen(&mut lab, ALICE, 1), Some(first));
    assert_eq!(seen(&mut lab, ALICE, 2), Some(second));
    for n in 3..=4 {
        assert_eq!(seen(&mut lab, ADAM, n), None, "both blocks are hers");
    }
    lab.wait(Ns::secs(300));
    assert_eq!(seen(&mut lab, ADAM, 5), Some(first));
    assert_eq!(seen(&mut lab, ADAM, 6), Some(second), "both are free again");
}

#[test]
fn limits_count_per_subscriber_in_all_and_per_second() {
    let limited = |limits| Lab::new(Params { limits, ..Params::default() });
    let mut lab = limited(Limits { per_subscriber: Some(2), ..Limits::default() });
    let ok = |lab: &mut Lab, who, n| lab.seen((who, n), (BOB, 1)).is_some();
    assert!(ok(&mut lab, ALICE, 1) && ok(&mut lab, ALICE, 2) && !ok(&mut lab, ALICE, 3));
    assert_eq!(lab.last_drop(), "nat.home: limit of mappings per subscriber");
    assert!(ok(&mut lab, ADAM, 3));
    assert_eq!(lab.world.fabric().counters(lab.nat).most_per_subscriber, 2);

    let mut lab = limited(Limits { mappings: Some(2), ..Limits::default() });
    assert!(ok(&mut lab, ALICE, 1) && ok(&mut lab, ADAM, 2) && !ok(&mut lab, ADAM, 3));

    let mut lab = limited(Limits { new_per_second: Some(2), ..Limits::default() });
    assert!(ok(&mut lab, ALICE, 1) && ok(&mut lab, ALICE, 2) && !ok(&mut lab, ALICE, 3));
    lab.wait(Ns::secs(1));
    assert!(ok(&mut lab, ALICE, 3));
}

#[test]
fn an_overridden_port_changes_hands() {
    let ports = Ports { policy: PortPolicy::PreserveOverride, ..Ports::default() };
    let params =
        Params { ports, ..Params::new(Mapping::default(), Filtering::EndpointIndependent) };
    let mut lab = Lab::new(params);
    let first = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    assert!(lab.reaches((BOB, 9), first, 5000));
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)), Some(first));
    lab.send(lab.bob, (BOB, 9), first);
    assert_eq!(lab.received(lab.alice), None);
    assert!(lab.received(lab.adam).is_some());
}

#[test]
fn a_port_that_must_be_preserved_is_refused_when_taken() {
    let ports = Ports { policy: PortPolicy::PreserveOrDrop, ..Ports::default() };
    let mut lab = Lab::new(Params { ports, ..Params::default() });
    assert!(lab.seen((ALICE, 5000), (BOB, 1)).is_some());
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)), None);
    assert!(lab.seen((ADAM, 5001), (BOB, 1)).is_some());
}

#[test]
fn every_preset_carries_packets_both_ways() {
    for preset in presets::ALL {
        let mut lab = Lab::new(preset.params());
        let seen = lab.seen((ALICE, 5000), (BOB, 1));
        let seen = seen.unwrap_or_else(|| panic!("{}: nothing passed", preset.name));
        assert!(lab.reaches((BOB, 1), seen, 5000), "{}", preset.name);
    }
}

#[test]
fn a_one_to_one_nat_lets_the_world_in_before_the_host_has_spoken() {
    let params = Params { addresses: 2, ..presets::find("one-to-one").unwrap().params() };
    let mut lab = Lab::new(params);
    assert!(lab.reaches((BOB, 1), at("203.0.113.1:7777"), 7777), "alice has the first address");
    assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), Some(at("203.0.113.1:5000")));
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)), Some(at("203.0.113.2:5000")));
}
