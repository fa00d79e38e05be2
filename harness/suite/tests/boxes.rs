//! Every kind of NAT, asked by scripted traffic that gives each trait an opportunity, captured on
//! both of its sides, and inferred from the capture: what comes out is what was configured.

use std::net::{IpAddr, SocketAddr};

use rtcspec_capture::Capture;
use rtcspec_capture::pcapng::{EPOCH, Packet, Writer};
use rtcspec_net::fabric::{Fabric, PortId};
use rtcspec_net::nat::{Filtering, Hairpin, Lifetimes, Mapping, Params, PortPolicy};
use rtcspec_net::{Ns, packet, segment};
use rtcspec_suite::infer::infer;
use rtcspec_trace::nat::{Behaviour, Hairpin as Turns, NatSeen, Ports};

const LIFETIME: u64 = 30;
const ALICE: &str = "192.168.1.2";
const ADAM: &str = "192.168.1.3";
const BOB: &str = "198.51.100.1";
const CAROL: &str = "198.51.100.2";
const DAVE: &str = "198.51.100.3";

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), port)
}

/// Two hosts behind a box, and three beyond it.
struct Lab {
    fabric: Fabric,
    ports: Vec<(IpAddr, PortId)>,
    now: Ns,
    file: Writer,
    interfaces: Vec<rtcspec_capture::pcapng::Interface>,
    sent: u32,
}

impl Lab {
    fn new(params: Params) -> Self {
        let mut fabric = Fabric::new(7);
        let wan = fabric.segment("wan", segment::Params::internet()).expect("a segment");
        let lan = segment::Params::v4("192.168.1.0/24".parse().expect("a prefix"));
        let lan = fabric.segment("lan", lan).expect("a segment");
        let home = fabric.nat("home", params, lan, wan).expect("a NAT");
        let mut ports = Vec::new();
        for (name, address, on) in [
            ("alice", ALICE, lan),
            ("adam", ADAM, lan),
            ("bob", BOB, wan),
            ("carol", CAROL, wan),
            ("dave", DAVE, wan),
        ] {
            let host = fabric.host(name).expect("a host");
            let ip: IpAddr = address.parse().expect("an address");
            ports.push((ip, fabric.interface(host, on, &[ip]).expect("an interface")));
        }
        fabric.tap_element(home);
        let mut file = Writer::new("test", EPOCH);
        let names = fabric.take_tap().interfaces().to_vec();
        let interfaces = names.iter().map(|name| file.interface(name)).collect();
        Self { fabric, ports, now: Ns::ZERO, file, interfaces, sent: 0 }
    }

    /// Sends a datagram like no other; gives the source it has beyond the box.
    fn send(&mut self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        self.sent += 1;
        self.now = self.now + Ns::millis(20);
        let mut bytes = Vec::new();
        let payload = [&[0xc0][..], &self.sent.to_be_bytes()].concat();
        packet::udp(&mut bytes, from, to, &payload).expect("a datagram");
        let port = self.ports.iter().find(|(ip, _)| *ip == from.ip()).expect("a host").1;
        self.fabric.send(self.now, port, bytes);
        let tap = self.fabric.take_tap();
        let mut beyond = None;
        for frame in tap.frames() {
            self.file.packet(&Packet {
                missing: 0,
                interface: self.interfaces[frame.interface],
                at: frame.at.into(),
                crossing: None,
                bytes: frame.bytes,
                comment: None,
                id: None,
            });
            if tap.interfaces()[frame.interface].ends_with("outside") {
                let octets: [u8; 4] = frame.bytes[12..16].try_into().expect("four");
                let port = u16::from_be_bytes([frame.bytes[20], frame.bytes[21]]);
                beyond = Some(SocketAddr::new(octets.into(), port));
            }
        }
        while let Some(delivery) = self.fabric.delivery() {
            self.fabric.recycle(delivery.bytes);
        }
        beyond
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Ns::secs(seconds);
    }

    fn infer(self) -> NatSeen {
        let mut capture = Capture::read(self.file.finish()).expect("it is a capture");
        let mut nats = infer(&mut capture);
        assert_eq!(nats.len(), 1, "{nats:#?}");
        nats.remove(0)
    }
}

