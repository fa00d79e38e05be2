//! The hand that plays a case: it asks the case at every hook and writes down what crosses it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Stun, Tamper};
use rtcspec_wire::dcep;

use super::hostile::Hostile;
use super::log::{Kind, Log, Noted, Way};
use crate::scenario::Inject;

/// How long after the first channel opened the case strikes.
const PAUSE: Duration = Duration::from_millis(500);

/// The least time there is between two instants.
const INSTANT: Duration = Duration::from_nanos(1);

/// PPID of DCEP (RFC 8832 §8.1).
const DCEP: u32 = 50;

/// A case at work.
#[derive(Debug)]
pub(crate) struct Hand {
    pub(crate) case: Box<dyn Hostile>,
    pub(crate) log: Log,
    strike_at: Option<Duration>,
    pub(crate) struck: Option<Duration>,
    /// What steps of the script have it send, and when.
    queue: VecDeque<(Duration, Injection)>,
}

impl Hand {
    pub(crate) fn new(case: Box<dyn Hostile>) -> Self {
        Self { case, log: Log::default(), strike_at: None, struck: None, queue: VecDeque::new() }
    }

    /// Has it send what a step says, as soon as it is asked; whether there is something to be sent.
    pub(crate) fn queue(&mut self, now: Duration, index: usize, inject: &Inject) -> bool {
        let injection = self.case.injection(index, inject, &self.log);
        let there = injection.is_some();
        // A peer asks no hook twice in an instant.
        self.queue.extend(injection.map(|injection| (now + INSTANT, injection)));
        there
    }

    /// Writes down what becomes of a message that is about to be sent.
    fn sent(&mut self, at: Duration, kind: Kind, bytes: &[u8], action: &Action) {
        let mut note = |bytes: &[u8]| {
            self.log.add(Noted { at, way: Way::Sent, kind: kind.clone(), bytes: bytes.to_vec() });
        };
        match action {
            Action::Drop => {}
            Action::Pass | Action::Delay(_) => note(bytes),
            Action::Duplicate => {
                note(bytes);
                note(bytes);
            }
            Action::Replace(others) => others.iter().for_each(|other| note(other)),
        }
    }

    fn received(&mut self, at: Duration, kind: Kind, bytes: &[u8]) {
        self.log.add(Noted { at, way: Way::Received, kind, bytes: bytes.to_vec() });
    }

    /// The first DCEP ACK, in either direction: a channel is open.
    fn look_for_ack(&mut self, now: Duration, message: &StreamMessage) {
        if message.ppid == DCEP && message.data.first() == Some(&dcep::ACK) {
            self.strike_at.get_or_insert(now + PAUSE);
        }
    }

    fn injected(&mut self, at: Duration, injection: &Injection) {
        let (kind, bytes) = match injection {
            Injection::Datagram { local, remote, data } => (plain(*local, *remote), data),
            Injection::Transport(data) => (Kind::Dtls, data),
            Injection::Sctp(packet) => (Kind::Sctp, packet),
            Injection::Message(message) => (stream(message), &message.data),
        };
        self.log.add(Noted { at, way: Way::Sent, kind, bytes: bytes.clone() });
    }
}

fn stream(message: &StreamMessage) -> Kind {
    Kind::Message { stream: message.stream, ppid: message.ppid }
}

fn plain(local: SocketAddr, remote: SocketAddr) -> Kind {
    Kind::Stun { local, remote, key: None }
}

fn kind_of(message: &Stun<'_>) -> Kind {
    Kind::Stun {
        local: message.local,
        remote: message.remote,
        key: message.key.map(<[u8]>::to_vec),
    }
}

impl Tamper for Hand {
    fn sdp(&mut self, now: Duration, sdp: &mut String) {
        self.case.sdp(now, sdp);
    }

    fn candidate(&mut self, now: Duration, candidate: &str) -> Action<String> {
        self.case.candidate(now, candidate)
    }

    fn stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        let action = self.case.stun(now, message);
        self.sent(now, kind_of(&message), message.bytes, &action);
        action
    }

    fn dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        let action = self.case.dtls(now, datagram);
        self.sent(now, Kind::Dtls, datagram, &action);
        action
    }

    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        let action = self.case.sctp(now, packet);
        self.sent(now, Kind::Sctp, packet, &action);
        action
    }

    fn message(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let action = self.case.message(now, message);
        self.log.add(Noted {
            at: now,
            way: Way::Sent,
            kind: stream(message),
            bytes: message.data.clone(),
        });
        self.look_for_ack(now, message);
        action
    }

    fn received_sdp(&mut self, now: Duration, sdp: &mut String) {
        self.case.received_sdp(now, sdp);
    }

    fn received_stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        self.received(now, kind_of(&message), message.bytes);
        self.case.received_stun(now, message)
    }

    fn received_dtls(&mut self, now: Duration, datagram: &[u8]) -> Action {
        self.received(now, Kind::Dtls, datagram);
        self.case.received_dtls(now, datagram)
    }

    fn received_sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        self.received(now, Kind::Sctp, packet);
        self.case.received_sctp(now, packet)
    }

    fn received_message(
        &mut self,
        now: Duration,
        message: &StreamMessage,
    ) -> Action<StreamMessage> {
        self.received(now, stream(message), &message.data);
        self.look_for_ack(now, message);
        self.case.received_message(now, message)
    }

    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        let mut all = self.case.inject(now);
        if self.struck.is_none() && self.strike_at.is_some_and(|at| at <= now) {
            self.struck = Some(now);
            all.extend(self.case.strike(now, &self.log));
        }
        while self.queue.front().is_some_and(|(at, _)| *at <= now) {
            all.extend(self.queue.pop_front().map(|(_, injection)| injection));
        }
        for injection in &all {
            self.injected(now, injection);
        }
        all
    }

    fn wake(&self) -> Option<Duration> {
        let strike = self.strike_at.filter(|_| self.struck.is_none());
        let queued = self.queue.front().map(|(at, _)| *at);
        self.case.wake().into_iter().chain(strike).chain(queued).min()
    }
}
