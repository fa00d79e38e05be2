//! CPU time of a whole session between two peers of the same kind: offer and answer, ICE, DTLS,
//! SCTP, a channel opened, a message there and back; and of the parts of ours that cost most.
//!
//! All stacks run in virtual time over the same link, one address each, certificates at hand.
//! Ours derives everything from its seed with RFC 6979 signatures; the others use the fastest
//! cryptography they ship (aws-lc, ring) and the operating system's entropy.

mod stock;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use rtcspec_peer::connection::{ChannelInit, Config, Event, Message, Peer, SdpType};
use rtcspec_peer::dtls::{self, Fingerprints, Identity, Role, Session, Versions};
use rtcspec_peer::io::{Receive, Transmit};
use rtcspec_peer::rng::Rng;

const LATENCY: Duration = Duration::from_millis(5);

/// Two peers on one network.
struct Link {
    peers: [Peer; 2],
    now: Duration,
    flying: BTreeMap<(Duration, u64), (usize, Receive)>,
    sent: u64,
    echoed: bool,
}

impl Link {
    fn new(seed: u64, versions: Versions) -> Self {
        let peer = |number: u8| {
            let mut config =
                Config { interfaces: vec![IpAddr::from([10, 0, 0, number])], ..Config::default() };
            config.dtls.versions = versions;
            let seed = seed * 2 + u64::from(number);
            Peer::new(Duration::ZERO, config, seed).expect("no servers to be wrong about")
        };
        Self {
            peers: [peer(1), peer(2)],
            now: Duration::ZERO,
            flying: BTreeMap::new(),
            sent: 0,
            echoed: false,
        }
    }

    /// From nothing to a message that has come back.
    fn run(&mut self) {
        let now = self.now;
        let [a, b] = &mut self.peers;
        a.create_data_channel(now, ChannelInit::reliable("bench")).expect("the first channel");
        let offer = a.create_offer(now, false).expect("stable");
        a.set_local_description(now, SdpType::Offer, &offer).expect("just made");
        b.set_remote_description(now, SdpType::Offer, &offer).expect("our own offer");
        let answer = b.create_answer(now).expect("an offer is open");
        b.set_local_description(now, SdpType::Answer, &answer).expect("just made");
        a.set_remote_description(now, SdpType::Answer, &answer).expect("our own answer");
        self.collect();
        while !self.echoed {
            self.step();
            self.collect();
        }
    }

    fn step(&mut self) {
        let arrival = self.flying.first_key_value().map(|(&(time, _), _)| time);
        let wake = self.peers.iter().filter_map(Peer::wake).min();
        let next = arrival.into_iter().chain(wake).min().expect("a session that goes on");
        self.now = next;
        if arrival == Some(next)
            && let Some((_, (to, receive))) = self.flying.pop_first()
        {
            self.peers[to].receive(next, receive);
        } else {
            self.peers.iter_mut().for_each(|peer| peer.advance(next));
        }
    }

    fn collect(&mut self) {
        let mut is_silent = false;
        while !is_silent {
            is_silent = true;
            for side in 0..2 {
                while let Some(transmit) = self.peers[side].poll_transmit() {
                    let Transmit::Udp { local, remote, data } = transmit else { continue };
                    self.sent += 1;
                    let receive = Receive::Udp { local: remote, remote: local, data };
                    self.flying.insert((self.now + LATENCY, self.sent), (1 - side, receive));
                }
                while let Some(event) = self.peers[side].poll_event() {
                    is_silent = false;
                    self.react(side, event);
                }
            }
        }
    }

    fn react(&mut self, side: usize, event: Event) {
        match event {
            Event::Candidate(candidate) => self.peers[1 - side]
                .add_ice_candidate(self.now, candidate)
                .expect("descriptions are set"),
            Event::Open { channel, .. } if side == 0 => self.peers[side]
                .send(self.now, channel, Message::Text("ping".to_owned()))
                .expect("it is open"),
            Event::Message { channel, message } if side == 1 => {
                self.peers[side].send(self.now, channel, message).expect("it is open");
            }
            Event::Message { .. } => self.echoed = true,
            _ => {}
        }
    }
}

fn session(c: &mut Criterion) {
    let mut group = c.benchmark_group("session/DTLS 1.2");
    ours(&mut group, "rtcspec", Versions::Only12);
    ours(&mut group, "rtcspec, both versions offered", Versions::Auto);
    group.bench_function("rtc", |b| b.iter(stock::session::<stock::Rtc>));
    group.bench_function("str0m", |b| b.iter(stock::session::<stock::Str0m<false, false>>));
    group.bench_function("str0m (DTLS configuration kept)", |b| {
        b.iter(stock::session::<stock::Str0m<true, false>>);
    });
    group.finish();
    let mut group = c.benchmark_group("session/DTLS 1.3");
    ours(&mut group, "rtcspec", Versions::Only13);
    group.bench_function("str0m", |b| b.iter(stock::session::<stock::Str0m<false, true>>));
    group.bench_function("str0m (DTLS configuration kept)", |b| {
        b.iter(stock::session::<stock::Str0m<true, true>>);
    });
    group.finish();
}

fn ours(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, versions: Versions) {
    // Certificates are made once per seed and process, so few seeds are enough.
    (0..16).for_each(|seed| Link::new(seed, versions).run());
    let mut seed = 0;
    group.bench_function(name, |b| {
        b.iter(|| {
            seed = (seed + 1) % 16;
            let mut link = Link::new(seed, versions);
            link.run();
            black_box(link.sent)
        });
    });
}

fn handshake(c: &mut Criterion) {
    let mut group = c.benchmark_group("parts");
    for (name, versions) in [("1.2", Versions::Only12), ("1.3", Versions::Only13)] {
        group.bench_function(format!("DTLS {name} handshake, both ends"), |b| {
            b.iter(|| black_box(shake_hands(versions)));
        });
    }
    let mut seed = 1 << 32;
    group.bench_function("certificate of a new seed", |b| {
        b.iter_batched(
            || {
                seed += 1;
                seed
            },
            |seed| black_box(Identity::from_seed(seed)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A handshake without a network; true if both ends are connected.
fn shake_hands(versions: Versions) -> bool {
    let options = dtls::Options { versions, ..dtls::Options::default() };
    let identities = [Identity::from_seed(1), Identity::from_seed(2)];
    let end = |role, own: usize| {
        let peer = Fingerprints::from_iter([identities[1 - own].fingerprint().clone()]);
        let rng = Rng::new(1).fork_nth("end", own as u64);
        Session::new(Duration::ZERO, role, options, &identities[own], peer, rng)
            .expect("the defaults make a configuration")
    };
    let (mut client, mut server) = (end(Role::Client, 0), end(Role::Server, 1));
    while !client.is_connected() || !server.is_connected() {
        while let Some(datagram) = client.poll_transmit() {
            server.receive(Duration::ZERO, &datagram);
        }
        while let Some(datagram) = server.poll_transmit() {
            client.receive(Duration::ZERO, &datagram);
        }
    }
    client.is_connected()
}

criterion_group!(benches, session, handshake);
criterion_main!(benches);
