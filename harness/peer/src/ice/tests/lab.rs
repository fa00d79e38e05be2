//! A network for two agents: latency, loss, NATs, a STUN server and a TURN server.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::stun::{Attribute, Class, Message, Method, Seal, View};

use crate::ice::{
    Agent, Config, Event, Output, Policy, RemoteCandidate, RemoteParameters, Role, SelectedPair,
    Server, State,
};
use crate::io::{Receive, Transmit};
use crate::rng::Rng;
use crate::turn::testing::{Effect, PASSWORD, TurnServer, USER};

pub(super) const STUN: &str = "203.0.113.1:3478";
pub(super) const TURN: &str = "203.0.113.5:3478";

/// What a NAT tells apart, for mapping and for filtering (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Nothing,
    Address,
    AddressAndPort,
}

#[derive(Debug)]
pub(super) struct Nat {
    outside: IpAddr,
    mapping: By,
    filtering: By,
    next_port: u16,
    /// (inside, what the mapping depends on) to outside.
    mappings: BTreeMap<(SocketAddr, String), SocketAddr>,
    /// Outside address to peers sent to.
    sent: BTreeMap<SocketAddr, Vec<SocketAddr>>,
}

impl Nat {
    fn key(by: By, peer: SocketAddr) -> String {
        match by {
            By::Nothing => String::new(),
            By::Address => peer.ip().to_string(),
            By::AddressAndPort => peer.to_string(),
        }
    }

    fn out(&mut self, inside: SocketAddr, peer: SocketAddr) -> SocketAddr {
        let key = (inside, Self::key(self.mapping, peer));
        let (ip, next) = (self.outside, &mut self.next_port);
        let outside = *self.mappings.entry(key).or_insert_with(|| {
            *next += 1;
            SocketAddr::new(ip, *next)
        });
        self.sent.entry(outside).or_default().push(peer);
        outside
    }

    fn inwards(&self, peer: SocketAddr, outside: SocketAddr) -> Option<SocketAddr> {
        let key = |p| Self::key(self.filtering, p);
        self.sent.get(&outside)?.iter().find(|sent| key(**sent) == key(peer))?;
        let mut mappings = self.mappings.iter();
        mappings.find(|(_, mapped)| **mapped == outside).map(|((inside, _), _)| *inside)
    }

    /// Loses its state; mappings get other ports afterwards.
    pub(super) fn reboot(&mut self) {
        self.mappings.clear();
        self.sent.clear();
        self.next_port += 1000;
    }
}

pub(super) struct Side {
    pub(super) agent: Agent,
    pub(super) nat: Option<Nat>,
    pub(super) events: Vec<(Duration, Event)>,
    pub(super) data: Vec<Vec<u8>>,
    pub(super) selected: Option<SelectedPair>,
    /// STUN messages as they left, with local and remote address.
    pub(super) stun: Vec<(Duration, SocketAddr, SocketAddr, Vec<u8>)>,
}

type Filter = Box<dyn FnMut(Duration, SocketAddr, SocketAddr, &[u8]) -> bool>;

/// Two agents and what lies between them.
pub(super) struct Lab {
    pub(super) now: Duration,
    pub(super) sides: [Side; 2],
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    /// Packets lost, per thousand.
    pub(super) loss: u64,
    /// Signalling carries candidates as they come.
    pub(super) trickle: bool,
    /// Says which packets get through.
    pub(super) filter: Option<Filter>,
    pub(super) turn: TurnServer,
    rng: Rng,
    queue: BTreeMap<(Duration, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    count: u64,
}

pub(super) fn config(ips: &[&str]) -> Config {
    let mut config = Config::default();
    config.gather.interfaces = ips.iter().map(|ip| ip.parse().unwrap()).collect();
    config
}

pub(super) fn with_stun(mut config: Config) -> Config {
    let servers = Server::resolve(&format!("stun:{STUN}"), "", "", &BTreeMap::new()).unwrap();
    config.gather.servers.extend(servers);
    config
}

pub(super) fn with_turn(mut config: Config) -> Config {
    let servers = Server::resolve(&format!("turn:{TURN}"), USER, PASSWORD, &BTreeMap::new());
    config.gather.servers.extend(servers.unwrap());
    config
}

pub(super) fn relay_only(mut config: Config) -> Config {
    config.gather.policy = Policy::Relay;
    config
}

impl Lab {
    pub(super) fn new(a: Config, b: Config, seed: u64) -> Self {
        let rng = Rng::new(seed);
        let side = |config, role, label| Side {
            agent: Agent::new(config, role, &rng.fork(label)),
            nat: None,
            events: Vec::new(),
            data: Vec::new(),
            selected: None,
            stun: Vec::new(),
        };
        Self {
            now: Duration::ZERO,
            sides: [side(a, Role::Controlling, "a"), side(b, Role::Controlled, "b")],
            latency: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0,
            trickle: true,
            filter: None,
            turn: TurnServer::new(TURN.parse::<SocketAddr>().unwrap().ip()),
            rng: rng.fork("network"),
            queue: BTreeMap::new(),
            count: 0,
        }
    }