/// Traffic that shows every trait.
fn asked(params: Params) -> NatSeen {
    let mut lab = Lab::new(params);
    let (alice, adam) = (at(ALICE, 5000), at(ADAM, 6000));
    // Ports: several sockets, one after the other. Mapping: two ports of one address, two addresses.
    let outside = lab.send(alice, at(BOB, 1000)).expect("it goes out");
    for port in 5001..5004 {
        lab.send(at(ALICE, port), at(BOB, 1000));
    }
    lab.send(alice, at(BOB, 1001));
    lab.send(alice, at(CAROL, 1000));
    // Filtering: another port of a known address, and a stranger.
    lab.send(at(BOB, 1002), outside);
    lab.send(at(DAVE, 1000), outside);
    // Hairpin: each to where the other's packets come from.
    let other = lab.send(adam, at(BOB, 1000)).expect("it goes out");
    lab.send(adam, outside);
    lab.send(alice, other);
    // Lifetime: silence, and then the other side speaks.
    let fresh = at(ALICE, 7000);
    let outside = lab.send(fresh, at(BOB, 1000)).expect("it goes out");
    lab.wait(20);
    lab.send(at(BOB, 1000), outside);
    lab.wait(25);
    lab.send(at(BOB, 1000), outside);
    lab.infer()
}

fn behaviour(index: usize) -> Behaviour {
    Behaviour::ALL[index]
}

#[test]
fn every_kind_of_box_is_inferred_as_it_was_configured() {
    let mappings =
        [Mapping::EndpointIndependent, Mapping::AddressDependent, Mapping::AddressAndPortDependent];
    let filterings = [
        Filtering::EndpointIndependent,
        Filtering::AddressDependent,
        Filtering::AddressAndPortDependent,
    ];
    let hairpins = [
        (Hairpin::None, Turns::None),
        (Hairpin::Internal, Turns::Internal),
        (Hairpin::External, Turns::External),
    ];
    let policies = [
        (PortPolicy::Preserve, Ports::Preserved),
        (PortPolicy::Sequential { delta: 1 }, Ports::Sequential),
        (PortPolicy::Random, Ports::Random),
    ];
    let (mut boxes, mut turned) = (0, 0);
    for (m, mapping) in mappings.into_iter().enumerate() {
        for (f, filtering) in filterings.into_iter().enumerate() {
            for (hairpin, turns) in hairpins {
                for (policy, chosen) in &policies {
                    let mut params = Params { mapping, filtering, hairpin, ..Params::default() };
                    params.ports.policy = *policy;
                    params.lifetimes =
                        Lifetimes { udp: Ns::secs(LIFETIME), ..Lifetimes::default() };
                    let seen = asked(params);
                    let context =
                        format!("{mapping:?} {filtering:?} {hairpin:?} {chosen}: {seen:#?}");
                    assert_eq!(seen.mapping.known(), Some(behaviour(m)), "{context}");
                    assert_eq!(seen.filtering.known(), Some(behaviour(f)), "{context}");
                    assert_eq!(seen.ports.known(), Some(*chosen), "{context}");
                    // A filter may be why nothing came, unless it lets everybody in.
                    assert!(seen.hairpin.may_be.contains(&turns), "{context}");
                    assert!(!seen.hairpin.varies, "{context}");
                    assert!(seen.hairpin.known().is_some() || f > 0, "{context}");
                    turned += usize::from(seen.hairpin.known().is_some());
                    let (kept, _) = seen.kept.as_ref().expect("it lived through a silence");
                    let (gone, _) =
                        seen.replaced.as_ref().expect("it did not live through another");
                    assert!((19..LIFETIME).contains(&kept.as_secs()), "{context}");
                    assert!((LIFETIME..47).contains(&gone.as_secs()), "{context}");
                    boxes += 1;
                }
            }
        }
    }
    assert_eq!(boxes, 81);
    assert!(turned >= 27 + 6, "{turned} of {boxes} show what becomes of hairpins");
}

#[test]
fn what_had_no_opportunity_is_unknown() {
    let mut lab = Lab::new(Params::default());
    lab.send(at(ALICE, 5000), at(BOB, 1000));
    let seen = lab.infer();
    assert_eq!(seen.mapping.known(), None, "{seen:#?}");
    assert_eq!(seen.filtering.known(), None, "{seen:#?}");
    assert_eq!(seen.hairpin.known(), None, "{seen:#?}");
    assert_eq!((seen.kept, seen.replaced), (None, None));
    assert_eq!(seen.ports.known(), Some(Ports::Preserved));
}

#[test]
fn a_port_that_is_given_again_is_no_mapping_that_lived() {
    let params = Params {
        lifetimes: Lifetimes { udp: Ns::secs(LIFETIME), ..Lifetimes::default() },
        ..Params::default()
    };
    let mut lab = Lab::new(params);
    for _ in 0..2 {
        lab.send(at(ALICE, 5000), at(BOB, 1000));
        lab.wait(100);
    }
    let seen = lab.infer();
    assert_eq!(seen.kept, None, "{seen:#?}");
}
