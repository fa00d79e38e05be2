//! Same seed, same records; what is elsewhere changes nothing here.

use rtcspec_net::fabric::{Fabric, HostId};
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::link::{Jitter, Loss, Params as Link};
use rtcspec_net::nat::{Filtering, Mapping, Params, PortPolicy, Ports};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, segment};

use crate::lab::{at, ip, lan};

/// Two homes under noise; `extra` adds a third that talks too, `reversed` builds the other way.
fn build(seed: u64, extra: bool, reversed: bool) -> World {
    let mut fabric = Fabric::new(seed);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let mut names = vec![("a", 1u8), ("b", 2)];
    if extra {
        names.push(("z", 3));
    }
    if reversed {
        names.reverse();
    }
    for (name, n) in names {
        let place = fabric.segment(&format!("lan-{name}"), lan(n)).unwrap();
        let ports = Ports { policy: PortPolicy::Random, ..Ports::default() };
        let mapping = Mapping::AddressAndPortDependent;
        let params = Params { ports, ..Params::new(mapping, Filtering::EndpointIndependent) };
        let nat = fabric.nat(name, params, place, wan).unwrap();
        let jitter = Some(Jitter { up_to: Ns::millis(9), keep_order: n == 1 });
        let loss = Loss::Uniform { probability: 0.2 };
        let link = Link { jitter, loss, duplicate: 0.1, ..Link::latency(Ns::millis(3)) };
        let outside = fabric.outside(nat);
        fabric.link(name, [link.clone(), link], outside).unwrap();
        let host = fabric.host(name).unwrap();
        fabric.interface(host, place, &[]).unwrap();
    }
    let server = fabric.host("server").unwrap();
    fabric.interface(server, wan, &[ip("198.51.100.1")]).unwrap();
    fabric.record(true);
    World::new(fabric)
}

fn host(world: &World, name: &str) -> Option<HostId> {
    world.fabric().find(name).and_then(|element| world.fabric().host_of(element))
}

/// Everybody sends to the server, which answers. What happened to `a` and `b`, in words without
/// the external address, which depends on the order of building.
fn run(world: &mut World) -> Vec<String> {
    let server = host(world, "server").unwrap();
    for round in 0..60u64 {
        for name in ["a", "b", "z"] {
            if let Some(id) = host(world, name) {
                let local = world.address(id, 5000 + (round % 7) as u16).unwrap();
                let remote = at("198.51.100.1:9");
                world.transmit(id, Transmit::Udp { local, remote, data: vec![round as u8; 9] });
            }
        }
        let limit = Ns::millis(round * 4);
        while world.step(limit).unwrap() < limit || world.wake().is_some_and(|at| at <= limit) {
            while let Some(Receive::Udp { local, remote, data }) = world.receive(server) {
                world.transmit(server, Transmit::Udp { local, remote, data });
            }
            for name in ["a", "b", "z"] {
                let id = host(world, name);
                while id.and_then(|id| world.receive(id)).is_some() {}
            }
        }
    }
    let records = world.fabric_mut().records();
    let fabric = world.fabric();
    let mine = |record: &&rtcspec_net::observe::Record| {
        let element = fabric.element_name(record.element);
        element.ends_with(".a") || element.ends_with(".b")
    };
    let external = |text: String| {
        (1..=3).fold(text, |text, n| text.replace(&format!("203.0.113.{n}:"), "external:"))
    };
    records
        .iter()
        .filter(mine)
        .map(|r| external(format!("{} {}", r.at, fabric.explain(r))))
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_records() {
    let words = run(&mut build(1, false, false));
    assert!(words.iter().any(|w| w.ends_with("lost")) && words.iter().any(|w| w.contains("copy")));
    assert_eq!(words, run(&mut build(1, false, false)));
    assert_ne!(words, run(&mut build(2, false, false)));
}

#[test]
fn another_home_changes_nothing_for_those_there_are() {
    assert_eq!(run(&mut build(1, false, false)), run(&mut build(1, true, false)));
}

#[test]
fn the_order_of_building_changes_nothing_but_addresses() {
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let [a, b] = [false, true].map(|reversed| sorted(run(&mut build(1, true, reversed))));
    assert_eq!(a, b);
}
