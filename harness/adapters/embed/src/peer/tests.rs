//! Which sockets serve a connection, with a stack that does as a test says.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtcspec_adapter_entropy::base;
use rtcspec_control::{Candidate, ChannelInit, Description, Payload, StateKind, StateReport};
use rtcspec_peer::ice::Policy;
use rtcspec_peer::rng::Rng;

use super::{Outputs, Peer};
use crate::clock::VirtualClock;
use crate::connection::{ChannelKey, Connection, Found, Gathered, Happening, Outcome, Refusal};
use crate::sockets::Plan;

const NOW: Duration = Duration::ZERO;

/// A stack that has a local description and says what it is told to.
#[derive(Debug, Default)]
struct Puppet {
    ufrag: &'static str,
    says: VecDeque<Happening>,
    forgotten: Vec<SocketAddr>,
}

fn lacks<T>() -> Outcome<T> {
    Err(Refusal::unsupported("a puppet"))
}

impl Connection for Puppet {
    fn offer(&mut self, _now: Instant, _ice_restart: bool) -> Outcome<String> {
        lacks()
    }

    fn answer(&mut self, _now: Instant) -> Outcome<String> {
        lacks()
    }

    fn local(&mut self, _now: Instant, _description: &Description) -> Outcome<()> {
        lacks()
    }

    fn local_description(&self) -> Option<String> {
        Some(format!("a=ice-ufrag:{}", self.ufrag))
    }

    fn remote(&mut self, _now: Instant, _description: &Description) -> Outcome<()> {
        lacks()
    }

    fn remote_candidate(&mut self, _now: Instant, _given: Option<&Candidate>) -> Outcome<()> {
        lacks()
    }

    fn local_candidate(&mut self, _now: Instant, _found: Found) -> Outcome<Gathered> {
        Ok(Gathered::Declined)
    }

    fn end_of_local_candidates(&mut self, _now: Instant) {}

    fn forget_local_address(&mut self, _now: Instant, base: SocketAddr) {
        self.forgotten.push(base);
    }

    fn channel(&mut self, _now: Instant, _label: &str, _init: &ChannelInit) -> Outcome<ChannelKey> {
        lacks()
    }

    fn send(&mut self, _now: Instant, _key: ChannelKey, _payload: &Payload) -> Outcome<()> {
        lacks()
    }

    fn close_channel(&mut self, _now: Instant, _key: ChannelKey) -> Outcome<()> {
        lacks()
    }

    fn close(&mut self, _now: Instant) -> Outcome<()> {
        lacks()
    }

    fn state(&self) -> StateReport {
        StateReport::default()
    }

    fn restart_ice(&mut self, _now: Instant) -> Outcome<()> {
        lacks()
    }

    fn receive(&mut self, _now: Instant, _local: SocketAddr, _remote: SocketAddr, _data: &[u8]) {}

    fn advance(&mut self, _now: Instant) {}

    fn wake(&mut self) -> Option<Instant> {
        None
    }

    fn secrets(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn poll(&mut self, _now: Instant) -> Option<Happening> {
        self.says.pop_front()
    }
}

/// A connection on one address, without servers.
fn peer() -> Peer<Puppet> {
    let interfaces = vec![[192, 0, 2, 1].into()];
    let plan = Plan { interfaces, servers: Vec::new(), policy: Policy::All };
    let clock = VirtualClock::starting_at(base());
    Peer::new("pc".to_owned(), Puppet::default(), clock, plan, Rng::new(1))
}

impl Peer<Puppet> {
    /// A local description is set; says whether sockets were opened for it.
    fn describe(&mut self, ufrag: &'static str, number: u16) -> bool {
        self.connection.ufrag = ufrag;
        self.follow_rollback(NOW);
        let opened = self.gather_if_new(NOW, number);
        self.drain();
        opened
    }

    /// The stack tells of a state.
    fn say(&mut self, which: StateKind, value: &str) {
        self.connection.says.push_back(Happening::State { which, value: value.to_owned() });
        self.drain();
    }

    fn drain(&mut self) {
        let mut out = Outputs::default();
        while self.step(NOW, &mut out) {}
    }

    /// The base of the newest generation.
    fn newest(&self) -> Option<SocketAddr> {
        self.generations.last()?.bases().first().copied()
    }
}

#[test]
fn former_sockets_stay_until_the_restart_is_answered_and_connected() {
    let mut peer = peer();
    assert!(peer.describe("first", 0));
    peer.say(StateKind::Signaling, "stable");
    peer.say(StateKind::IceConnection, "connected");
    let former = peer.newest();
    assert!(peer.describe("second", 1));
    peer.say(StateKind::Signaling, "have-local-offer");
    // The pair there was has come back.
    peer.say(StateKind::IceConnection, "connected");
    peer.say(StateKind::Signaling, "stable");
    assert!(peer.connection.forgotten.is_empty());
    peer.say(StateKind::IceConnection, "connected");
    assert_eq!(peer.connection.forgotten, Vec::from_iter(former));
}

#[test]
fn restart_that_is_rolled_back_leaves_the_former_sockets_and_no_others() {
    let mut peer = peer();
    assert!(peer.describe("first", 0));
    let former = peer.newest();
    assert!(peer.describe("second", 1));
    let newer = peer.newest();
    assert!(!peer.describe("first", 2), "its sockets are there");
    assert_eq!(peer.newest(), former);
    assert_eq!(peer.connection.forgotten, Vec::from_iter(newer));
    peer.say(StateKind::IceConnection, "connected");
    assert_eq!((peer.newest(), peer.generations.len()), (former, 1));
    assert!(peer.describe("third", 3));
}
