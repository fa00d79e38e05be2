//! Real packets between two agents that do what ICE does, through every pair of NATs: the outcome
//! is what the model of two RFC 8445 agents says, for every filter scope and reply binding.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::rc::Rc;

use rtcspec_net::fabric::{Fabric, HostId};
use rtcspec_net::host::{Application, Receive, Transmit};
use rtcspec_net::link::{Jitter, Params as Link};
use rtcspec_net::nat::{
    FilterScope, Filtering, Mapping, Params, PortPolicy, Ports, ReplyBinding, Unsolicited,
};
use rtcspec_net::world::World;
use rtcspec_net::{Ns, firewall, segment};

use crate::lab::lan;

const ORDERS: [&str; 9] = [
    "EIM/EIF",
    "EIM/ADF",
    "EIM/APDF",
    "ADM/EIF",
    "ADM/ADF",
    "ADM/APDF",
    "APDM/EIF",
    "APDM/ADF",
    "APDM/APDF",
];

/// What is between a host and the internet.
#[derive(Clone, Debug)]
enum Edge {
    Open,
    Firewall(Filtering),
    Blocked,
    Nat(Box<Params>),
}

/// A host that checks its pairs over and over, in an order and at times of its seed.
struct Agent {
    base: SocketAddr,
    random: u64,
    next: Ns,
    rounds: u32,
    asked: BTreeMap<u32, SocketAddr>,
    remotes: Vec<SocketAddr>,
    outbox: VecDeque<Transmit>,
    shared: Rc<RefCell<Shared>>,
    me: usize,
}

#[derive(Default)]
struct Shared {
    /// By agent: what a server saw it as.
    mapped: [Option<SocketAddr>; 2],
    valid: [bool; 2],
}

const SERVER: &str = "198.51.100.9:3478";
/// Checks of one agent, and how many candidates it remembers: the cap on endless prflx churn.
const ROUNDS: u32 = 60;
const REMOTES: usize = 24;

impl Agent {
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn send(&mut self, remote: SocketAddr, kind: u8, id: u32) {
        let data = [&[kind][..], &id.to_be_bytes()].concat();
        self.outbox.push_back(Transmit::Udp { local: self.base, remote, data });
    }

    fn check(&mut self, remote: SocketAddr) {
        let id = self.asked.len() as u32;
        self.asked.insert(id, remote);
        self.send(remote, b'q', id);
    }
}

impl Application for Agent {
    fn receive(&mut self, _now: Ns, input: Receive) {
        let Receive::Udp { remote, data, .. } = input else { return };
        let id = u32::from_be_bytes([data[1], data[2], data[3], data[4]]);
        match data[0] {
            b'm' => {
                let text = std::str::from_utf8(&data[5..]).unwrap();
                self.shared.borrow_mut().mapped[self.me] = Some(text.parse().unwrap());
            }
            b'q' => {
                // RFC 8445 §7.3.1.4: a check that comes triggers one back.
                self.send(remote, b'r', id);
                if !self.remotes.contains(&remote) && self.remotes.len() < REMOTES {
                    self.remotes.push(remote);
                }
                if self.asked.len() < 4 * ROUNDS as usize {
                    self.check(remote);
                }
            }
            // RFC 8445 §7.2.5.2.1: an answer from elsewhere is none.
            _ if self.asked.get(&id) == Some(&remote) => {
                self.shared.borrow_mut().valid[self.me] = true;
            }
            _ => {}
        }
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.outbox.pop_front()
    }

    fn wake(&self) -> Option<Ns> {
        (self.rounds < ROUNDS).then_some(self.next)
    }

    fn advance(&mut self, now: Ns) {
        let mapped = self.shared.borrow().mapped;
        if mapped[self.me].is_none() {
            // Gathering, until the blocked give up.
            self.send(SERVER.parse().unwrap(), b'm', 0);
            self.next = now + Ns::millis(100);
            self.rounds += u32::from(now >= Ns::millis(500)) * ROUNDS;
            return;
        }
        // Checks begin when both have gathered.
        self.next = Ns::secs(1).max(now + Ns::millis(20 + self.random() % 60));
        if now < Ns::secs(1) {
            return;
        }
        self.rounds += 1;
        if self.rounds == 1 {
            let other = 1 - self.me;
            self.remotes.extend(mapped[other]);
            // Whoever begins late has heard of nothing before.
            self.next = self.next + Ns::millis(self.random() % 2 * 400);
            return;
        }
        let pick = self.random() as usize % self.remotes.len().max(1);
        if let Some(remote) = self.remotes.get(pick).copied() {
            self.check(remote);
        }
    }
}

