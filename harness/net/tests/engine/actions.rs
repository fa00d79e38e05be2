//! Things that happen while a network runs.

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action, ActionError};
use rtcspec_net::link::{Direction, Params as Link};
use rtcspec_net::nat::{
    Filtering, Mapping, OnFiltered, Params, PortPolicy, Ports, Unsolicited, presets,
};

use crate::lab::{ADAM, ALICE, BOB, CAROL, Lab, at, ip, lan};

fn eif() -> Params {
    Params::new(Mapping::default(), Filtering::EndpointIndependent)
}

#[test]
fn a_reboot_loses_mappings_and_takes_its_time() {
    for (policy, same) in [(PortPolicy::Preserve, true), (PortPolicy::Random, false)] {
        let ports = Ports { policy, ..Ports::default() };
        let mut lab = Lab::new(Params { ports, ..eif() });
        let before = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        lab.world.apply(Action::Reboot { nat: lab.nat, down: Ns::millis(300) }).unwrap();
        lab.wait(Ns(Ns::millis(300).0 - 1));
        assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), None);
        assert_eq!(lab.last_drop(), "nat.home: restarting");
        lab.wait(Ns(1));
        assert!(!lab.reaches((BOB, 1), before, 5000));
        let after = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        assert_eq!(before == after, same, "{policy:?}");
    }
}

#[test]
fn a_one_to_one_box_gives_the_same_addresses_after_a_reboot() {
    let one_to_one = presets::find("one-to-one").unwrap().params();
    let mut lab = Lab::new(Params { addresses: 2, ..one_to_one });
    lab.world.apply(Action::Reboot { nat: lab.nat, down: Ns::ZERO }).unwrap();
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)), Some(at("203.0.113.2:5000")));
    assert!(lab.reaches((BOB, 1), at("203.0.113.1:7777"), 7777), "alice has not spoken yet");
}

#[test]
fn renumbering_gives_other_addresses_and_frees_the_old_ones() {
    let mut lab = Lab::new(eif());
    let before = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.world.apply(Action::Renumber { nat: lab.nat, addresses: Vec::new() }).unwrap();
    let after = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    assert_eq!((before, after), (at("203.0.113.1:5000"), at("203.0.113.2:5000")));
    assert!(!lab.reaches((BOB, 1), before, 5000));
    assert_eq!(lab.last_drop(), "net.wan: nobody has 203.0.113.1");
    let taken = vec![ip(BOB)];
    let error = lab.world.apply(Action::Renumber { nat: lab.nat, addresses: taken }).unwrap_err();
    assert!(matches!(error, ActionError::Address(_)));
    assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), Some(after), "nothing happened");
}

#[test]
fn expiry_can_be_ordered() {
    let mut lab = Lab::new(eif());
    let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    lab.world.apply(Action::Expire { nat: lab.nat }).unwrap();
    assert!(!lab.reaches((BOB, 1), seen, 5000));
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 0);
}

