//! DCEP messages that are not as they should be, or stand where none should.

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, StreamMessage, Tamper};
use rtcspec_wire::dcep::{ACK, OPEN};

use super::streams::was_reset;
use super::{DCEP, open, opens_odd};
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case = Case { layer: Layer::Channel, ..Case::USUAL };

/// ACKs that came on a stream after the strike.
fn acks(seen: &Seen<'_>, stream: u16) -> usize {
    seen.messages(Way::Received, DCEP)
        .filter(|(at, on, data)| *at > seen.struck() && *on == stream && data.first() == Some(&ACK))
        .count()
}

/// A DCEP message on a stream.
fn dcep(stream: u16, data: Vec<u8>) -> Injection {
    Injection::Message(StreamMessage { stream, ppid: DCEP, data })
}

/// An OPEN of a reliable, ordered channel with these lengths and this label.
fn raw_open(label_length: u16, protocol_length: u16, label: &[u8]) -> Vec<u8> {
    let mut out = vec![OPEN, 0, 0, 0, 0, 0, 0, 0];
    out.extend(label_length.to_be_bytes());
    out.extend(protocol_length.to_be_bytes());
    out.extend(label);
    out
}

pub(in crate::cases) const DUPLICATE_OPEN: Case = Case {
    id: "dcep/duplicate-open",
    title: "A second OPEN on a stream that has a channel: not acknowledged, the stream is reset",
    about: "The stream is in use, so the second OPEN cannot be for a channel of its own. str0m#873 \
            looped without end on such a conflict.",
    tests: &["RFC 8832 §6"],
    make: || Box::new(Twice { stream: None }),
    ..FAMILY
};

struct Twice {
    stream: Option<u16>,
}

impl Tamper for Twice {}

const REFUSE_SECOND: Duty = Duty {
    text: "RFC 8832 §6: an OPEN on a stream that is in use is not acknowledged, and the channel is \
           closed by a stream reset",
    expected: "one ACK, and a reset of the stream",
};

impl Hostile for Twice {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(odd) = opens_odd(log) else { return Vec::new() };
        let stream = 100 + u16::from(odd);
        self.stream = Some(stream);
        let opens = ["first", "second"].into_iter().filter_map(|label| open(stream, label));
        opens.map(Injection::Message).collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(stream) = self.stream else {
            return vec![REFUSE_SECOND.fail("no channel to begin with")];
        };
        let (acks, reset) = (acks(seen, stream), was_reset(seen, stream));
        let actual = format!("{acks} ACKs, reset: {reset}");
        vec![REFUSE_SECOND.met(acks == 1 && reset, actual)]
    }
}

pub(in crate::cases) const ACK_WITHOUT_CHANNEL: Case = Case {
    id: "dcep/ack-without-channel",
    title: "An ACK on a stream that nobody opened: ignored",
    about: "There is no channel for it to open. What must come of it is nothing: the probe, and no \
            channel but `main`.",
    tests: &["RFC 8832 §5.2"],
    asks_the_peer: true,
    make: || Box::new(StrayAck),
    ..FAMILY
};

struct StrayAck;

impl Tamper for StrayAck {}

const NO_CHANNEL: Duty = Duty {
    text: "RFC 8832 §5.2: an ACK answers an OPEN; without one there is nothing that it opens",
    expected: "no channel but `main`",
};

impl Hostile for StrayAck {
    fn strike(&mut self, _: Duration, _: &Log) -> Vec<Injection> {
        vec![dcep(77, vec![ACK]), dcep(78, vec![ACK])]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let labels: Vec<&str> = seen.channels.iter().map(|channel| &*channel.label).collect();
        vec![NO_CHANNEL.met(labels == ["main"], format!("channels {labels:?}"))]
    }
}

pub(in crate::cases) const LENGTHS_PAST_END: Case = Case {
    id: "dcep/lengths-past-end",
    title: "An OPEN whose label ends 64 KiB behind it: not acknowledged, no harm",
    about: "The label is cut out by a length that the message does not have. werift dies of it. \
            There is no such channel, so there is nothing to acknowledge.",
    tests: &["RFC 8832 §5.1"],
    make: || Box::new(Malformed { open: || raw_open(0xffff, 4, b"x"), strict: true, stream: None }),
    ..FAMILY
};

pub(in crate::cases) const LABEL_NOT_UTF8: Case = Case {
    id: "dcep/label-not-utf8",
    title: "An OPEN whose label is not UTF-8: no harm",
    about: "RFC 8832 says that a label is UTF-8, and not what becomes of one that is not: a channel \
            of another name, or none. aiortc met an exception.",
    tests: &["RFC 8832 §5.1"],
    make: || {
        Box::new(Malformed {
            open: || raw_open(4, 0, &[b'n', 0xff, 0xfe, 0xc3]),
            strict: false,
            stream: None,
        })
    },
    ..FAMILY
};

/// Strikes with one OPEN on a stream of this side.
struct Malformed {
    open: fn() -> Vec<u8>,
    /// An ACK is a failure, not merely worth telling.
    strict: bool,
    stream: Option<u16>,
}

impl Tamper for Malformed {}

const NO_SUCH_OPEN: Duty = Duty {
    text: "RFC 8832 §5.1: label and protocol are UTF-8 of the lengths that the OPEN says",
    expected: "no ACK",
};

impl Hostile for Malformed {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(odd) = opens_odd(log) else { return Vec::new() };
        let stream = 100 + u16::from(odd);
        self.stream = Some(stream);
        vec![dcep(stream, (self.open)())]
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(stream) = self.stream else {
            return vec![NO_SUCH_OPEN.fail("no channel to begin with")];
        };
        vec![match (acks(seen, stream), self.strict) {
            (0, _) => NO_SUCH_OPEN.pass("no ACK"),
            (_, true) => NO_SUCH_OPEN.fail("an ACK"),
            (_, false) => NO_SUCH_OPEN.info("an ACK"),
        }]
    }
}
