//! A host that stands for everybody who is not in the network.

use rtcspec_net::fabric::{Fabric, HostId, TopologyError};
use rtcspec_net::host::{IcmpError, Receive, Transmit};
use rtcspec_net::packet::{Head, host_unreachable, udp};
use rtcspec_net::segment;
use rtcspec_net::world::World;

use crate::lab::at;

const HERE: &str = "192.168.1.7:5000";
const THERE: &str = "198.51.100.9:6000";

fn world() -> (World, HostId, HostId) {
    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let (here, rest) = (fabric.host("here").unwrap(), fabric.host("rest").unwrap());
    fabric.interface(here, wan, &[at(HERE).ip()]).unwrap();
    fabric.elsewhere(rest, wan).unwrap();
    let again = fabric.elsewhere(here, wan).unwrap_err();
    assert!(matches!(again, TopologyError::SecondElsewhere { .. }), "{again}");
    let mut world = World::new(fabric);
    world.bare(rest);
    (world, here, rest)
}

#[test]
fn what_nobody_here_is_addressed_by_leaves_and_what_comes_from_anywhere_arrives() {
    let (mut world, here, rest) = world();
    let data = b"out".to_vec();
    world.transmit(here, Transmit::Udp { local: at(HERE), remote: at(THERE), data });
    world.step(rtcspec_net::Ns::millis(1)).unwrap();
    let packet = world.packet(rest).expect("it leaves");
    let (head, _) = Head::parse(&packet).unwrap();
    assert_eq!((head.source(), head.destination()), (at(HERE), at(THERE)));
    let mut packet = Vec::new();
    udp(&mut packet, at("203.0.113.77:7"), at(HERE), b"in").unwrap();
    world.inject(rest, packet);
    let Some(Receive::Udp { remote, data, .. }) = world.receive(here) else { panic!() };
    assert_eq!((remote, data), (at("203.0.113.77:7"), b"in".to_vec()));
}

#[test]
fn somebody_elsewhere_may_have_the_address_of_a_host_here() {
    let (mut world, here, rest) = world();
    let other = "192.168.1.7:7000";
    let mut packet = Vec::new();
    udp(&mut packet, at(other), at(HERE), b"in").unwrap();
    world.inject(rest, packet);
    assert!(
        matches!(world.receive(here), Some(Receive::Udp { remote, .. }) if remote == at(other))
    );
    let data = b"out".to_vec();
    world.transmit(here, Transmit::Udp { local: at(HERE), remote: at(other), data });
    world.step(rtcspec_net::Ns::millis(1)).unwrap();
    let packet = world.packet(rest).expect("it leaves");
    assert_eq!(Head::parse(&packet).unwrap().0.destination(), at(other));
}

#[test]
fn a_packet_that_cannot_leave_comes_back_as_an_error() {
    let (mut world, here, rest) = world();
    let data = b"out".to_vec();
    world.transmit(here, Transmit::Udp { local: at(HERE), remote: at(THERE), data });
    world.step(rtcspec_net::Ns::millis(1)).unwrap();
    let packet = world.packet(rest).expect("it leaves");
    let mut error = Vec::new();
    assert!(host_unreachable(&mut error, at(THERE).ip(), &packet));
    assert!(!host_unreachable(&mut Vec::new(), at(THERE).ip(), &error));
    world.inject(rest, error);
    let received = world.receive(here);
    let error = IcmpError { kind: 3, code: 1 };
    let told = Receive::Unreachable { local: at(HERE), remote: at(THERE), error };
    assert_eq!(received, Some(told));
}
