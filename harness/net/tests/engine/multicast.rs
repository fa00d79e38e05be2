//! Multicast of the local link: who hears it, and where it ends.

use std::net::{IpAddr, SocketAddr};

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Action, Fabric};
use rtcspec_net::firewall::Params as Rules;
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::link::Params as Link;
use rtcspec_net::nat::{Filtering, Mapping, Params};
use rtcspec_net::observe::{End, Journeys};
use rtcspec_net::packet::{udp, udp_payload};
use rtcspec_net::world::World;

use crate::lab::{ADAM, ALICE, BOB, CAROL, Lab, at, ip, lan};

const GROUP: &str = "224.0.0.251";

fn open() -> Params {
    Params::new(Mapping::default(), Filtering::EndpointIndependent)
}

/// Everybody in the lab listens.
fn listening() -> Lab {
    let mut lab = Lab::new(open());
    for host in [lab.alice, lab.adam, lab.bob, lab.carol] {
        lab.world.fabric_mut().join(host, ip(GROUP));
    }
    lab
}

#[test]
fn a_segment_hears_what_is_sent_to_a_group_and_nobody_else_does() {
    let mut lab = listening();
    lab.send(lab.alice, (ALICE, 5000), at("224.0.0.251:5353"));
    let (local, remote, data) = lab.received(lab.adam).unwrap();
    assert_eq!((local, remote), (at("224.0.0.251:5353"), SocketAddr::new(ip(ALICE), 5000)));
    assert_eq!(data, b"hello");
    for host in [lab.alice, lab.bob, lab.carol] {
        assert_eq!(lab.received(host), None, "not the sender, nor beyond the NAT");
    }
    assert_eq!(lab.world.fabric().counters(lab.nat).mappings, 0, "the NAT saw nothing");
    lab.send(lab.bob, (BOB, 5000), at("224.0.0.251:5353"));
    assert!(lab.received(lab.carol).is_some());
    assert_eq!((lab.received(lab.alice), lab.received(lab.adam)), (None, None), "nor inwards");
}

#[test]
fn who_has_not_joined_hears_nothing_and_nobody_is_told_of_it() {
    let mut lab = Lab::new(open());
    lab.world.host_mut(lab.adam).answer_closed_ports(true);
    lab.send(lab.alice, (ALICE, 5000), at("224.0.0.251:5353"));
    assert_eq!(lab.last_drop(), "net.lan: nobody has joined 224.0.0.251");
    lab.world.fabric_mut().join(lab.adam, ip(GROUP));
    lab.send(lab.alice, (ALICE, 5000), at("224.0.0.251:5353"));
    assert!(lab.received(lab.adam).is_some());
    assert_eq!(lab.world.receive(lab.alice), None, "no ICMP");
    // Another group, and one that is not of the link.
    lab.send(lab.alice, (ALICE, 5000), at("224.0.0.252:5353"));
    assert_eq!(lab.received(lab.adam), None);
    lab.send(lab.alice, (ALICE, 5000), at("239.1.1.1:5353"));
    assert_eq!(lab.received(lab.adam), None);
}

#[test]
fn isolation_and_partitions_hold_for_many_as_for_one() {
    let mut fabric = Fabric::new(1);
    let hotel = fabric.segment("hotel", lan(1).isolated()).unwrap();
    let cafe = fabric.segment("cafe", lan(2)).unwrap();
    let mut ports = Vec::new();
    for (name, segment) in [("a", hotel), ("b", hotel), ("c", cafe), ("d", cafe)] {
        let host = fabric.host(name).unwrap();
        ports.push((host, fabric.interface(host, segment, &[]).unwrap()));
        fabric.join(host, ip(GROUP));
    }
    let mut world = World::new(fabric);
    let told = |world: &mut World, from: usize, to: usize| {
        let local = world.address(ports[from].0, 5353).unwrap();
        let data = b"?".to_vec();
        let remote = at("224.0.0.251:5353");
        world.transmit(ports[from].0, Transmit::Udp { local, remote, data });
        world.receive(ports[to].0).is_some()
    };
    assert!(!told(&mut world, 0, 1), "client isolation");
    assert!(told(&mut world, 2, 3));
    world.apply(Action::Partition { segment: cafe, apart: vec![ports[2].1] }).unwrap();
    assert!(!told(&mut world, 2, 3), "partition");
    world.apply(Action::Heal { segment: cafe }).unwrap();
    assert!(told(&mut world, 2, 3));
}

