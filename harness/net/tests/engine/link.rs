//! What links do to packets, counted.

use rtcspec_net::Ns;
use rtcspec_net::fabric::{Fabric, HostId};
use rtcspec_net::host::{Receive, Transmit};
use rtcspec_net::link::{
    Corruption, CorruptionKind, Jitter, Loss, Mtu, Params as Link, Rate, Reorder,
};
use rtcspec_net::observe::{Drop, Verdict};
use rtcspec_net::segment;
use rtcspec_net::world::World;

use crate::lab::at;

struct Line {
    world: World,
    ends: [HostId; 2],
}

const A: &str = "203.0.113.1:1";
const B: &str = "203.0.113.2:2";

impl Line {
    fn new(seed: u64, link: Link) -> Self {
        let mut fabric = Fabric::new(seed);
        let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
        let ends = ["a", "b"].map(|name| fabric.host(name).unwrap());
        let port = fabric.interface(ends[0], wan, &[]).unwrap();
        fabric.interface(ends[1], wan, &[]).unwrap();
        fabric.link("a", [link, Link::default()], port).unwrap();
        fabric.record(true);
        Self { world: World::new(fabric), ends }
    }

    fn send(&mut self, number: u32, length: usize) {
        let mut data = vec![0xaa; length.max(4)];
        data[..4].copy_from_slice(&number.to_be_bytes());
        let transmit = Transmit::Udp { local: at(A), remote: at(B), data };
        self.world.transmit(self.ends[0], transmit);
    }

    /// What arrives until `limit`: when, and which.
    fn arrivals(&mut self, limit: Ns) -> Vec<(Ns, u32)> {
        let mut arrived = Vec::new();
        loop {
            let now = self.world.step(limit).unwrap();
            let mut any = false;
            while let Some(received) = self.world.receive(self.ends[1]) {
                let Receive::Udp { data, .. } = received else { panic!("{received:?}") };
                arrived.push((now, u32::from_be_bytes([data[0], data[1], data[2], data[3]])));
                any = true;
            }
            if !any {
                return arrived;
            }
        }
    }

    /// Sends so many, one each millisecond, and returns which arrived.
    fn survivors(&mut self, count: u32) -> Vec<u32> {
        let mut survivors = Vec::new();
        for number in 1..=count {
            self.send(number, 4);
            let next = Ns::millis(number.into());
            survivors.extend(self.arrivals(next).into_iter().map(|(_, n)| n));
        }
        survivors.extend(self.arrivals(Ns::secs(10_000)).into_iter().map(|(_, n)| n));
        survivors
    }
}

fn lossy(loss: Loss) -> Link {
    Link { loss, ..Link::default() }
}

#[test]
fn latency_is_exact() {
    let mut line = Line::new(1, Link::latency(Ns(12_345_678)));
    line.send(1, 4);
    assert_eq!(line.arrivals(Ns::secs(1)), [(Ns(12_345_678), 1)]);
}

#[test]
fn uniform_loss_loses_its_share() {
    for seed in 1..4 {
        let mut line = Line::new(seed, lossy(Loss::Uniform { probability: 0.1 }));
        let lost = 10_000 - line.survivors(10_000).len();
        // Three standard deviations of a binomial distribution are 90.
        assert!((910..=1090).contains(&lost), "{lost}");
    }
}

#[test]
fn gilbert_elliott_loses_in_bursts() {
    let loss =
        Loss::GilbertElliott { good_to_bad: 0.01, bad_to_good: 0.2, in_good: 0.0, in_bad: 1.0 };
    let mut line = Line::new(5, lossy(loss));
    let survivors = line.survivors(40_000);
    let lost = 40_000 - survivors.len();
    // The share of the bad state is 0.01 / 0.21, the mean length of a burst 1 / 0.2.
    assert!((1500..=2300).contains(&lost), "{lost}");
    let bursts = survivors.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
    let mean = lost as f64 / bursts as f64;
    assert!((4.3..=5.7).contains(&mean), "{mean}");
}

#[test]
fn every_nth_and_listed_packets_are_lost_and_no_others() {
    let mut line = Line::new(1, lossy(Loss::EveryNth(3)));
    assert_eq!(line.survivors(9), [1, 2, 4, 5, 7, 8]);
    let mut line = Line::new(1, lossy(Loss::Listed(vec![2, 3, 7])));
    assert_eq!(line.survivors(9), [1, 4, 5, 6, 8, 9]);
    let mut line = Line::new(1, lossy(Loss::EveryNth(0)));
    assert_eq!(line.survivors(3), [1, 2, 3]);
}

