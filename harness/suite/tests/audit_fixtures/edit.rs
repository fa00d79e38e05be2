//! One tamper made of closures, and what it has seen.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Stun, Tamper};

/// A STUN message that went out.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// What a side has sent so far, for injections to build on.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Signed requests, in order.
    pub(crate) requests: Vec<Said>,
    /// Requests without a key: to servers.
    pub(crate) asked: Vec<Said>,
    /// The last SCTP packet.
    pub(crate) sctp: Vec<u8>,
    /// DTLS datagrams, the first ones.
    pub(crate) dtls: Vec<Vec<u8>>,
}

type OnStun = Box<dyn FnMut(Duration, Stun<'_>) -> Action>;
type OnBytes = Box<dyn FnMut(Duration, &[u8]) -> Action>;
type OnText = Box<dyn FnMut(&mut String)>;
type OnMessage = Box<dyn FnMut(&StreamMessage) -> Action<StreamMessage>>;
type OnTime = Box<dyn FnMut(&Seen) -> Vec<Injection>>;

/// Hooks, each empty unless set.
#[derive(Default)]
pub(crate) struct Edit {
    seen: Rc<RefCell<Seen>>,
    stun: Option<OnStun>,
    received_stun: Option<OnStun>,
    received_dtls: Option<OnBytes>,
    sctp: Option<OnBytes>,
    sdp: Option<OnText>,
    received_sdp: Option<OnText>,
    message: Option<OnMessage>,
    timed: Vec<(Duration, OnTime)>,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Edit {
    pub(crate) fn stun(mut self, f: impl FnMut(Duration, Stun<'_>) -> Action + 'static) -> Self {
        self.stun = Some(Box::new(f));
        self
    }

    pub(crate) fn received_stun(
        mut self,
        f: impl FnMut(Duration, Stun<'_>) -> Action + 'static,
    ) -> Self {
        self.received_stun = Some(Box::new(f));
        self
    }

    pub(crate) fn received_dtls(
        mut self,
        f: impl FnMut(Duration, &[u8]) -> Action + 'static,
    ) -> Self {
        self.received_dtls = Some(Box::new(f));
        self
    }

    pub(crate) fn sctp(mut self, f: impl FnMut(Duration, &[u8]) -> Action + 'static) -> Self {
        self.sctp = Some(Box::new(f));
        self
    }

    pub(crate) fn sdp(mut self, f: impl FnMut(&mut String) + 'static) -> Self {
        self.sdp = Some(Box::new(f));
        self
    }

    pub(crate) fn received_sdp(mut self, f: impl FnMut(&mut String) + 'static) -> Self {
        self.received_sdp = Some(Box::new(f));
        self
    }

    pub(crate) fn message(
        mut self,
        f: impl FnMut(&StreamMessage) -> Action<StreamMessage> + 'static,
    ) -> Self {
        self.message = Some(Box::new(f));
        self
    }

    /// Once, at a time, something to send.
    pub(crate) fn at(
        mut self,
        milliseconds: u64,
        f: impl FnMut(&Seen) -> Vec<Injection> + 'static,
    ) -> Self {
        self.timed.push((Duration::from_millis(milliseconds), Box::new(f)));
        self.timed.sort_by_key(|(at, _)| *at);
        self
    }
}

impl Tamper for Edit {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        if let Some(f) = &mut self.sdp {
            f(sdp);
        }
    }

    fn received_sdp(&mut self, _: Duration, sdp: &mut String) {
        if let Some(f) = &mut self.received_sdp {
            f(sdp);
        }
    }

    fn stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        let said = Said {
            local: message.local,
            remote: message.remote,
            bytes: message.bytes.to_vec(),
            key: message.key.unwrap_or_default().to_vec(),
        };
        let request = message.bytes.first() == Some(&0) && message.bytes.get(1) == Some(&1);
        let mut seen = self.seen.borrow_mut();
        if request && message.key.is_some() {
            seen.requests.push(said);
        } else if !request {
            seen.asked.push(said);
        }
        drop(seen);
        self.stun.as_mut().map_or(Action::Pass, |f| f(now, message))
    }

    fn received_stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        self.received_stun.as_mut().map_or(Action::Pass, |f| f(now, message))
    }

    fn dtls(&mut self, _: Duration, datagram: &[u8]) -> Action {
        let mut seen = self.seen.borrow_mut();
        if seen.dtls.len() < 8 {
            seen.dtls.push(datagram.to_vec());
        }
        Action::Pass
    }

    fn received_dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.received_dtls.as_mut().map_or(Action::Pass, |f| f(now, datagram))
    }

    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        self.seen.borrow_mut().sctp = packet.to_vec();
        self.sctp.as_mut().map_or(Action::Pass, |f| f(now, packet))
    }

    fn message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        self.message.as_mut().map_or(Action::Pass, |f| f(message))
    }

    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        let mut all = Vec::new();
        while self.timed.first().is_some_and(|(at, _)| *at <= now) {
            let (_, mut f) = self.timed.remove(0);
            all.extend(f(&self.seen.borrow()));
        }
        all
    }

    fn wake(&self) -> Option<Duration> {
        self.timed.first().map(|(at, _)| *at)
    }
}