    pub(super) fn nat(&mut self, side: usize, mapping: By, filtering: By) {
        let outside = IpAddr::from([198, 51, 100, 1 + u8::try_from(side).unwrap()]);
        let (mappings, sent) = (BTreeMap::new(), BTreeMap::new());
        self.sides[side].nat =
            Some(Nat { outside, mapping, filtering, next_port: 20000, mappings, sent });
    }

    pub(super) fn parameters(&self, side: usize) -> RemoteParameters {
        let credentials = self.sides[side].agent.local_credentials().clone();
        RemoteParameters { credentials, lite: false }
    }

    /// Both gather and learn of each other; candidates follow by trickle.
    pub(super) fn start(&mut self) {
        for side in 0..2 {
            self.sides[side].agent.gather(self.now);
        }
        for side in 0..2 {
            self.introduce(side);
        }
        self.pump();
    }

    /// Side `side` learns the description of the other.
    pub(super) fn introduce(&mut self, side: usize) {
        let parameters = self.parameters(1 - side);
        self.sides[side].agent.set_remote(self.now, parameters).unwrap();
    }

    /// Runs until `until` has passed.
    pub(super) fn run(&mut self, until: Duration) {
        while self.step(until) {}
        self.now = self.now.max(until);
    }

    /// Runs until both agents are in this state; false if that does not happen by `until`.
    pub(super) fn run_to(&mut self, state: State, until: Duration) -> bool {
        let there = |lab: &Self| lab.sides.iter().all(|side| side.agent.state() == state);
        while !there(self) {
            if !self.step(until) {
                return false;
            }
        }
        true
    }

    /// Runs until both agents have found a pair or failed.
    pub(super) fn conclude(&mut self, until: Duration) {
        let open = |side: &Side| matches!(side.agent.state(), State::New | State::Checking);
        while self.sides.iter().any(open) && self.step(until) {}
    }

    /// Runs until neither agent nor network has anything to do before the limit.
    fn step(&mut self, until: Duration) -> bool {
        self.pump();
        let packet = self.queue.keys().next().map(|(at, _)| *at);
        let wakes = self.sides.iter().filter_map(|side| side.agent.wake());
        let Some(next) = wakes.chain(packet).min().filter(|at| *at <= until) else { return false };
        self.now = self.now.max(next);
        self.count += 1;
        assert!(self.count < 500_000, "the agents never rest");
        for side in &mut self.sides {
            if side.agent.wake().is_some_and(|at| at <= self.now) {
                side.agent.advance(self.now);
            }
        }
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
            let (src, dst, data) = entry.remove();
            self.arrive(src, dst, data);
        }
        self.pump();
        true
    }

    /// Takes outputs until there are none.
    pub(super) fn pump(&mut self) {
        for side in 0..2 {
            while let Some(output) = self.sides[side].agent.poll() {
                match output {
                    Output::Transmit(Transmit::Udp { local, remote, data }) => {
                        self.leave(side, local, remote, data);
                    }
                    Output::Transmit(_) => {}
                    Output::Stun(message) => {
                        let log = (self.now, message.local, message.remote, message.bytes.clone());
                        self.sides[side].stun.push(log);
                        self.sides[side].agent.forward(self.now, message);
                    }
                    Output::Event(event) => self.event(side, event),
                }
            }
        }
    }

    fn event(&mut self, side: usize, event: Event) {
        match &event {
            Event::Candidate { candidate, ufrag } if self.trickle => {
                let wire = candidate.to_wire(Some(ufrag));
                for remote in RemoteCandidate::resolve(&wire, &BTreeMap::new()) {
                    let other = &mut self.sides[1 - side].agent;
                    other.add_remote_candidate(self.now, remote, Some(ufrag));
                }
            }
            Event::GatheringComplete { ufrag } if self.trickle => {
                let other = &mut self.sides[1 - side].agent;
                other.end_of_remote_candidates(self.now, Some(ufrag));
            }
            Event::Selected(pair) => self.sides[side].selected = Some(pair.clone()),
            Event::Data(data) => self.sides[side].data.push(data.clone()),
            _ => {}
        }
        self.sides[side].events.push((self.now, event));
    }

