//! What an observer is told.

use rtcspec_net::Ns;
use rtcspec_net::link::{Loss, Params as Link};
use rtcspec_net::nat::{Change, Params};
use rtcspec_net::observe::{Crossing, Drop, Journeys, Verdict};

use crate::lab::{ALICE, BOB, CAROL, Lab, at};

fn lab() -> Lab {
    let mut lab = Lab::new(Params::default());
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    let out = Link { loss: Loss::Listed(vec![2]), duplicate: 0.0, ..Link::latency(Ns::millis(7)) };
    fabric.link("home", [out, Link::default()], outside).unwrap();
    lab
}

#[test]
fn a_journey_tells_every_hop_and_the_end() {
    let mut lab = lab();
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    lab.send(lab.carol, (CAROL, 9), at("203.0.113.1:5000"));
    lab.world.step(Ns::secs(1)).unwrap();
    let records = lab.world.fabric_mut().records();
    let mut journeys = Journeys::new();
    let ended = journeys.read(&records);
    assert_eq!(journeys.under_way(), []);
    let names = |n: usize| -> Vec<String> {
        let name = |hop: &rtcspec_net::observe::Record| lab.world.fabric().explain(hop);
        ended[n].hops.iter().map(name).collect()
    };
    assert_eq!(
        names(0),
        [
            "alice: sent udp 192.168.1.2:5000 > 198.51.100.1:1",
            "nat.home: from 192.168.1.2:5000 = 203.0.113.1:5000",
            "link.home: lost",
        ]
    );
    assert_eq!(ended[0].dropped(), Some((ended[0].hops[2].element, Drop::Lost)));
    assert_eq!(
        names(1),
        [
            "carol: sent udp 198.51.100.3:9 > 203.0.113.1:5000",
            "link.home: arrives at 0s",
            "nat.home: filtered, APDF, 198.51.100.3:9 never contacted",
        ]
    );
    assert_eq!(
        names(2),
        [
            "alice: sent udp 192.168.1.2:5000 > 198.51.100.1:1",
            "nat.home: from 192.168.1.2:5000 = 203.0.113.1:5000, new mapping",
            "link.home: arrives at 0.007s",
            "bob: delivered to 198.51.100.1:1",
        ]
    );
    assert_eq!(ended[2].delivered(), Some((lab.bob.element(), Ns::millis(7))));
    assert_eq!(ended[2].packet.number, 1);
    assert!(matches!(ended[2].hops[1].verdict, Verdict::Translated { new_mapping: true, .. }));
}

#[test]
fn a_duplicated_packet_ends_twice() {
    let mut lab = Lab::new(Params::default());
    let fabric = lab.world.fabric_mut();
    let outside = fabric.outside(lab.nat);
    let twice = Link { duplicate: 1.0, ..Link::latency(Ns::millis(1)) };
    fabric.link("home", [twice, Link::default()], outside).unwrap();
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    let mut journeys = Journeys::new();
    assert_eq!(journeys.read(&lab.world.fabric_mut().records()), []);
    lab.world.step(Ns::secs(1)).unwrap();
    lab.received(lab.bob).unwrap();
    let ended = journeys.read(&lab.world.fabric_mut().records());
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].ends.len(), 2);
}

#[test]
fn taps_show_both_sides_and_say_why_packets_end() {
    let mut lab = lab();
    lab.world.fabric_mut().tap_element(lab.nat);
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    lab.send(lab.carol, (CAROL, 9), at("203.0.113.1:5000"));
    let tap = lab.world.fabric_mut().take_tap();
    assert_eq!(tap.interfaces(), ["nat.home inside", "nat.home outside"]);
    let seen: Vec<_> = tap
        .frames()
        .map(|f| (f.interface, f.crossing, f.comment, f.bytes[12..16].to_vec()))
        .collect();
    assert_eq!(
        seen,
        [
            (0, Crossing::Inbound, None, vec![192, 168, 1, 2]),
            (1, Crossing::Outbound, None, vec![203, 0, 113, 1]),
            (
                1,
                Crossing::Inbound,
                Some("nat.home: filtered, APDF, 198.51.100.3:9 never contacted"),
                vec![198, 51, 100, 3]
            ),
        ]
    );
    assert_eq!(lab.world.fabric_mut().take_tap().frames().count(), 0, "taken");
}

#[test]
fn a_port_nobody_opened_is_named() {
    let mut lab = Lab::new(Params::default());
    lab.world.host_mut(lab.bob).answer_closed_ports(true);
    lab.send(lab.alice, (ALICE, 5000), at("198.51.100.1:1"));
    assert_eq!(lab.last_drop(), "bob: nobody listens at 198.51.100.1:1");
    lab.world.host_mut(lab.bob).open_port(at("198.51.100.1:1"));
    lab.world.receive(lab.alice);
    assert!(lab.seen((ALICE, 5000), (BOB, 1)).is_some());
}

#[test]
fn a_box_keeps_a_log_when_asked_for() {
    let mut lab = Lab::new(Params::default());
    for (on, events) in [(false, 0), (true, 1)] {
        lab.world.fabric_mut().log_nat(lab.nat, on);
        lab.seen((ALICE, 5000 + u16::from(on)), (BOB, 1));
        assert_eq!(lab.world.fabric_mut().nat_events(lab.nat).len(), events);
    }
}

#[test]
fn refreshes_are_logged_when_asked_for() {
    let mut lab = Lab::new(Params::default());
    lab.seen((ALICE, 5000), (BOB, 1));
    lab.world.fabric_mut().log_refreshes(lab.nat, true);
    lab.wait(Ns::secs(1));
    lab.seen((ALICE, 5000), (BOB, 1));
    let events = lab.world.fabric_mut().nat_events(lab.nat);
    assert_eq!(events.last().map(|e| (e.at, e.change)), Some((Ns::secs(1), Change::Refreshed)));
    assert_eq!(
        events[0].to_string(),
        "0s udp 192.168.1.2:5000 = 203.0.113.1:5000 created for 198.51.100.1:1"
    );
}
