//! Time for peers that have a clock of their own.
//!
//! A run with such a peer goes at the pace of the wall's clock. What comes from outside is stamped
//! when it arrives, and rings the [`Bell`] the run waits at; it is taken in at an instant of the
//! run, and from then on everything is a function of what was taken in and when. A [`Taken`] keeps
//! that, so that the run can be played again without the peer, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::capability::Hello;
use crate::command::{Answer, Command, Request, RequestId};
use crate::endpoint::{Endpoint, Message, Origin, Receive, Transmit, VirtualEndpoint};
use crate::event::Event;
use crate::line::{self, LineError};
use crate::wall;

/// The clock of a run that goes at the pace of the wall's clock, and what wakes it early.
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    begin: Option<Instant>,
    rung: bool,
}

impl Bell {
    /// The run begins now; until then its time stands at zero.
    pub fn begin(&self) {
        self.lock().begin.get_or_insert_with(wall::now);
    }

    /// Time since the run began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.lock().begin.map_or(Duration::ZERO, |begin| begin.elapsed())
    }

    /// Wakes whoever waits, or who will wait next.
    pub fn ring(&self) {
        self.lock().rung = true;
        self.rung.notify_all();
    }

    /// Waits until `time` of the run, or until somebody rings; whether somebody did.
    pub fn wait_until(&self, time: Duration) -> bool {
        let mut state = self.lock();
        loop {
            if std::mem::take(&mut state.rung) {
                return true;
            }
            let now = state.begin.map_or(Duration::ZERO, |begin| begin.elapsed());
            let Some(left) = time.checked_sub(now).filter(|left| !left.is_zero()) else {
                return false;
            };
            let waited = self.rung.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has arrived from a peer and was not taken in yet: when the first of it came.
#[derive(Debug)]
pub struct Arrivals {
    bell: Arc<Bell>,
    first: Mutex<Option<Duration>>,
}

impl Arrivals {
    /// Nothing has arrived.
    #[must_use]
    pub fn new(bell: Arc<Bell>) -> Self {
        Self { bell, first: Mutex::new(None) }
    }

    /// Something has arrived, and can be taken from wherever it waits.
    pub fn note(&self) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| self.bell.now());
        drop(first);
        self.bell.ring();
    }

    /// When the first of it arrived.
    #[must_use]
    pub fn first(&self) -> Option<Duration> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is about to be taken in. What arrives meanwhile may be taken in with it, and is noted
    /// again.
    pub fn clear(&self) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What passed between a run and a peer outside of it, at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The instant of the run, in nanoseconds since it began.
    pub at: u64,
    /// What passed.
    #[serde(flatten)]
    pub what: Passed,
}

/// What may pass between a run and a peer outside of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passed {
    /// Inwards: the run looked at what had arrived. What follows at this instant is what it found,
    /// perhaps nothing.
    Look(()),
    /// Inwards: a reply or an event, as a line of peerctl/1.
    Said(String),
    /// Inwards: an IP packet, in base64.
    Sent(String),
    /// Inwards: a line of the peer's key log.
    Secret(String),
    /// Inwards: this machine refused something, so that the run proves nothing.
    Trouble(String),
    /// Outwards: a request, as a line of peerctl/1.
    Asked(String),
    /// Outwards: an IP packet, in base64.
    Received(String),
}

impl Passed {
    /// Whether it came from the peer.
    #[must_use]
    pub fn is_inward(&self) -> bool {
        !matches!(self, Self::Asked(_) | Self::Received(_))
    }
}

/// Where a peer outside of the run is, or was.
pub trait Source {
    /// Whether it is there, or a record of it.
    const ORIGIN: Origin;
    /// When the first thing arrived that was not taken in yet.
    fn first(&self) -> Option<Duration>;
    /// Takes in what has arrived.
    fn take(&mut self) -> Vec<Passed>;
    /// Gives it a request.
    fn ask(&mut self, line: &str);
    /// Gives it an IP packet.
    fn receive(&mut self, packet: &[u8]);
}

/// A peer outside of the run, as the run sees it.
#[derive(Debug)]
pub struct OutsideEndpoint<S> {
    hello: Hello,
    source: S,
    open: BTreeMap<RequestId, Answer>,
    messages: VecDeque<Message>,
    packets: VecDeque<Vec<u8>>,
    secrets: Vec<String>,
    trouble: Option<String>,
    taken: Vec<Taken>,
}

impl<S: Source> OutsideEndpoint<S> {
    /// A peer that has said hello.
    pub fn new(hello: Hello, source: S) -> Self {
        Self {
            hello,
            source,
            open: BTreeMap::new(),
            messages: VecDeque::new(),
            packets: VecDeque::new(),
            secrets: Vec::new(),
            trouble: None,
            taken: Vec::new(),
        }
    }

    fn keep(&mut self, now: Duration, what: Passed) {
        let at = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.taken.push(Taken { at, what });
    }