/// Three hosts on one segment, made in an order; one of them sends to a group.
fn heard_by(order: [&str; 3]) -> Vec<(String, Ns)> {
    let mut fabric = Fabric::new(1);
    let home = fabric.segment("lan", lan(1)).unwrap();
    for name in order {
        let host = fabric.host(name).unwrap();
        let last = 10 + name.len();
        let address: IpAddr = format!("192.168.1.{last}").parse().unwrap();
        let port = fabric.interface(host, home, &[address]).unwrap();
        fabric.join(host, ip(GROUP));
        if name == "ccc" {
            let slow = Link::latency(Ns::millis(5));
            fabric.link(name, [slow.clone(), slow], port).unwrap();
        }
    }
    fabric.record(true);
    let sender = fabric.host_of(fabric.find("bb").unwrap()).unwrap();
    let port = fabric.interfaces(sender)[0];
    let mut packet = Vec::new();
    udp(&mut packet, at("192.168.1.12:5353"), at("224.0.0.251:5353"), b"?").unwrap();
    fabric.send(Ns(0), port, packet);
    fabric.advance(Ns::secs(1));
    let mut heard = Vec::new();
    while let Some(delivery) = fabric.delivery() {
        assert_eq!(udp_payload(&delivery.bytes), Some(&b"?"[..]));
        heard.push((fabric.element_name(delivery.host).to_owned(), delivery.at));
    }
    let journeys = Journeys::new().read(&fabric.records());
    assert_eq!(journeys.len(), 1, "one packet with two ends");
    assert!(journeys[0].ends.iter().all(|end| matches!(end, End::Delivered { .. })));
    heard
}

#[test]
fn each_copy_goes_its_own_way_and_the_order_of_making_changes_nothing() {
    let heard = heard_by(["a", "bb", "ccc"]);
    assert_eq!(heard, [("a".to_owned(), Ns(0)), ("ccc".to_owned(), Ns::millis(5))]);
    for order in [["ccc", "bb", "a"], ["bb", "a", "ccc"]] {
        assert_eq!(heard_by(order), heard);
    }
}

#[test]
fn a_firewall_before_a_host_holds_for_its_copy_alone() {
    let mut lab = listening();
    let port = lab.world.fabric().interfaces(lab.carol)[0];
    let rules = Rules::stateful(Filtering::AddressAndPortDependent);
    lab.world.fabric_mut().firewall("carol", rules, port).unwrap();
    lab.send(lab.bob, (BOB, 5353), at("224.0.0.251:5353"));
    assert_eq!(lab.received(lab.carol), None);
    lab.send(lab.carol, (CAROL, 5353), at("224.0.0.251:5353"));
    assert!(lab.received(lab.bob).is_some(), "outwards it lets pass");
}

#[test]
fn a_host_whose_stack_is_elsewhere_hears_every_group_of_its_link() {
    let mut lab = Lab::new(open());
    lab.world.bare(lab.adam);
    for (group, hears) in
        [("224.0.0.251:5353", true), ("224.0.0.1:9", true), ("239.0.0.1:9", false)]
    {
        lab.send(lab.alice, (ALICE, 5000), at(group));
        assert_eq!(lab.world.packet(lab.adam).is_some(), hears, "{group}");
    }
    let mut packet = Vec::new();
    let own = SocketAddr::new(ip(ADAM), 5353);
    udp(&mut packet, own, at("224.0.0.251:5353"), b"!").unwrap();
    lab.world.fabric_mut().join(lab.alice, ip(GROUP));
    lab.world.inject(lab.adam, packet);
    let Some(Receive::Udp { remote, .. }) = lab.world.receive(lab.alice) else { panic!() };
    assert_eq!(remote, own);
}

#[test]
fn ipv6_has_the_same() {
    let mut fabric = Fabric::new(1);
    let prefix = "2001:db8:1::/64".parse().unwrap();
    let home = fabric.segment("lan", lan(1).with_v6(prefix)).unwrap();
    let hosts = ["a", "b"].map(|name| fabric.host(name).unwrap());
    for host in hosts {
        fabric.interface(host, home, &[]).unwrap();
        fabric.join(host, ip("ff02::fb"));
    }
    let mut world = World::new(fabric);
    let (local, remote) = (at("[2001:db8:1::2]:5353"), at("[ff02::fb]:5353"));
    world.transmit(hosts[0], Transmit::Udp { local, remote, data: b"?".to_vec() });
    assert!(matches!(world.receive(hosts[1]), Some(Receive::Udp { local, .. }) if local == remote));
}
