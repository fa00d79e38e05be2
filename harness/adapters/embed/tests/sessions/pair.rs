//! Two endpoints over a link of 5 ms, with signalling that takes no time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_control::{
    Candidate, ChannelInit, Command, Configuration, Description, Event, Implementation, Message,
    Payload, Receive, ReplyBody, SdpType, SpawnContext, StateReport, Transmit, VirtualEndpoint,
};

use crate::turn_server::{Effect, TurnServer};

/// One way delay of the link.
const LATENCY: Duration = Duration::from_millis(5);

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Left,
    Right,
}

impl Who {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// How candidates travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signalling {
    /// All in the description.
    InSdp,
    /// One by one, after the description without them.
    OneByOne,
}

/// A datagram on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) from: Who,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) data: Vec<u8>,
}

/// Two endpoints and everything that happened between them.
pub(crate) struct Pair {
    pub(crate) now: Duration,
    pub(crate) signalling: Signalling,
    pub(crate) events: Vec<(Duration, Who, Event)>,
    pub(crate) wire: Vec<Sent>,
    /// Whether the link carries anything.
    pub(crate) up: bool,
    /// A TURN server both sides reach.
    pub(crate) turn: Option<TurnServer>,
    /// Whether the sides reach each other without it.
    pub(crate) direct: bool,
    addresses: [Vec<IpAddr>; 2],
    sides: [Box<dyn VirtualEndpoint>; 2],
    flying: BTreeMap<(Duration, u64), (Who, Receive)>,
    candidates: Vec<(Who, Option<Candidate>)>,
    /// Both descriptions are set: candidates go to the other side as they come.
    trickling: bool,
    sequence: u64,
}

impl Pair {
    pub(crate) fn new(left: &dyn Implementation, right: &dyn Implementation, seed: u64) -> Self {
        let spawn = |implementation: &dyn Implementation, seed| {
            let context = SpawnContext { seed, now: Duration::ZERO };
            implementation.spawn(context).expect("spawn")
        };
        Self {
            now: Duration::ZERO,
            signalling: Signalling::InSdp,
            events: Vec::new(),
            wire: Vec::new(),
            up: true,
            turn: None,
            direct: true,
            addresses: [Vec::new(), Vec::new()],
            sides: [spawn(left, seed), spawn(right, seed ^ 0x5555)],
            flying: BTreeMap::new(),
            candidates: Vec::new(),
            trickling: false,
            sequence: 0,
        }
    }

    /// Both sides get a connection `pc`, each on its own address of one LAN.
    pub(crate) fn connectable(
        left: &dyn Implementation,
        right: &dyn Implementation,
        seed: u64,
    ) -> Self {
        Self::with_addresses(left, right, seed, &[["10.0.0.1"], ["10.0.0.2"]])
    }

