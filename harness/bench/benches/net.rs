//! The network engine: packets per second through NATs, beside a copy of the same bytes, so that
//! figures of different machines compare.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_net::fabric::{Fabric, NatId, PortId};
use rtcspec_net::link::{Jitter, Params as Link};
use rtcspec_net::nat::{Filtering, Limits, Mapping, Params};
use rtcspec_net::{Ns, packet, segment};

/// Packets of one round.
const ROUND: u64 = 10_000;
const PAYLOAD: usize = 100;
/// Payload of a full packet.
const FULL: usize = 1_200;

/// One host behind a NAT, one outside it, and a packet of each flow.
struct Path {
    fabric: Fabric,
    inside: PortId,
    flows: Vec<Vec<u8>>,
    turn: usize,
    now: Ns,
}

impl Path {
    fn new(flows: usize, payload: usize, params: Params, link: Option<Link>) -> Self {
        let mut fabric = Fabric::new(1);
        let wan = fabric.segment("wan", segment::Params::internet()).expect("a segment");
        let lan = segment::Params::v4("192.168.0.0/16".parse().expect("a prefix"));
        let lan = fabric.segment("lan", lan).expect("a segment");
        let nat: NatId = fabric.nat("home", params, lan, wan).expect("a NAT");
        let [inner, outer] = ["inner", "outer"].map(|name| fabric.host(name).expect("a host"));
        let inside = fabric.interface(inner, lan, &[]).expect("an interface");
        fabric.interface(outer, wan, &[]).expect("an interface");
        if let Some(link) = link {
            let outside = fabric.outside(nat);
            fabric.link("home", [link.clone(), link], outside).expect("a link");
        }
        let flows = (0..flows)
            .map(|flow| {
                let from = ([192, 168, 0, 2], 1024 + flow as u16).into();
                let to = ([203, 0, 113, 2], 9).into();
                let mut bytes = Vec::new();
                packet::udp(&mut bytes, from, to, &vec![7; payload]).expect("a datagram");
                bytes
            })
            .collect();
        Self { fabric, inside, flows, turn: 0, now: Ns::ZERO }
    }

    /// Sends one round of packets, a microsecond apart, and takes what comes out.
    fn round(&mut self) -> u64 {
        let mut arrived = 0;
        for _ in 0..ROUND {
            // A stride with no common factor visits the flows in an order caches do not like.
            self.turn = (self.turn + 7_919) % self.flows.len();
            let mut bytes = self.fabric.buffer();
            bytes.extend_from_slice(&self.flows[self.turn]);
            self.now = self.now + Ns::micros(1);
            self.fabric.send(self.now, self.inside, bytes);
            arrived += self.take();
        }
        arrived
    }

    fn take(&mut self) -> u64 {
        let mut arrived = 0;
        while let Some(delivery) = self.fabric.delivery() {
            arrived += 1;
            self.fabric.recycle(delivery.bytes);
        }
        arrived
    }
}

fn through_a_nat(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("net/through a NAT");
    group.throughput(Throughput::Elements(ROUND)).sample_size(20);
    let apdm = Params::new(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
    let jitter = Jitter { up_to: Ns::millis(4), keep_order: false };
    let noisy = Link { jitter: Some(jitter), ..Link::latency(Ns::millis(1)) };
    let eim = Params::default;
    let rows = [
        ("at once, 1,000 flows", 1_000, PAYLOAD, eim(), None),
        ("at once, 20,000 flows", 20_000, PAYLOAD, eim(), None),
        ("at once, 1,000 flows, symmetric", 1_000, PAYLOAD, apdm, None),
        ("1,200 bytes, 1,000 flows", 1_000, FULL, eim(), None),
        ("5 ms in order, 1,000 flows", 1_000, PAYLOAD, eim(), Some(Link::latency(Ns::millis(5)))),
        ("jitter, 1,000 flows", 1_000, PAYLOAD, eim(), Some(noisy.clone())),
        ("jitter, 20,000 flows", 20_000, PAYLOAD, eim(), Some(noisy)),
    ];
    for (name, flows, payload, params, link) in rows {
        let params = Params { limits: Limits::default(), ..params };
        let mut path = Path::new(flows, payload, params, link);
        for _ in 0..5 {
            path.round();
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let arrived = path.round();
                // With latency a round takes out what another put in: the queue is in balance.
                assert!(arrived > ROUND / 2, "{arrived} of {ROUND} packets came through");
            });
        });
    }
    group.finish();
}

/// What copying the packets of one round costs, without any engine.
fn copying(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("net/copy");
    group.throughput(Throughput::Elements(ROUND)).sample_size(20);
    for flows in [1_000, 20_000] {
        let mut path = Path::new(flows, PAYLOAD, Params::default(), None);
        let mut buffer = Vec::with_capacity(2_048);
        group.bench_function(BenchmarkId::from_parameter(flows), |bencher| {
            bencher.iter(|| {
                for _ in 0..ROUND {
                    path.turn = (path.turn + 7_919) % path.flows.len();
                    buffer.clear();
                    buffer.extend_from_slice(black_box(&path.flows[path.turn]));
                    black_box(&buffer);
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, through_a_nat, copying);
criterion_main!(benches);