/// Tells who asks what it sees.
#[derive(Default)]
struct Reflector(VecDeque<Transmit>);

impl Application for Reflector {
    fn receive(&mut self, _: Ns, input: Receive) {
        if let Receive::Udp { local, remote, .. } = input {
            let data = [b"m0000", remote.to_string().as_bytes()].concat();
            self.0.push_back(Transmit::Udp { local, remote, data });
        }
    }
    fn transmit(&mut self) -> Option<Transmit> {
        self.0.pop_front()
    }
    fn wake(&self) -> Option<Ns> {
        None
    }
    fn advance(&mut self, _: Ns) {}
}

fn build(seed: u64, edges: [&Edge; 2], jitter: Ns) -> (World, [HostId; 2]) {
    let mut fabric = Fabric::new(seed);
    let wan = fabric.segment("wan", segment::Params::internet()).unwrap();
    let stun = fabric.host("stun").unwrap();
    fabric.interface(stun, wan, &["198.51.100.9".parse().unwrap()]).unwrap();
    let jitter = Jitter { up_to: jitter, keep_order: false };
    let link = Link { latency: Ns::millis(1), jitter: Some(jitter), ..Link::default() };
    let mut hosts = Vec::new();
    for (edge, name) in edges.into_iter().zip(["a", "b"]) {
        let host = fabric.host(name).unwrap();
        let port = match edge {
            Edge::Nat(params) => {
                let place = fabric.segment(&format!("lan-{name}"), lan(1)).unwrap();
                let nat = fabric.nat(name, (**params).clone(), place, wan).unwrap();
                fabric.interface(host, place, &[]).unwrap();
                fabric.outside(nat)
            }
            _ => fabric.interface(host, wan, &[]).unwrap(),
        };
        let rules = match edge {
            Edge::Firewall(filtering) => Some(firewall::Params::stateful(*filtering)),
            Edge::Blocked => Some(firewall::Params::udp_blocked()),
            Edge::Open | Edge::Nat(_) => None,
        };
        if let Some(rules) = rules {
            fabric.firewall(name, rules, port).unwrap();
        }
        fabric.link(name, [link.clone(), link.clone()], port).unwrap();
        hosts.push(host);
    }
    (World::new(fabric), [hosts[0], hosts[1]])
}

/// Whether both agents find a pair that works, over links whose delays overtake each other.
fn direct(seed: u64, edges: [&Edge; 2]) -> bool {
    direct_over(Ns::millis(40), seed, edges)
}

fn direct_over(jitter: Ns, seed: u64, edges: [&Edge; 2]) -> bool {
    let (mut world, hosts) = build(seed, edges, jitter);
    let shared = Rc::new(RefCell::new(Shared::default()));
    let stun = world.fabric().host_of(world.fabric().find("stun").unwrap()).unwrap();
    world.install(stun, Box::<Reflector>::default());
    for (me, host) in hosts.into_iter().enumerate() {
        let base = world.address(host, 5000).unwrap();
        let random = (seed * 2 + me as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let agent = Agent {
            base,
            random,
            next: Ns::ZERO,
            rounds: 0,
            asked: BTreeMap::new(),
            remotes: Vec::new(),
            outbox: VecDeque::new(),
            shared: shared.clone(),
            me,
        };
        world.install(host, Box::new(agent));
    }
    world.step(Ns::secs(30)).unwrap();
    let shared = shared.borrow();
    shared.valid == [true, true]
}

/// D if always direct, R if never, ? if it depends on the order.
fn verdict(edges: [&Edge; 2], seeds: u64) -> char {
    let outcomes: Vec<bool> = (1..=seeds).map(|seed| direct(seed, edges)).collect();
    match (outcomes.contains(&true), outcomes.contains(&false)) {
        (true, false) => 'D',
        (false, true) => 'R',
        _ => '?',
    }
}

fn nat(word: &str, scope: FilterScope, binding: ReplyBinding) -> Edge {
    let (mapping, filtering) = word.split_once('/').unwrap();
    let ports = Ports { policy: PortPolicy::Random, ..Ports::default() };
    Edge::Nat(Box::new(Params {
        filter_scope: scope,
        reply_binding: binding,
        ports,
        ..Params::new(mapping.parse().unwrap(), filtering.parse().unwrap())
    }))
}

fn check(scope: FilterScope, binding: ReplyBinding, table: [&str; 9]) {
    let mut wrong = Vec::new();
    for (i, row) in table.iter().enumerate() {
        for (j, expected) in row.chars().enumerate().filter(|(j, _)| *j >= i) {
            let [a, b] = [i, j].map(|n| nat(ORDERS[n], scope, binding));
            let seeds = if expected == '?' { 24 } else { 5 };
            let found = verdict([&a, &b], seeds);
            if found != expected {
                wrong.push(format!("{} x {}: {found}, not {expected}", ORDERS[i], ORDERS[j]));
            }
        }
    }
    assert!(wrong.is_empty(), "{scope} {binding}:\n{}", wrong.join("\n"));
}

#[test]
fn mapping_scope_without_reply_binding() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDRRRRRR",
        "DDRDDRDDR",
        "DDRDRRDRR",
        "DDRRRRRRR",
        "DDRDDRRRR",
        "DDRDRRRRR",
        "DDRRRRRRR",
    ];
    check(FilterScope::Mapping, ReplyBinding::None, table);
}