#[test]
fn jitter_overtakes_only_where_it_may() {
    for keep_order in [true, false] {
        let jitter = Some(Jitter { up_to: Ns::millis(20), keep_order });
        let mut line = Line::new(2, Link { jitter, ..Link::latency(Ns::millis(5)) });
        let survivors = line.survivors(500);
        assert_eq!(survivors.len(), 500);
        assert_eq!(survivors.is_sorted(), keep_order);
    }
}

#[test]
fn jitter_stays_in_its_span() {
    let jitter = Some(Jitter { up_to: Ns::millis(20), keep_order: false });
    let mut line = Line::new(2, Link { jitter, ..Link::latency(Ns::millis(5)) });
    (0..500).for_each(|n| line.send(n, 4));
    let arrivals = line.arrivals(Ns::secs(1));
    let (first, last) = (arrivals[0].0, arrivals[499].0);
    assert!(first >= Ns::millis(5) && first < Ns::millis(6), "{first}");
    assert!(last <= Ns::millis(25) && last > Ns::millis(24), "{last}");
}

#[test]
fn duplicates_arrive_twice_and_reordered_ones_late() {
    let mut line = Line::new(3, Link { duplicate: 1.0, ..Link::default() });
    assert_eq!(line.survivors(3), [1, 1, 2, 2, 3, 3]);
    let reorder = Some(Reorder { probability: 0.3, by: Ns::millis(3) });
    let mut line = Line::new(3, Link { reorder, ..Link::default() });
    let survivors = line.survivors(200);
    assert_eq!(survivors.len(), 200);
    let late = survivors.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((20..=80).contains(&late), "{late}");
}

#[test]
fn corruption_is_caught_by_checksums_unless_repaired() {
    for kind in [CorruptionKind::Bit, CorruptionKind::Byte, CorruptionKind::Truncate] {
        let corrupt = |repair| Some(Corruption { probability: 1.0, kind, repair });
        let mut line = Line::new(4, Link { corrupt: corrupt(false), ..Link::default() });
        assert_eq!(line.survivors(20), [], "{kind:?}");
        let records = line.world.fabric_mut().records();
        let damaged = records.iter().filter(|r| r.verdict == Verdict::Damaged).count();
        let caught = records.iter().filter(|r| {
            matches!(r.verdict, Verdict::Dropped(Drop::BadChecksum | Drop::Malformed(_)))
        });
        assert_eq!((damaged, caught.count()), (20, 20), "{kind:?}");

        let mut line = Line::new(4, Link { corrupt: corrupt(true), ..Link::default() });
        line.send(7, 100);
        line.world.step(Ns::ZERO).unwrap();
        let Some(Receive::Udp { data, .. }) = line.world.receive(line.ends[1]) else { panic!() };
        let mut sent = vec![0xaa; 100];
        sent[..4].copy_from_slice(&7u32.to_be_bytes());
        assert_ne!(data, sent, "{kind:?}");
    }
}

#[test]
fn a_rate_spaces_packets_and_a_full_queue_drops_at_the_tail() {
    // 1,000 bytes of IP at 8 Mbit/s take one millisecond.
    let rate = Some(Rate { bits_per_second: 8_000_000, queue: Ns::millis(3) });
    let mut line = Line::new(1, Link { rate, ..Link::default() });
    (1..=6).for_each(|n| line.send(n, 972));
    let arrivals = line.arrivals(Ns::secs(1));
    let expected = [(1, 1), (2, 2), (3, 3), (4, 4)].map(|(ms, n)| (Ns::millis(ms), n));
    assert_eq!(arrivals, expected);
    let full = |r: &rtcspec_net::observe::Record| matches!(r.verdict, Verdict::Dropped(Drop::QueueFull { wait }) if wait == Ns::millis(4));
    assert_eq!(line.world.fabric_mut().records().iter().filter(|r| full(r)).count(), 2);
}

#[test]
fn a_black_hole_is_silent_and_a_link_that_is_down_carries_nothing() {
    let mtu = Some(Mtu { bytes: 1000, icmp: false });
    let mut line = Line::new(1, Link { mtu, ..Link::default() });
    line.send(1, 973);
    line.send(2, 972);
    assert_eq!(line.arrivals(Ns::ZERO), [(Ns::ZERO, 2)]);
    let records = line.world.fabric_mut().records();
    assert_eq!(records.iter().filter(|r| r.verdict == Verdict::Sent).count(), 2, "no ICMP");
    let mut line = Line::new(1, Link { up: false, ..Link::default() });
    assert_eq!(line.survivors(3), []);
}

#[test]
fn statistics_depend_on_the_seed_and_on_nothing_else() {
    let run = |seed| Line::new(seed, lossy(Loss::Uniform { probability: 0.5 })).survivors(64);
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
