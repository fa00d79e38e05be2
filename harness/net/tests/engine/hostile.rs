//! Whatever is sent, nothing panics, hangs or leaks out wrong.

use proptest::prelude::*;
use rtcspec_net::Ns;
use rtcspec_net::nat::{
    Exhaustion, FilterScope, Filtering, Hairpin, Limits, Mapping, OnFiltered, Params, Pooling,
    PortPolicy, Ports, Refresh, ReplyBinding, Translation, Unsolicited, V6,
};

use crate::lab::{Lab, at};

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    (0..all.len()).prop_map(move |n| all[n])
}

prop_compose! {
    fn any_params()(
        mapping in one_of(Mapping::ALL), filtering in one_of(Filtering::ALL),
        filter_scope in one_of(FilterScope::ALL), reply_binding in one_of(ReplyBinding::ALL),
        hairpin in one_of(Hairpin::ALL), refresh in one_of(Refresh::ALL),
        unsolicited in one_of(Unsolicited::ALL), on_filtered in one_of(OnFiltered::ALL),
        (pooling, exhaustion) in (one_of(Pooling::ALL), one_of(Exhaustion::ALL)),
        (translation, conflict) in (one_of(Translation::ALL), any::<bool>()),
        policy in one_of(&[
            PortPolicy::Preserve, PortPolicy::PreserveOrDrop, PortPolicy::PreserveOverload,
            PortPolicy::PreserveOverride, PortPolicy::Random, PortPolicy::Sequential { delta: 7 },
            PortPolicy::Block { size: 3 },
        ]),
        (first, count, hold) in (0u16..4, 1u16..6, 0u64..3),
    ) -> Params {
        let ports = Ports {
            policy, range: first..=first + count, parity: false, hold_down: Ns::secs(hold),
        };
        let limits = Limits { per_subscriber: Some(4), ..Limits::default() };
        Params {
            filter_scope, reply_binding, hairpin, refresh, unsolicited, on_filtered, pooling,
            exhaustion, translation, ports, limits, changes_on_conflict: conflict, addresses: 2,
            v6: V6::Forward, ..Params::new(mapping, filtering)
        }
    }
}

/// A datagram between few endpoints, so that states meet, or bytes of any kind.
#[derive(Clone, Debug)]
enum Packet {
    Datagram { inside: bool, from: (u8, u16), to: (u8, u16), protocol: u8, flags: u8 },
    Bytes { inside: bool, bytes: Vec<u8> },
    Wait(u64),
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let end = || (0u8..4, 0u16..5);
    prop_oneof![
        8 => (any::<bool>(), end(), end(), one_of(&[17u8, 17, 6, 1, 47]), any::<u8>()).prop_map(
            |(inside, from, to, protocol, flags)| {
                Packet::Datagram { inside, from, to, protocol, flags }
            }
        ),
        2 => (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..120))
            .prop_map(|(inside, bytes)| Packet::Bytes { inside, bytes }),
        1 => (0u64..200).prop_map(Packet::Wait),
    ]
}

/// An IPv4 packet with right header checksum, whatever it carries.
fn ipv4(protocol: u8, from: [u8; 4], to: [u8; 4], segment: &[u8]) -> Vec<u8> {
    let length = (20 + segment.len()) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend(from);
    packet.extend(to);
    let sum: u32 =
        packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum >> 16) + (sum & 0xffff);
    let folded = (folded >> 16) + (folded & 0xffff);
    packet[10..12].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    packet.extend(segment);
    packet
}

fn segment(protocol: u8, from: u16, to: u16, flags: u8) -> Vec<u8> {
    let ports = [from.to_be_bytes(), to.to_be_bytes()].concat();
    match protocol {
        17 => [&ports[..], &[0, 12, 0, 0], b"data"].concat(),
        6 => [&ports[..], &[0; 8], &[0x50, flags, 0, 0, 0, 0, 0, 0]].concat(),
        // An error about a datagram that may have left by a mapping.
        1 => {
            let quoted = ipv4(17, [203, 0, 113, 1], [198, 51, 100, 1], &segment(17, from, to, 0));
            [&[3, flags % 16, 0, 0, 0, 0, 0, 0], &quoted[..]].concat()
        }
        _ => ports,
    }
}

const INSIDE: [[u8; 4]; 4] =
    [[192, 168, 1, 2], [192, 168, 1, 3], [203, 0, 113, 1], [192, 168, 1, 77]];
const OUTSIDE: [[u8; 4]; 4] =
    [[198, 51, 100, 1], [203, 0, 113, 1], [203, 0, 113, 2], [198, 51, 100, 3]];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_packet_upsets_any_box(
        params in any_params(), packets in proptest::collection::vec(any_packet(), 1..80),
    ) {
        let mut lab = Lab::new(params);
        let fabric = lab.world.fabric_mut();
        let ports = [fabric.interfaces(lab.bob)[0], fabric.interfaces(lab.alice)[0]];
        fabric.tap_element(lab.nat);
        let mut now = Ns::ZERO;
        for packet in packets {
            match packet {
                Packet::Wait(seconds) => now = now + Ns::secs(seconds),
                Packet::Bytes { inside, bytes } => {
                    fabric.send(now, ports[usize::from(inside)], bytes);
                }
                Packet::Datagram { inside, from, to, protocol, flags } => {
                    let (near, far) = if inside { (INSIDE, OUTSIDE) } else { (OUTSIDE, OUTSIDE) };
                    let data = segment(protocol, from.1, to.1, flags);
                    let source = near[usize::from(from.0)];
                    let packet = ipv4(protocol, source, far[usize::from(to.0)], &data);
                    fabric.send(now, ports[usize::from(inside)], packet);
                }
            }
            fabric.advance(now);
            while let Some(delivery) = fabric.delivery() {
                prop_assert!(rtcspec_net::packet::Head::parse(&delivery.bytes).is_ok());
            }
        }
        let counters = fabric.counters(lab.nat);
        prop_assert!(counters.most_per_subscriber <= 4);
        let events = fabric.nat_events(lab.nat);
        prop_assert!(events.is_sorted_by_key(|event| event.at));
        let live = created_minus_ended(&events);
        prop_assert_eq!(live, i64::from(fabric.counters(lab.nat).mappings));
    }

    #[test]
    fn what_leaves_a_box_has_right_checksums(
        params in any_params(), port: u16, data in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let ports = Ports { range: 1024..=65535, ..params.ports.clone() };
        let mut lab = Lab::new(Params { ports, ..params });
        let local = ("192.168.1.2", port.max(1));
        lab.send_data(lab.alice, local, at("198.51.100.1:9"), &data);
        let reached = lab.received(lab.bob);
        let dropped = lab.world.fabric().counters(lab.nat).dropped;
        // The host verifies checksums, so arriving means that they are right.
        prop_assert_eq!(reached.map(|(_, _, got)| got), (dropped == 0).then_some(data));
    }
}

fn created_minus_ended(events: &[rtcspec_net::nat::Event]) -> i64 {
    use rtcspec_net::nat::Change;
    let sign = |change: &Change| match change {
        Change::Created { .. } | Change::Split { .. } => 1,
        Change::Ended(_) => -1,
        Change::Refreshed | Change::Refused(_) => 0,
    };
    events.iter().map(|event| sign(&event.change)).sum()
}