    fn take_in(&mut self, what: &Passed) {
        match what {
            Passed::Said(line) => self.said(line),
            // What a record has that is no base64 is no packet either.
            Passed::Sent(packet) => self.packets.extend(BASE64.decode(packet)),
            Passed::Secret(line) => self.secrets.push(line.clone()),
            Passed::Trouble(what) => _ = self.trouble.get_or_insert_with(|| what.clone()),
            Passed::Look(()) | Passed::Asked(_) | Passed::Received(_) => {}
        }
    }

    fn said(&mut self, line: &str) {
        match line::read(line, |id| self.open.get(&id).copied()) {
            Ok(message) => {
                if let Message::Reply(reply) = &message {
                    self.open.remove(&reply.id);
                }
                self.messages.push_back(message);
            }
            // Some stacks log where they should not; PEERCTL.md §1 passes over it.
            Err(LineError::NoObject { .. }) => {}
            Err(error) => self.messages.push_back(Message::Event(Event::Error {
                on: String::new(),
                name: "ControlError".to_owned(),
                message: format!("{error}: {line}"),
            })),
        }
    }
}

impl<S: Source> Endpoint for OutsideEndpoint<S> {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn submit(&mut self, now: Duration, id: RequestId, command: Command) {
        self.open.insert(id, command.answer());
        let line = serde_json::to_string(&Request { id, command })
            .expect("invariant: a request has nothing that JSON cannot say");
        self.source.ask(&line);
        self.keep(now, Passed::Asked(line));
    }

    fn poll(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }
}

impl<S: Source> VirtualEndpoint for OutsideEndpoint<S> {
    fn receive(&mut self, now: Duration, input: Receive) {
        // Sockets are its own affair; the harness gives a bare host nothing else.
        if let Receive::Packet { data } = input {
            self.source.receive(&data);
            self.keep(now, Passed::Received(BASE64.encode(data)));
        }
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.packets.pop_front().map(|data| Transmit::Packet { data })
    }

    fn wake(&self) -> Option<Duration> {
        self.source.first()
    }

    fn advance(&mut self, now: Duration) {
        self.keep(now, Passed::Look(()));
        for what in self.source.take() {
            self.take_in(&what);
            self.keep(now, what);
        }
    }

    fn secrets(&mut self) -> Vec<String> {
        std::mem::take(&mut self.secrets)
    }

    fn origin(&self) -> Origin {
        S::ORIGIN
    }

    fn taken(&mut self) -> Vec<Taken> {
        std::mem::take(&mut self.taken)
    }

    fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_that_was_rung_before_does_not_let_wait() {
        let bell = Bell::default();
        bell.begin();
        bell.ring();
        assert!(bell.wait_until(Duration::from_secs(600)));
        assert!(!bell.wait_until(Duration::ZERO));
    }

    #[test]
    fn arrivals_keep_the_first_time_until_they_are_taken_in() {
        let bell = Arc::new(Bell::default());
        let arrivals = Arrivals::new(Arc::clone(&bell));
        assert_eq!(arrivals.first(), None);
        arrivals.note();
        bell.begin();
        arrivals.note();
        assert_eq!(arrivals.first(), Some(Duration::ZERO));
        arrivals.clear();
        assert_eq!(arrivals.first(), None);
    }

    /// A peer that has said something.
    struct Said(Vec<Passed>);

    impl Source for Said {
        const ORIGIN: Origin = Origin::Outside;

        fn first(&self) -> Option<Duration> {
            None
        }

        fn take(&mut self) -> Vec<Passed> {
            std::mem::take(&mut self.0)
        }

        fn ask(&mut self, _line: &str) {}

        fn receive(&mut self, _packet: &[u8]) {}
    }

    #[test]
    fn a_line_that_is_no_object_is_passed_over_and_an_object_that_is_no_message_is_an_error() {
        let hello = r#"{"adapter":1,"impl":"x","version":"1","features":[]}"#;
        let lines = ["{ level: 'info' }", "[1]", r#"{"ev":"log","text":"up"}"#, "{}"];
        let said = Said(lines.map(|line| Passed::Said(line.to_owned())).to_vec());
        let mut peer = OutsideEndpoint::new(serde_json::from_str(hello).unwrap(), said);
        peer.advance(Duration::ZERO);
        let heard: Vec<Message> = std::iter::from_fn(|| peer.poll()).collect();
        let [Message::Event(Event::Log { .. }), Message::Event(Event::Error { name, .. })] =
            &heard[..]
        else {
            panic!("{heard:?}");
        };
        assert_eq!(name, "ControlError");
    }

    #[test]
    fn what_passed_survives_its_line() {
        for what in [Passed::Look(()), Passed::Said("{}".into()), Passed::Received("AA==".into())] {
            let taken = Taken { at: 7, what };
            let line = serde_json::to_string(&taken).unwrap();
            assert_eq!(serde_json::from_str::<Taken>(&line).unwrap(), taken, "{line}");
        }
    }
}
