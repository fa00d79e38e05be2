//! IPv6: routed through homes, filtered as RFC 6092 asks, beside IPv4.

use rtcspec_net::fabric::{Fabric, HostId, NatId};
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::nat::{Filtering, Params, V6, presets};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, segment};

use crate::lab::{at, lan};

/// Two dual-stack homes.
fn homes(params: &Params) -> (World, [HostId; 2], [NatId; 2]) {
    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let mut nats = Vec::new();
    let hosts = [1u8, 2].map(|n| {
        let prefix = format!("2001:db8:{n}::/64").parse().unwrap();
        let place = fabric.segment(&format!("lan-{n}"), lan(n).with_v6(prefix)).unwrap();
        nats.push(fabric.nat(&format!("home-{n}"), params.clone(), place, wan).unwrap());
        let host = fabric.host(&format!("h{n}")).unwrap();
        fabric.interface(host, place, &[]).unwrap();
        host
    });
    fabric.record(true);
    (World::new(fabric), hosts, [nats[0], nats[1]])
}

const H1: &str = "[2001:db8:1::2]:5000";
const H2: &str = "[2001:db8:2::2]:5000";

fn send(world: &mut World, host: HostId, from: &str, to: &str) {
    let transmit = Transmit::Udp { local: at(from), remote: at(to), data: vec![6] };
    world.transmit(host, transmit);
}

fn got(world: &mut World, host: HostId, from: &str) -> bool {
    match world.receive(host) {
        Some(Receive::Udp { remote, .. }) => {
            assert_eq!(remote, at(from));
            true
        }
        Some(other) => panic!("{other:?}"),
        None => false,
    }
}

#[test]
fn hosts_have_both_families_and_packets_keep_their_addresses() {
    let (mut world, [a, b], _) = homes(&Params { v6: V6::Forward, ..Params::default() });
    let addresses: Vec<String> = world.host_mut(a).addresses().map(|a| a.to_string()).collect();
    assert_eq!(addresses, ["192.168.1.2", "2001:db8:1::2"]);
    send(&mut world, a, H1, H2);
    assert!(got(&mut world, b, H1));
}

#[test]
fn rfc_6092_boxes_on_both_sides_open_for_each_other() {
    let params = presets::find("v6-cpe").unwrap().params();
    let (mut world, [a, b], _) = homes(&params);
    send(&mut world, a, H1, H2);
    assert!(!got(&mut world, b, H1));
    let last = world.fabric_mut().records().pop().unwrap();
    assert_eq!(
        world.fabric().explain(&last),
        "nat.home-2: filtered, APDF, [2001:db8:1::2]:5000 never contacted by this endpoint"
    );
    send(&mut world, b, H2, H1);
    assert!(got(&mut world, a, H2));
    send(&mut world, a, H1, H2);
    assert!(got(&mut world, b, H1));
    world.step(Ns::secs(300)).unwrap();
    send(&mut world, a, H1, H2);
    assert!(!got(&mut world, b, H1), "forgotten");
}

#[test]
fn an_open_filter_lets_everybody_in_once_its_host_has_sent_and_an_old_box_nobody_out() {
    let v6 = V6::Firewall(Filtering::EndpointIndependent);
    let (mut world, [a, b], _) = homes(&Params { v6, ..Params::default() });
    send(&mut world, a, H1, H2);
    assert!(!got(&mut world, b, H1));
    send(&mut world, b, H2, "[2001:db8::99]:9");
    send(&mut world, a, H1, H2);
    assert!(got(&mut world, b, H1));
    let (mut world, [a, _], _) = homes(&Params::default());
    send(&mut world, a, H1, H2);
    let last = world.fabric_mut().records().pop().unwrap();
    assert_eq!(world.fabric().explain(&last), "nat.home-1: IP version not forwarded");
}

#[test]
fn prefixes_behind_two_boxes_are_routed() {
    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let forward = Params { v6: V6::Forward, ..Params::default() };
    let outer = lan(1).with_v6("2001:db8:1::/64".parse().unwrap());
    let inner = lan(2).with_v6("2001:db8:2::/64".parse().unwrap());
    // The inner box is made first: routes are learnt either way.
    let (outer, inner) = (fabric.segment("o", outer).unwrap(), fabric.segment("i", inner).unwrap());
    fabric.nat("inner", forward.clone(), inner, outer).unwrap();
    fabric.nat("outer", forward, outer, wan).unwrap();
    let [host, server] = ["host", "server"].map(|name| fabric.host(name).unwrap());
    fabric.interface(host, inner, &[]).unwrap();
    fabric.interface(server, wan, &[]).unwrap();
    let mut world = World::new(fabric);
    send(&mut world, server, "[2001:db8::1]:5000", H2);
    assert!(got(&mut world, host, "[2001:db8::1]:5000"));
    send(&mut world, host, H2, "[2001:db8::1]:5000");
    assert!(got(&mut world, server, H2));
}