    pub(crate) fn with_addresses<const N: usize>(
        left: &dyn Implementation,
        right: &dyn Implementation,
        seed: u64,
        addresses: &[[&str; N]; 2],
    ) -> Self {
        let mut pair = Self::new(left, right, seed);
        for (who, ips) in [Who::Left, Who::Right].into_iter().zip(addresses) {
            let interfaces: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().expect("ip")).collect();
            pair.connect(who, Configuration { interfaces, ..Configuration::default() });
        }
        pair
    }

    /// Makes the connection `pc` of one side.
    pub(crate) fn connect(&mut self, who: Who, config: Configuration) {
        self.addresses[who as usize].clone_from(&config.interfaces);
        self.done(who, Command::New { pc: "pc".into(), config });
    }

    /// Key log lines of both sides.
    pub(crate) fn secrets(&mut self) -> Vec<String> {
        self.sides.iter_mut().flat_map(|side| side.secrets()).collect()
    }

    fn side(&mut self, who: Who) -> &mut dyn VirtualEndpoint {
        self.sides[who as usize].as_mut()
    }

    /// Gives a command and returns its reply, which these endpoints give at once.
    pub(crate) fn command(&mut self, who: Who, command: Command) -> ReplyBody {
        self.sequence += 1;
        let (now, id) = (self.now, self.sequence);
        self.side(who).submit(now, id, command);
        let mut answer = None;
        self.drain(who, &mut answer);
        let (replied, body) = answer.expect("a reply");
        assert_eq!(replied, id);
        body
    }

    pub(crate) fn done(&mut self, who: Who, command: Command) {
        let reply = self.command(who, command.clone());
        assert_eq!(reply, ReplyBody::Done {}, "{who:?} {command:?}");
    }

    pub(crate) fn sdp(&mut self, who: Who, command: Command) -> String {
        match self.command(who, command.clone()) {
            ReplyBody::Sdp(sdp) => sdp,
            other => panic!("{who:?} {command:?}: {other:?}"),
        }
    }

    fn drain(&mut self, who: Who, answer: &mut Option<(u64, ReplyBody)>) {
        while let Some(message) = self.side(who).poll() {
            match message {
                Message::Reply(reply) => *answer = Some((reply.id, reply.body)),
                Message::Event(event) => {
                    if let Event::Candidate { candidate, .. } = &event {
                        self.candidates.push((who, candidate.clone()));
                    }
                    self.events.push((self.now, who, event));
                }
            }
        }
        while let Some(transmit) = self.side(who).transmit() {
            let Transmit::Udp { local, remote, data } = transmit else { panic!("{transmit:?}") };
            self.wire.push(Sent { at: self.now, from: who, local, remote, data: data.clone() });
            self.carry(local, remote, data);
        }
    }

    /// The network: a LAN with a TURN server on it.
    fn carry(&mut self, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        let (Some(server), true) = (&mut self.turn, self.up) else {
            return self.fly(from, to, data);
        };
        let listens = SocketAddr::new(server.ip, 3478);
        if to.ip() != server.ip {
            if self.direct {
                self.fly(from, to, data);
            }
            return;
        }
        let effects = if to == listens {
            server.client_sent(from, &data)
        } else {
            server.peer_sent(to, from, &data).into_iter().collect()
        };
        for effect in effects {
            match effect {
                Effect::ToClient(client, data) => self.fly(listens, client, data),
                Effect::ToPeer { relayed, peer, data } if peer.ip() == listens.ip() => {
                    self.carry(relayed, peer, data);
                }
                Effect::ToPeer { relayed, peer, data } => self.fly(relayed, peer, data),
            }
        }
    }

    fn fly(&mut self, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        let sides = [Who::Left, Who::Right];
        let owner = sides.into_iter().find(|who| self.addresses[*who as usize].contains(&to.ip()));
        if let (Some(who), true) = (owner, self.up) {
            self.sequence += 1;
            let receive = Receive::Udp { local: to, remote: from, data };
            self.flying.insert((self.now + LATENCY, self.sequence), (who, receive));
        }
    }

    /// The machine of one side is at these addresses now.
    pub(crate) fn move_to(&mut self, who: Who, ips: &[&str]) {
        let addresses: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().expect("ip")).collect();
        self.addresses[who as usize].clone_from(&addresses);
        self.done(who, Command::Interfaces { pc: "pc".into(), addresses });
    }

    /// A whole exchange of offer and answer; candidates travel as `signalling` says.
    pub(crate) fn negotiate(&mut self, offerer: Who, ice_restart: bool) {
        let answerer = offerer.other();
        let pc = || "pc".to_owned();
        self.candidates.clear();
        self.trickling = false;
        let offer = self.sdp(offerer, Command::Offer { pc: pc(), ice_restart });
        let offer = self.local(offerer, SdpType::Offer, offer);
        self.remote(answerer, SdpType::Offer, offer);
        let answer = self.sdp(answerer, Command::Answer { pc: pc() });
        let answer = self.local(answerer, SdpType::Answer, answer);
        self.remote(offerer, SdpType::Answer, answer);
        self.trickling = true;
        self.trickle();
    }

    /// Sets a local description and returns what is to be sent of it.
    pub(crate) fn local(&mut self, who: Who, kind: SdpType, sdp: String) -> String {
        let desc = Description { kind, sdp: sdp.clone() };
        let full = self.sdp(who, Command::Local { pc: "pc".into(), desc });
        match self.signalling {
            Signalling::InSdp => full,
            Signalling::OneByOne => sdp,
        }
    }

    pub(crate) fn remote(&mut self, who: Who, kind: SdpType, sdp: String) {
        let desc = Description { kind, sdp };
        self.done(who, Command::Remote { pc: "pc".into(), desc });
    }

    /// Delivers the candidates announced so far, one by one.
    pub(crate) fn trickle(&mut self) {
        for (from, candidate) in std::mem::take(&mut self.candidates) {
            if self.signalling == Signalling::OneByOne {
                self.done(from.other(), Command::Candidate { pc: "pc".into(), candidate });
            }
        }
    }

    pub(crate) fn channel(&mut self, who: Who, dc: &str, init: ChannelInit) {
        let command =
            Command::Channel { pc: "pc".into(), dc: dc.into(), label: format!("{dc} ✓"), init };
        self.done(who, command);
    }

    pub(crate) fn send(&mut self, who: Who, dc: &str, payload: Payload) {
        self.done(who, Command::Send { dc: dc.into(), payload, repeat: 1 });
    }

    pub(crate) fn state(&mut self, who: Who) -> StateReport {
        match self.command(who, Command::State { pc: "pc".into() }) {
            ReplyBody::State(report) => report,
            other => panic!("{other:?}"),
        }
    }

    /// Runs until the event was seen (from the beginning) or the time is up.
    pub(crate) fn until(&mut self, limit: Duration, seen: impl Fn(Who, &Event) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if self.events.iter().any(|(_, who, event)| seen(*who, event)) {
                return true;
            }
            if !self.step(end) {
                return false;
            }
        }
    }

    /// Runs until the run time is `now + time`.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    fn step(&mut self, end: Duration) -> bool {
        let wakes = [Who::Left, Who::Right].map(|who| (self.sides[who as usize].wake(), who));
        let flight = self.flying.keys().next().map(|(at, _)| *at);
        let timer = wakes.iter().filter_map(|(at, _)| *at).min();
        let Some(next) = [flight, timer].into_iter().flatten().min().filter(|at| *at <= end) else {
            return false;
        };
        self.now = next.max(self.now);
        let now = self.now;
        if self.trickling {
            self.trickle();
        }
        if flight == Some(next) {
            let Some((_, (who, receive))) = self.flying.pop_first() else { return false };
            self.side(who).receive(now, receive);
            self.drain(who, &mut None);
        } else {
            for (at, who) in wakes {
                if at.is_some_and(|at| at <= now) {
                    self.side(who).advance(now);
                    self.drain(who, &mut None);
                }
            }
        }
        true
    }

    /// What one side told, in order.
    pub(crate) fn told(&self, who: Who) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |(_, w, _)| *w == who).map(|(_, _, event)| event)
    }
}

/// Seconds, for readable tests.
pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