#[test]
fn a_host_moves_with_its_sockets_and_gets_other_addresses() {
    let mut lab = Lab::new(eif());
    let fabric = lab.world.fabric_mut();
    let cell = fabric.segment("cell", lan(9)).unwrap();
    let mobile = fabric.nat("mobile", Params::default(), cell, lab.wan).unwrap();
    let external = fabric.addresses(fabric.outside(mobile))[0];
    let port = fabric.interfaces(lab.alice)[0];
    lab.world.apply(Action::Move { port, to: None, addresses: Vec::new() }).unwrap();
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    assert_eq!(lab.world.unsent().len(), 1, "no address to send from");
    (0..2000).for_each(|_| lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1")));
    assert_eq!(lab.world.unsent().len(), 1024, "what nobody reads does not pile up");
    lab.world.apply(Action::Move { port, to: Some(cell), addresses: Vec::new() }).unwrap();
    assert_eq!(lab.world.address(lab.alice, 1), Some(at("192.168.9.2:1")));
    lab.send(lab.alice, ("192.168.9.2", 5000), at("198.51.100.1:1"));
    assert_eq!(lab.received(lab.bob).unwrap().1.ip(), external);
    let nat = lab.world.fabric().outside(mobile);
    let error = lab.world.apply(Action::Move { port: nat, to: None, addresses: Vec::new() });
    assert_eq!(error.unwrap_err().to_string(), "move nat.mobile: not a host");
}

#[test]
fn links_change_one_way_and_go_down_both_ways() {
    let mut lab = Lab::new(eif());
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    let link = fabric.link("home", [Link::default(), Link::default()], outside).unwrap();
    let params = Link::latency(Ns::millis(50));
    lab.world.apply(Action::Link { link, direction: Direction::In, params }).unwrap();
    let seen = lab.seen((ALICE, 5000), (BOB, 1)).expect("out is as before");
    lab.send(lab.bob, (BOB, 1), seen);
    assert_eq!(lab.world.step(Ns::secs(1)), Ok(Ns::millis(50)));
    assert!(lab.received(lab.alice).is_some());
    lab.world.apply(Action::LinkUp { link, up: false }).unwrap();
    assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), None);
    lab.world.apply(Action::LinkUp { link, up: true }).unwrap();
    assert!(lab.seen((ALICE, 5000), (BOB, 1)).is_some());
}

#[test]
fn a_partition_cuts_a_segment_in_two_until_it_heals() {
    let mut lab = Lab::new(eif());
    let fabric = lab.world.fabric();
    let apart = vec![fabric.outside(lab.nat), fabric.interfaces(lab.carol)[0]];
    lab.world.apply(Action::Partition { segment: lab.wan, apart }).unwrap();
    assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), None);
    assert_eq!(lab.last_drop(), "net.wan: partitioned");
    assert!(lab.seen((ALICE, 5000), (CAROL, 1)).is_some());
    lab.world.apply(Action::Heal { segment: lab.wan }).unwrap();
    assert!(lab.seen((ALICE, 5000), (BOB, 1)).is_some());
}

#[test]
fn a_refused_packet_can_kill_the_mapping_or_block_its_sender() {
    for on_filtered in [OnFiltered::Nothing, OnFiltered::KillMapping, OnFiltered::BlockSource] {
        let mut lab = Lab::new(Params { on_filtered, ..Params::default() });
        let seen = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
        assert!(!lab.reaches((CAROL, 1), seen, 5000));
        let alive = on_filtered != OnFiltered::KillMapping;
        assert_eq!(lab.reaches((BOB, 1), seen, 5000), alive, "{on_filtered}");
        lab.seen((ALICE, 5000), (CAROL, 1)).unwrap();
        let heard = on_filtered != OnFiltered::BlockSource;
        assert_eq!(lab.reaches((CAROL, 1), seen, 5000), heard, "{on_filtered}");
    }
}

#[test]
fn an_unsolicited_packet_reserves_its_endpoints_for_a_while() {
    let params = Params { unsolicited: Unsolicited::Reserve, ..Params::default() };
    let mut lab = Lab::new(params);
    lab.send(lab.bob, (BOB, 1), at("203.0.113.1:5000"));
    let clashed = lab.seen((ALICE, 5000), (BOB, 1)).unwrap();
    assert_ne!(clashed.port(), 5000);
    assert_eq!(lab.seen((ALICE, 5000), (CAROL, 1)).unwrap().port(), 5000, "only for that remote");
    assert_eq!(lab.seen((ALICE, 5000), (BOB, 1)), Some(clashed));
    assert!(lab.reaches((BOB, 1), clashed, 5000), "answers come in by the other port");
    lab.wait(Ns::secs(300));
    assert_eq!(lab.seen((ADAM, 5000), (BOB, 1)).unwrap().port(), 5000, "forgotten");
}
