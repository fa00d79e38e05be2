//! Data that does not wait for the ACK.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Tamper};
use rtcspec_wire::dcep::{ACK, View};

use super::{DCEP, binary, open, opens_odd};
use crate::cases::log::Log;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile, PROBE};
use crate::verdict::Layer;

pub(in crate::cases) const DATA_WITH_OPEN: Case = Case {
    id: "dcep/data-with-open",
    title: "Messages right behind the OPEN, before any ACK: delivered, in order",
    about: "Whoever opens a channel may send at once. The receiver opens the channel with the OPEN \
            and takes what follows it.",
    tests: &["RFC 8832 §6", "RFC 8831 §6.6"],
    layer: Layer::Channel,
    play: PROBE,
    asks_the_peer: true,
    make: || Box::new(Eager),
    ..Case::USUAL
};

struct Eager;

impl Tamper for Eager {}

const TAKE_EARLY: Duty = Duty {
    text: "RFC 8832 §6: data may follow the OPEN at once, and is delivered in order",
    expected: "messages of 1, 2 and 3 bytes on channel `early`",
};

fn delivered(duty: Duty, seen: &Seen<'_>, label: &str, wanted: &[usize]) -> Ruling {
    match seen.channel(label) {
        None => duty.fail(format!("the peer has no channel `{label}`")),
        Some(channel) => {
            let actual = format!("messages of {:?} bytes", channel.received);
            duty.met(channel.received == wanted, actual)
        }
    }
}

impl Hostile for Eager {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let Some(odd) = opens_odd(log) else { return Vec::new() };
        let stream = 100 + u16::from(odd);
        let data = [1, 2, 3].map(|length| binary(stream, length));
        open(stream, "early").into_iter().chain(data).map(Injection::Message).collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        vec![delivered(TAKE_EARLY, seen, "early", &[1, 2, 3])]
    }
}

pub(in crate::cases) const DATA_BEFORE_ACK: Case = Case {
    id: "dcep/data-before-ack",
    title: "Messages for a channel the peer opened come before its ACK: delivered, in order",
    about: "The peer opens a channel; the hostile side holds its ACK back and sends messages \
            first. They prove that the channel is open as well as an ACK does \
            (webrtc-rs/rtc#209).",
    tests: &["RFC 8832 §6"],
    layer: Layer::Channel,
    play: r#"
[[do]]
after   = "open + 200ms"
channel = { from = "tested", label = "held" }

[[do]]
after = "open + 3s"
send  = { from = "tested", channel = "held", messages = 3, size = 100 }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "hostile", channel = "held", messages = 3 }
"#,
    asks_the_peer: true,
    make: || Box::new(HoldAck::default()),
    ..Case::USUAL
};

/// How long the ACK is held back.
const HELD: Duration = Duration::from_secs(1);

/// Holds back the ACK of `held`, and sends three messages at once instead.
#[derive(Default)]
struct HoldAck {
    stream: Option<u16>,
    instead: Option<(Duration, u16)>,
}

impl Tamper for HoldAck {
    fn received_message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        if let View::Open(open) = View::parse(&message.data)
            && message.ppid == DCEP
            && open.label() == Some(b"held")
        {
            self.stream = Some(message.stream);
        }
        Action::Pass
    }

    fn message(&mut self, now: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let StreamMessage { stream, ppid, data } = message;
        if *ppid != DCEP || data.first() != Some(&ACK) || self.stream != Some(*stream) {
            return Action::Pass;
        }
        self.instead = Some((now + Duration::from_millis(1), *stream));
        Action::Delay(HELD)
    }

    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        let Some((_, stream)) = self.instead.take_if(|(at, _)| *at <= now) else {
            return Vec::new();
        };
        [4, 5, 6].map(|length| Injection::Message(binary(stream, length))).into()
    }

    fn wake(&self) -> Option<Duration> {
        self.instead.map(|(at, _)| at)
    }
}

const TAKE_BEFORE_ACK: Duty = Duty {
    text: "RFC 8832 §6: messages on a channel that was opened are taken before its ACK, in order",
    expected: "messages of 4, 5 and 6 bytes on channel `held`",
};

impl Hostile for HoldAck {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        vec![delivered(TAKE_BEFORE_ACK, seen, "held", &[4, 5, 6])]
    }
}
