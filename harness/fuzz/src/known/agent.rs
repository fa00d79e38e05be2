//! One ICE agent whose peer is a row of the table.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_peer::ice::{
    Agent, CandidateType, Config, Credentials, Event, Output, RemoteCandidate, RemoteParameters,
    Role,
};
use rtcspec_peer::io::{Receive, Transmit};
use rtcspec_peer::rng::Rng;
use rtcspec_wire::stun::{Attribute, Class, Key, Message, Method, Seal, TransactionId, View};

/// Two addresses of the peer, and one of nobody.
pub(super) const PEER: &str = "192.0.2.9:7000";
pub(super) const OTHER: &str = "192.0.2.9:7001";
pub(super) const STRANGER: &str = "203.0.113.66:666";
const UFRAG: &str = "peer";
const PASSWORD: &str = "password-of-the-scripted-peer";

/// An address in words.
pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("addresses of this table are valid")
}

/// The agent, and what it sent.
pub(super) struct Lone {
    pub(super) now: Duration,
    pub(super) agent: Agent,
    pub(super) sent: Vec<(SocketAddr, Vec<u8>)>,
    pub(super) data: Vec<Vec<u8>>,
}

impl Lone {
    /// An agent that has gathered, and knows nothing of its peer.
    pub(super) fn new(role: Role) -> Self {
        let mut config = Config::default();
        config.gather.interfaces = vec![[192, 0, 2, 1].into()];
        let agent = Agent::new(config, role, &Rng::new(5));
        let mut lone = Self { now: Duration::ZERO, agent, sent: Vec::new(), data: Vec::new() };
        lone.agent.gather(lone.now);
        lone.drain();
        lone
    }

    /// It learns who its peer is, and of one candidate.
    pub(super) fn introduce(&mut self) {
        let credentials = Credentials { ufrag: UFRAG.to_owned(), password: PASSWORD.to_owned() };
        let set = self.agent.set_remote(self.now, RemoteParameters { credentials, lite: false });
        debug_assert!(set.is_ok(), "{set:?}");
        self.trickle(PEER);
    }

    /// It learns of a candidate.
    pub(super) fn trickle(&mut self, at: &str) {
        let candidate = RemoteCandidate {
            kind: CandidateType::Host,
            address: address(at),
            priority: 1 << 20,
            foundation: address(at).port().to_string(),
            name: None,
        };
        self.agent.add_remote_candidate(self.now, candidate, None);
        self.drain();
    }

    /// A controlling agent with a selected pair.
    pub(super) fn connected() -> Self {
        let mut lone = Self::new(Role::Controlling);
        lone.introduce();
        for _ in 0..2 {
            lone.pass(Duration::from_millis(300));
            lone.succeed(PEER);
        }
        lone.sent.clear();
        lone
    }

    /// The address it sends from.
    pub(super) fn base(&self) -> SocketAddr {
        let first = self.agent.local_candidates().first();
        first.map_or_else(|| address("0.0.0.0:0"), |candidate| candidate.base)
    }

    /// A check as the peer would send it, controlled.
    pub(super) fn check(&self, number: u8) -> Message {
        let username = format!("{}:{UFRAG}", self.agent.local_credentials().ufrag);
        Message::request(Method::BINDING, TransactionId([number; 12]))
            .with(Attribute::Username(username))
            .with(Attribute::Priority(1000))
            .with(Attribute::IceControlled(7))
    }

    /// Its bytes, signed as they should be.
    pub(super) fn sealed(&self, message: &Message) -> Vec<u8> {
        encoded(message, &self.agent.local_credentials().key())
    }

    /// Gives it a datagram.
    pub(super) fn deliver(&mut self, from: &str, data: Vec<u8>) {
        let local = self.base();
        self.agent.receive(self.now, Receive::Udp { local, remote: address(from), data });
        self.drain();
    }

    /// Answers its last check to an address.
    pub(super) fn succeed(&mut self, at: &str) {
        let check = self
            .sent
            .iter()
            .rev()
            .find(|(to, bytes)| *to == address(at) && class(bytes) == Some(Class::Request));
        let id = check.and_then(|(_, bytes)| View::new(bytes).transaction_id());
        let answer = Message::success(Method::BINDING, id.unwrap_or(TransactionId([0; 12])))
            .with(Attribute::XorMappedAddress(self.base()));
        self.deliver(at, encoded(&answer, &Key::short_term(PASSWORD)));
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.agent.wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.advance(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Stun(message) => self.agent.forward(self.now, message),
                Output::Transmit(Transmit::Udp { remote, data, .. }) => {
                    self.sent.push((remote, data));
                }
                Output::Event(Event::Data(data)) => self.data.push(data),
                Output::Transmit(_) | Output::Event(_) => {}
            }
        }
    }

    /// What it answered, and where it stands.
    pub(super) fn told(&self) -> String {
        let answers = self.sent.iter().filter_map(|(to, bytes)| {
            let answer = class(bytes).filter(|class| class.is_response())?;
            let code = View::new(bytes).error_code().map(|error| format!(" {}", error.code()));
            let word = if answer == Class::SuccessResponse { "success" } else { "error" };
            Some(format!("{word}{} to {to}", code.unwrap_or_default()))
        });
        let mut words: Vec<String> = answers.collect();
        if words.is_empty() {
            words.push("no answer".to_owned());
        }
        words.push(self.agent.state().word().to_owned());
        if let Some((_, remote)) = self.agent.selected() {
            words.push(format!("sends to {remote}"));
        }
        words.join(", ")
    }
}

fn class(bytes: &[u8]) -> Option<Class> {
    let view = View::new(bytes);
    view.check().ok()?;
    view.message_type().map(|kind| kind.class)
}

/// A message with integrity under a key, and FINGERPRINT.
pub(super) fn encoded(message: &Message, key: &Key) -> Vec<u8> {
    message.encode(&Seal::none().integrity(key).fingerprint()).unwrap_or_default()
}