    fn leave(&mut self, side: usize, local: SocketAddr, remote: SocketAddr, data: Vec<u8>) {
        let src = match &mut self.sides[side].nat {
            Some(nat) if is_private(local.ip()) => nat.out(local, remote),
            _ => local,
        };
        self.transmit(src, remote, data);
    }

    /// Puts a packet on its way.
    pub(super) fn transmit(&mut self, src: SocketAddr, dst: SocketAddr, data: Vec<u8>) {
        let lost = self.rng.range(0..1000) < self.loss;
        let now = self.now;
        let blocked = self.filter.as_mut().is_some_and(|passes| !passes(now, src, dst, &data));
        if lost || blocked {
            return;
        }
        let jitter = u64::try_from(self.jitter.as_micros()).unwrap();
        let delay = self.latency + Duration::from_micros(self.rng.range(0..jitter + 1));
        self.count += 1;
        self.queue.insert((self.now + delay, self.count), (src, dst, data));
    }

    fn arrive(&mut self, src: SocketAddr, dst: SocketAddr, data: Vec<u8>) {
        if dst == STUN.parse().unwrap() {
            if let Some(answer) = binding_answer(src, &data) {
                self.transmit(dst, src, answer);
            }
            return;
        }
        if dst.ip() == self.turn.ip {
            let effects = if dst == TURN.parse().unwrap() {
                self.turn.client_sent(src, &data)
            } else {
                self.turn.peer_sent(dst, src, &data).into_iter().collect()
            };
            for effect in effects {
                match effect {
                    Effect::ToClient(client, bytes) => {
                        self.transmit(TURN.parse().unwrap(), client, bytes);
                    }
                    Effect::ToPeer { relayed, peer, data } => self.transmit(relayed, peer, data),
                }
            }
            return;
        }
        for side in 0..2 {
            let natted =
                self.sides[side].nat.as_ref().map(|nat| (nat.outside, nat.inwards(src, dst)));
            let local = match natted {
                Some((outside, inside)) if outside == dst.ip() => inside,
                // What is inside a NAT has no address outside.
                Some(_) if is_private(dst.ip()) => None,
                _ => Some(dst),
            };
            if let Some(local) = local {
                let input = Receive::Udp { local, remote: src, data: data.clone() };
                self.sides[side].agent.receive(self.now, input);
            }
        }
    }

    /// The types of the selected pair as a side sees it.
    pub(super) fn kinds(&self, side: usize) -> (&'static str, &'static str) {
        let pair = self.sides[side].selected.as_ref().expect("a selected pair");
        (pair.local.kind.word(), pair.remote.kind.word())
    }

    /// One side restarts, the other follows, as an offer and its answer make them.
    pub(super) fn restart(&mut self, side: usize) {
        for side in [side, 1 - side] {
            self.sides[side].agent.restart(self.now);
        }
        self.start();
    }

    /// Both selected pairs are mirror images at the level of addresses on the wire.
    pub(super) fn mirrored(&self) -> bool {
        let pair = |side: usize| self.sides[side].selected.clone().expect("a selected pair");
        let (a, b) = (pair(0), pair(1));
        a.local.address == b.remote.address && a.remote.address == b.local.address
    }

    /// Sends from one side and runs until it should have arrived.
    pub(super) fn delivers(&mut self, from: usize, text: &str) -> bool {
        let sent = self.sides[from].agent.send(self.now, text.as_bytes());
        self.run(self.now + 10 * self.latency);
        sent.is_ok() && self.sides[1 - from].data.iter().any(|data| data == text.as_bytes())
    }

    /// The STUN messages of a class that a side has sent.
    pub(super) fn sent(&self, side: usize, class: Class) -> Vec<Message> {
        let messages = self.sides[side].stun.iter().map(|(.., bytes)| Message::parse(bytes));
        messages.map(Result::unwrap).filter(|message| message.class == class).collect()
    }
}

pub(super) fn is_private(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_private())
}

fn binding_answer(src: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
    let id = View::new(data).transaction_id()?;
    let answer = Message::success(Method::BINDING, id).with(Attribute::XorMappedAddress(src));
    answer.encode(&Seal::none()).ok()
}