#[test]
fn mapping_scope_with_reply_binding_first() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDD?RR?RR",
        "DD?DDDDDD",
        "DDRDRRDRR",
        "DDRDRRDRR",
        "DD?DDDDDD",
        "DDRDRRDRR",
        "DDRDRRDRR",
    ];
    check(FilterScope::Mapping, ReplyBinding::First, table);
}

#[test]
fn mapping_scope_with_reply_binding_latest() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDRRDRR",
        "DDDDDDDDD",
        "DDRDRRDRR",
        "DDRDRRDRR",
        "DDDDDDDDD",
        "DDRDRRDRR",
        "DDRDRRDRR",
    ];
    check(FilterScope::Mapping, ReplyBinding::Latest, table);
}

#[test]
fn endpoint_scope_without_reply_binding() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDRRRRRR",
        "DDRDDRDDR",
        "DDRDDRDDR",
        "DDRRRRRRR",
        "DDRDDRRRR",
        "DDRDDRRRR",
        "DDRRRRRRR",
    ];
    check(FilterScope::Endpoint, ReplyBinding::None, table);
}

#[test]
fn endpoint_scope_with_reply_binding_first() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDD?RR?RR",
        "DD?DDDDDD",
        "DDRDDDDDD",
        "DDRDDRDDR",
        "DD?DDDDDD",
        "DDRDDDDDD",
        "DDRDDRDDR",
    ];
    check(FilterScope::Endpoint, ReplyBinding::First, table);
}

#[test]
fn endpoint_scope_with_reply_binding_latest() {
    let table = [
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDDRDDR",
        "DDDDDDDDD",
        "DDDDDDDDD",
        "DDDDDRDDR",
    ];
    check(FilterScope::Endpoint, ReplyBinding::Latest, table);
}

#[test]
fn a_firewalled_public_host_is_an_endpoint_independent_mapping_with_that_filter() {
    for (n, &filtering) in Filtering::ALL.iter().enumerate() {
        for (edge, row) in [(Edge::Firewall(filtering), n), (Edge::Open, 0)] {
            let expected = ["DDDDDDDDD", "DDDDDDDDD", "DDDRRRRRR"][row];
            for (word, expected) in ORDERS.iter().zip(expected.chars()) {
                let other = nat(word, FilterScope::Mapping, ReplyBinding::None);
                assert_eq!(verdict([&edge, &other], 4), expected, "{edge:?} {word}");
            }
            assert_eq!(verdict([&edge, &Edge::Blocked], 2), 'R');
        }
    }
}

#[test]
fn linux_that_accepts_input_clashes_on_both_sides_always_and_on_one_side_sometimes() {
    let clash = |unsolicited| {
        Edge::Nat(Box::new(Params {
            unsolicited,
            ..Params::new(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent)
        }))
    };
    let (reserve, drop) = (clash(Unsolicited::Reserve), clash(Unsolicited::Drop));
    assert_eq!(verdict([&drop, &drop], 8), 'D');
    assert_eq!(verdict([&reserve, &drop], 32), '?');
    // Unless the first checks cross on their way, the one that comes first takes the endpoints.
    let both = |seed| direct_over(Ns::ZERO, seed, [&reserve, &reserve]);
    assert!((1..=16).all(|seed| !both(seed)));
    let open = nat("EIM/EIF", FilterScope::Mapping, ReplyBinding::None);
    assert_eq!(verdict([&reserve, &open], 8), 'D');
}
