//! The gatherer on its own, as stacks use it that gather nothing themselves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Datagram, GatherConfig, GatherEvent, GatherOutput, Gatherer};
use crate::ice::{CandidateType, Server};
use crate::io::{Receive, Transmit};
use crate::rng::Rng;
use crate::turn::PermissionState;
use crate::turn::testing::{Effect, PASSWORD, TurnServer, USER};

const TURN: &str = "203.0.113.5:3478";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

struct Bench {
    now: Duration,
    gatherer: Gatherer,
    turn: SocketAddr,
    server: TurnServer,
    events: Vec<GatherEvent>,
    datagrams: Vec<Datagram>,
    /// What left for anyone but the server.
    sent: Vec<(SocketAddr, Vec<u8>)>,
    /// What the server relayed.
    relayed: Vec<(SocketAddr, Vec<u8>)>,
}

impl Bench {
    fn new(url: &str) -> Self {
        Self::at("192.0.2.1", TURN, url)
    }

    fn at(interface: &str, turn: &str, url: &str) -> Self {
        let servers = Server::resolve(url, USER, PASSWORD, &BTreeMap::new()).unwrap();
        let interfaces = vec![interface.parse().unwrap()];
        let config =
            GatherConfig { interfaces, servers, first_conn: 70, ..GatherConfig::default() };
        let mut bench = Self {
            now: Duration::ZERO,
            gatherer: Gatherer::new(config, Rng::new(3)),
            turn: addr(turn),
            server: TurnServer::new(addr(TURN).ip()),
            events: Vec::new(),
            datagrams: Vec::new(),
            sent: Vec::new(),
            relayed: Vec::new(),
        };
        bench.gatherer.start(bench.now);
        bench.run(Duration::from_secs(2));
        bench
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        self.drain();
        while let Some(at) = self.gatherer.wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.gatherer.advance(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.gatherer.poll() {
            match output {
                GatherOutput::Stun(message) => self.gatherer.forward(self.now, message),
                GatherOutput::Event(event) => self.events.push(event),
                GatherOutput::Transmit(transmit) => self.transmit(transmit),
            }
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        let (from, data, conn) = match transmit {
            Transmit::Udp { local, remote, data } if remote == self.turn => (local, data, None),
            Transmit::Udp { remote, data, .. } => {
                self.sent.push((remote, data));
                return;
            }
            Transmit::TcpConnect { conn, .. } => {
                let local = addr("192.0.2.1:999");
                self.gatherer.receive(self.now, Receive::TcpConnected { conn, local });
                return;
            }
            Transmit::TcpSend { conn, data } => (addr("192.0.2.1:999"), data, Some(conn)),
            Transmit::TcpClose { .. } => return,
        };
        for effect in self.server.client_sent(from, &data) {
            match effect {
                Effect::ToPeer { peer, data, .. } => self.relayed.push((peer, data)),
                Effect::ToClient(local, data) => {
                    let input = match conn {
                        Some(conn) => Receive::TcpData { conn, data },
                        None => Receive::Udp { local, remote: self.turn, data },
                    };
                    let datagrams = self.gatherer.receive(self.now, input);
                    self.datagrams.extend(datagrams);
                }
            }
        }
    }

    fn base(&self, kind: CandidateType) -> SocketAddr {
        let candidates = self.gatherer.candidates();
        candidates.iter().find(|candidate| candidate.kind == kind).expect("such a candidate").base
    }
}

#[test]
fn relayed_base_carries_data_both_ways_once_the_peer_is_permitted() {
    for url in ["turn:203.0.113.5", "turn:203.0.113.5?transport=tcp"] {
        let mut bench = Bench::new(url);
        let (base, peer) = (bench.base(CandidateType::Relayed), addr("198.51.100.7:9"));
        bench.gatherer.permit(base, peer.ip());
        bench.run(Duration::from_secs(1));
        let granted =
            GatherEvent::Permission { base, ip: peer.ip(), state: PermissionState::Granted };
        assert!(bench.events.contains(&granted));
        assert!(bench.gatherer.send(bench.now, base, peer, b"out"));
        bench.drain();
        assert_eq!(bench.relayed, [(peer, b"out".to_vec())]);
        let Some(Effect::ToClient(client, data)) = bench.server.peer_sent(base, peer, b"back")
        else {
            panic!("not relayed")
        };
        let input = if client.port() == 999 {
            Receive::TcpData { conn: crate::io::ConnId(70), data }
        } else {
            Receive::Udp { local: client, remote: addr(TURN), data }
        };
        assert!(bench.gatherer.owns(&input));
        let datagrams = bench.gatherer.receive(bench.now, input);
        assert_eq!(datagrams, [Datagram { base, remote: peer, data: b"back".to_vec() }]);
    }
}

/// Found by the fuzz target `full_session`: RFC 8835 §3.4.
#[test]
fn a_host_without_ipv4_asks_for_relayed_addresses_of_both_families() {
    let bench = Bench::at("2001:db8::1", "[2001:db8::5]:3478", "turn:[2001:db8::5]");
    let candidates = bench.gatherer.candidates();
    let relayed = candidates.iter().filter(|one| one.kind == CandidateType::Relayed);
    let families: Vec<bool> = relayed.map(|candidate| candidate.address.is_ipv6()).collect();
    assert_eq!(families, [true, false]);
}

#[test]
fn host_base_passes_everything_that_is_not_a_servers() {
    let mut bench = Bench::new("turn:203.0.113.5");
    let (base, peer) = (bench.base(CandidateType::Host), addr("198.51.100.7:9"));
    assert!(bench.gatherer.send(bench.now, base, peer, b"direct"));
    bench.drain();
    assert_eq!(bench.sent, [(peer, b"direct".to_vec())]);
    for remote in [peer, addr(TURN)] {
        let data = vec![22, 1, 2, 3];
        let input = Receive::Udp { local: base, remote, data: data.clone() };
        let datagrams = bench.gatherer.receive(bench.now, input);
        assert_eq!(datagrams, [Datagram { base, remote, data }]);
    }
}

#[test]
fn unknown_bases_are_refused() {
    let mut bench = Bench::new("turn:203.0.113.5");
    let nowhere = addr("192.0.2.1:1");
    assert!(!bench.gatherer.send(bench.now, nowhere, addr(TURN), b"x"));
    assert_eq!(bench.gatherer.permission(nowhere, addr(TURN).ip()), None);
}

#[test]
fn requests_wait_for_their_slots() {
    // RFC 8445 §14.2: without time passing, one request is all there is.
    let servers = Server::resolve("turn:203.0.113.5", USER, PASSWORD, &BTreeMap::new()).unwrap();
    let interfaces = vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    let config = GatherConfig { interfaces, servers, ..GatherConfig::default() };
    let mut gatherer = Gatherer::new(config, Rng::new(3));
    gatherer.start(Duration::ZERO);
    let mut requests = Vec::new();
    for millis in [0, 0, 49, 50, 50, 99, 100] {
        gatherer.advance(Duration::from_millis(millis));
        let outputs = std::iter::from_fn(|| gatherer.poll());
        requests.push(outputs.filter(|o| matches!(o, GatherOutput::Stun(_))).count());
    }
    assert_eq!(requests, [1, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn closing_gives_the_allocation_back() {
    let mut bench = Bench::new("turn:203.0.113.5");
    bench.gatherer.close(bench.now);
    bench.run(Duration::from_secs(1));
    assert!(bench.gatherer.is_closed());
    assert_eq!(bench.server.allocations(), 0);
}

#[test]
fn sockets_of_others_are_avoided() {
    let config = GatherConfig {
        interfaces: vec![[192, 0, 2, 1].into()],
        ports: 5000..5002,
        ..GatherConfig::default()
    };
    let mut first = Gatherer::new(config.clone(), Rng::new(1));
    first.start(Duration::ZERO);
    let used: Vec<SocketAddr> = first.sockets().collect();
    for seed in 0..8 {
        let mut second = Gatherer::new(config.clone(), Rng::new(seed));
        second.avoid(used.clone());
        second.start(Duration::ZERO);
        assert_ne!(second.sockets().collect::<Vec<_>>(), used);
    }
}
