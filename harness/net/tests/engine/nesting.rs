//! NATs behind NATs, carriers, isolation.

use rtcspec_net::fabric::{Fabric, HostId};
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::nat::{Filtering, Hairpin, Mapping, Params, presets};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, segment};

use crate::lab::{at, ip, lan};

/// Two homes behind a carrier, and a server.
fn carrier(hairpin: Hairpin, home: &Params) -> (World, [HostId; 3]) {
    let mut fabric = Fabric::new(3);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let isp = segment::Params::v4("100.64.0.0/10".parse().unwrap());
    let isp = fabric.segment("isp", isp).unwrap();
    let cgn = Params { hairpin, ..presets::find("cgn").unwrap().params() };
    fabric.nat("carrier", cgn, isp, wan).unwrap();
    let server = fabric.host("server").unwrap();
    fabric.interface(server, wan, &[ip("198.51.100.1")]).unwrap();
    let homes = ["a", "b"].map(|name| {
        let place = fabric.segment(&format!("lan-{name}"), lan(1)).unwrap();
        fabric.nat(name, home.clone(), place, isp).unwrap();
        let host = fabric.host(name).unwrap();
        fabric.interface(host, place, &[]).unwrap();
        host
    });
    fabric.record(true);
    (World::new(fabric), [homes[0], homes[1], server])
}

fn send(world: &mut World, host: HostId, remote: &str) {
    let local = world.address(host, 5000).unwrap();
    world.transmit(host, Transmit::Udp { local, remote: at(remote), data: vec![1] });
}

fn source(world: &mut World, host: HostId) -> Option<String> {
    match world.receive(host)? {
        Receive::Udp { remote, .. } => Some(remote.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_homes_behind_one_carrier_meet_only_if_it_hairpins_externally() {
    for (hairpin, met) in
        [(Hairpin::External, true), (Hairpin::Internal, false), (Hairpin::None, false)]
    {
        let (mut world, [a, b, server]) = carrier(hairpin, &Params::default());
        send(&mut world, a, "198.51.100.1:1");
        let a_mapped = source(&mut world, server).unwrap();
        send(&mut world, b, "198.51.100.1:1");
        let b_mapped = source(&mut world, server).unwrap();
        send(&mut world, a, &b_mapped);
        send(&mut world, b, &a_mapped);
        let first = source(&mut world, a);
        assert_eq!(first.as_deref() == Some(b_mapped.as_str()), met, "{hairpin}: {first:?}");
    }
}

#[test]
fn carrier_addresses_are_those_of_rfc_6598_and_each_box_logs_its_own() {
    let (mut world, [a, _, server]) = carrier(Hairpin::External, &Params::default());
    send(&mut world, a, "198.51.100.1:1");
    assert!(source(&mut world, server).unwrap().starts_with("203.0.113.1:"));
    let records = world.fabric_mut().records();
    let fabric = world.fabric();
    let words: Vec<String> = records.iter().map(|record| fabric.explain(record)).collect();
    assert_eq!(words[0], "a: sent udp 192.168.1.2:5000 > 198.51.100.1:1");
    assert_eq!(words[1], "nat.a: from 192.168.1.2:5000 = 100.64.0.2:5000, new mapping");
    assert!(
        words[2].starts_with("nat.carrier: from 100.64.0.2:5000 = 203.0.113.1:"),
        "{}",
        words[2]
    );
    assert_eq!(words[3], "server: delivered to 198.51.100.1:1");
}

#[test]
fn five_boxes_deep_still_answers() {
    let mut fabric = Fabric::new(1);
    let mut outer = fabric.segment("wan", segment::Params::internet()).unwrap();
    let server = fabric.host("server").unwrap();
    fabric.interface(server, outer, &[ip("198.51.100.1")]).unwrap();
    for depth in 0..5u8 {
        let inner = fabric.segment(&format!("lan-{depth}"), lan(depth)).unwrap();
        let filtering = Filtering::AddressAndPortDependent;
        let mapping = Mapping::ALL[usize::from(depth) % 3];
        fabric.nat(&format!("n{depth}"), Params::new(mapping, filtering), inner, outer).unwrap();
        outer = inner;
    }
    let host = fabric.host("host").unwrap();
    fabric.interface(host, outer, &[]).unwrap();
    let mut world = World::new(fabric);
    send(&mut world, host, "198.51.100.1:5000");
    let mapped = source(&mut world, server).unwrap();
    send(&mut world, server, &mapped);
    assert_eq!(source(&mut world, host).unwrap(), "198.51.100.1:5000");
}

#[test]
fn isolated_clients_reach_the_world_but_not_each_other() {
    for (isolation, hairpin, direct, by_mapping) in [
        (false, Hairpin::None, true, false),
        (true, Hairpin::None, false, false),
        (true, Hairpin::External, false, true),
    ] {
        let mut fabric = Fabric::new(1);
        let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
        let place = fabric.segment("hotel", segment::Params { isolation, ..lan(1) }).unwrap();
        let params =
            Params { hairpin, ..Params::new(Mapping::default(), Filtering::EndpointIndependent) };
        fabric.nat("hotel", params, place, wan).unwrap();
        let [a, b, server] = ["a", "b", "server"].map(|name| fabric.host(name).unwrap());
        fabric.interface(a, place, &[]).unwrap();
        fabric.interface(b, place, &[]).unwrap();
        fabric.interface(server, wan, &[ip("198.51.100.1")]).unwrap();
        let mut world = World::new(fabric);
        send(&mut world, a, "192.168.1.3:5000");
        assert_eq!(source(&mut world, b).is_some(), direct);
        send(&mut world, b, "198.51.100.1:1");
        let mapped = source(&mut world, server).unwrap();
        send(&mut world, a, &mapped);
        assert_eq!(source(&mut world, b).is_some(), by_mapping);
    }
}

#[test]
fn a_ring_of_boxes_ends_by_the_hop_limit() {
    let mut fabric = Fabric::new(1);
    let (x, y) = (fabric.segment("x", lan(1)).unwrap(), fabric.segment("y", lan(2)).unwrap());
    fabric.nat("xy", Params::default(), x, y).unwrap();
    fabric.nat("yx", Params::default(), y, x).unwrap();
    let host = fabric.host("host").unwrap();
    fabric.interface(host, x, &[]).unwrap();
    fabric.record(true);
    let mut world = World::new(fabric);
    send(&mut world, host, "9.9.9.9:9");
    assert_eq!(world.step(Ns::secs(1)), Ok(Ns::secs(1)));
    let last = world.fabric_mut().records().pop().unwrap();
    assert_eq!(last.words(), "hop limit exceeded");
}
