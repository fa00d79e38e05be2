//! Streams that are not the sender's to open, or that nobody opened.

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Tamper};
use rtcspec_wire::dcep::ACK;
use rtcspec_wire::sctp::{Body, Parameter, StreamId};

use super::{DCEP, binary, open, opens_odd};
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const WRONG_PARITY: Case = Case {
    id: "dcep/wrong-parity",
    title: "An OPEN on a stream that is the peer's to open: no ACK, the stream is reset",
    about: "The DTLS client opens even streams, the server odd ones, so that both never open the \
            same. libpeer#273 and SIPSorcery acknowledged such an OPEN.",
    tests: &["RFC 8832 §6"],
    layer: Layer::Channel,
    make: || Box::new(WrongParity { stream: None }),
    ..Case::USUAL
};

struct WrongParity {
    stream: Option<u16>,
}

impl Tamper for WrongParity {}

const REFUSE: Duty = Duty {
    text: "RFC 8832 §6: an OPEN on a stream of the wrong parity is not acknowledged, and the \
           channel is closed by a stream reset",
    expected: "no ACK, and a reset of the stream",
};

/// Whether the peer asked to reset its side of a stream (RFC 6525 §4.1).
pub(super) fn was_reset(seen: &Seen<'_>, stream: u16) -> bool {
    seen.bodies(Way::Received).any(|(_, body)| {
        let Body::ReConfig(chunk) = body else { return false };
        chunk.parameters().any(|parameter| match Parameter::from_view(&parameter) {
            Ok(Parameter::OutgoingSsnReset(reset)) => reset.streams.contains(&StreamId(stream)),
            _ => false,
        })
    })
}

impl Hostile for WrongParity {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(odd) = opens_odd(log) else { return Vec::new() };
        let stream = 100 + u16::from(!odd);
        self.stream = Some(stream);
        open(stream, "yours").into_iter().map(Injection::Message).collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(stream) = self.stream else {
            return vec![REFUSE.fail("no channel to begin with")];
        };
        let mut acks = seen.messages(Way::Received, DCEP);
        let acked = acks.any(|(_, on, data)| on == stream && data.first() == Some(&ACK));
        vec![match (acked, was_reset(seen, stream)) {
            (true, _) => REFUSE.fail("an ACK"),
            (false, true) => REFUSE.pass("no ACK, and a reset"),
            (false, false) => REFUSE.fail("no ACK, and no reset"),
        }]
    }
}

pub(in crate::cases) const UNOPENED_STREAM: Case = Case {
    id: "dcep/unopened-stream",
    title: "A message on a stream without a channel: not delivered, no harm",
    about: "No OPEN, no negotiated channel: there is nobody to give the message to. Resetting the \
            stream is fine; ending the association is not.",
    tests: &["RFC 8831 §6.4", "RFC 8832 §6"],
    layer: Layer::Channel,
    asks_the_peer: true,
    make: || Box::new(Unopened),
    ..Case::USUAL
};

struct Unopened;

impl Tamper for Unopened {}

const NOBODYS: Duty = Duty {
    text: "RFC 8831 §6.4: only an opened or negotiated channel makes two streams a data channel",
    expected: "no channel but `main`",
};

impl Hostile for Unopened {
    fn strike(&mut self, _: Duration, _: &Log) -> Vec<Injection> {
        vec![Injection::Message(binary(77, 10)), Injection::Message(binary(78, 10))]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let labels: Vec<&str> = seen.channels.iter().map(|channel| &*channel.label).collect();
        let stray = seen.channel("main").is_some_and(|main| main.received.contains(&10));
        vec![NOBODYS.met(labels == ["main"] && !stray, format!("channels {labels:?}"))]
    }
}
