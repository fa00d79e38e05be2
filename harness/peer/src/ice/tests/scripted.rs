//! One agent whose peer is the test itself.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Key, Message, Method, Seal, TransactionId, View,
};

use crate::ice::{
    Agent, CandidateType, Config, Credentials, Event, Output, RemoteCandidate, RemoteParameters,
    Role, State,
};
use crate::io::{Receive, Transmit};
use crate::rng::Rng;

pub(super) const PEER: &str = "192.0.2.9:7000";
pub(super) const OTHER: &str = "192.0.2.9:7001";
const UFRAG: &str = "peer";
const PASSWORD: &str = "password-of-the-scripted-peer";

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A datagram the agent has sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) at: Duration,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

impl Sent {
    pub(super) fn view(&self) -> View<'_> {
        View::new(&self.bytes)
    }

    pub(super) fn class(&self) -> Option<Class> {
        let view = self.view();
        view.check().ok()?;
        view.message_type().map(|ty| ty.class)
    }

    pub(super) fn code(&self) -> Option<u16> {
        self.view().error_code().map(|error| error.code())
    }
}

pub(super) struct Scripted {
    pub(super) now: Duration,
    pub(super) agent: Agent,
    pub(super) events: Vec<Event>,
    pub(super) sent: Vec<Sent>,
    ids: u16,
}

impl Scripted {
    /// An agent at one address that has gathered, and knows nothing of its peer.
    pub(super) fn alone(role: Role, config: Config) -> Self {
        let mut config = config;
        if config.gather.interfaces.is_empty() {
            config.gather.interfaces = vec![[192, 0, 2, 1].into()];
        }
        let agent = Agent::new(config, role, &Rng::new(5));
        let mut scripted =
            Self { now: Duration::ZERO, agent, events: Vec::new(), sent: Vec::new(), ids: 0 };
        scripted.agent.gather(scripted.now);
        scripted.drain();
        scripted
    }

    /// An agent that knows its peer, but no candidate of it.
    pub(super) fn introduced(role: Role) -> Self {
        let mut scripted = Self::alone(role, Config::default());
        scripted.introduce(false);
        scripted
    }

    pub(super) fn introduce(&mut self, lite: bool) {
        let credentials = Credentials { ufrag: UFRAG.to_owned(), password: PASSWORD.to_owned() };
        self.agent.set_remote(self.now, RemoteParameters { credentials, lite }).unwrap();
        self.drain();
    }

    /// The agent learns of a host candidate of its peer.
    pub(super) fn trickle(&mut self, address: &str, priority: u32) {
        let candidate = RemoteCandidate {
            kind: CandidateType::Host,
            address: addr(address),
            priority,
            foundation: address.len().to_string() + address.rsplit(':').next().unwrap(),
            name: None,
        };
        self.agent.add_remote_candidate(self.now, candidate, None);
        self.drain();
    }

    /// The peer says that it has no more candidates.
    pub(super) fn end(&mut self) {
        self.agent.end_of_remote_candidates(self.now, None);
        self.drain();
    }

    pub(super) fn base(&self) -> SocketAddr {
        self.agent.local_candidates()[0].base
    }

    pub(super) fn local_key(&self) -> Key {
        self.agent.local_credentials().key()
    }

    pub(super) fn peer_key() -> Key {
        Key::short_term(PASSWORD)
    }

    /// A check as the peer would send it, without protection.
    pub(super) fn check(&mut self, role: Role) -> Message {
        self.ids += 1;
        let mut id = [0; 12];
        id[..2].copy_from_slice(&self.ids.to_be_bytes());
        let username = format!("{}:{UFRAG}", self.agent.local_credentials().ufrag);
        let claim = match role {
            Role::Controlling => Attribute::IceControlling(7),
            Role::Controlled => Attribute::IceControlled(7),
        };
        Message::request(Method::BINDING, TransactionId(id))
            .with(Attribute::Username(username))
            .with(Attribute::Priority(1000))
            .with(claim)
    }

    /// The check of a peer whose role fits, signed as it should be.
    pub(super) fn sealed(&self, message: &Message) -> Vec<u8> {
        message.encode(&Seal::none().integrity(&self.local_key()).fingerprint()).unwrap()
    }

    /// The peer's check, sent from an address; yields what the agent answers.
    pub(super) fn ask(&mut self, from: &str, message: &Message) -> Option<Sent> {
        let bytes = self.sealed(message);
        self.deliver(from, bytes)
    }

    /// Bytes from an address; yields the agent's response.
    pub(super) fn deliver(&mut self, from: &str, data: Vec<u8>) -> Option<Sent> {
        let before = self.sent.len();
        let (local, remote) = (self.base(), addr(from));
        self.agent.receive(self.now, Receive::Udp { local, remote, data });
        self.drain();
        let answers = self.sent[before..].iter();
        let mut answers = answers.filter(|sent| sent.class().is_some_and(Class::is_response));
        answers.next().cloned()
    }

    /// Runs for a while, unanswered.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.agent.wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agent.advance(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// The last check the agent sent, to an address.
    pub(super) fn last_check(&self, to: &str) -> Option<Sent> {
        let request = |sent: &&Sent| sent.class() == Some(Class::Request) && sent.to == addr(to);
        self.sent.iter().rev().find(request).cloned()
    }

    pub(super) fn checks(&self) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| sent.class() == Some(Class::Request)).collect()
    }

    /// The peer's success response to a check, with the agent's address as it is.
    pub(super) fn success(&self, check: &Sent) -> Vec<u8> {
        let id = check.view().transaction_id().unwrap();
        let answer = Message::success(Method::BINDING, id);
        let answer = answer.with(Attribute::XorMappedAddress(self.base()));
        answer.encode(&Seal::none().integrity(&Self::peer_key()).fingerprint()).unwrap()
    }

    /// The peer's error response to a check.
    pub(super) fn error(&self, check: &Sent, code: u16) -> Vec<u8> {
        let id = check.view().transaction_id().unwrap();
        let error = rtcspec_wire::stun::ErrorCode::new(code).unwrap();
        let answer = Message::error(Method::BINDING, id, error);
        answer.encode(&Seal::none().integrity(&Self::peer_key()).fingerprint()).unwrap()
    }

    /// Answers the last check to an address with success.
    pub(super) fn succeed(&mut self, at: &str) {
        let check = self.last_check(at).expect("a check");
        let answer = self.success(&check);
        self.deliver(at, answer);
    }

    /// A controlling agent with a selected pair.
    pub(super) fn connected() -> Self {
        let mut scripted = Self::introduced(Role::Controlling);
        scripted.trickle(PEER, 1 << 20);
        scripted.pass(Duration::from_millis(60));
        scripted.succeed(PEER);
        scripted.pass(Duration::from_millis(300));
        assert!(scripted.last_check(PEER).unwrap().view().has(AttributeType::USE_CANDIDATE));
        scripted.succeed(PEER);
        assert_eq!(scripted.agent.state(), State::Connected);
        scripted
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.agent.poll() {
            match output {
                Output::Stun(message) => self.agent.forward(self.now, message),
                Output::Transmit(Transmit::Udp { remote, data, .. }) => {
                    self.sent.push(Sent { at: self.now, to: remote, bytes: data });
                }
                Output::Transmit(_) => {}
                Output::Event(event) => self.events.push(event),
            }
        }
    }
}
