//! Rows about DCEP: messages that are read, and tables of channels that are told.

use rtcspec_peer::dcep::{Channels, Event, Output};
use rtcspec_peer::dtls::Role;
use rtcspec_wire::dcep::{DcepError, Message, Open};
use rtcspec_wire::sctp::{Ppid, StreamId};

use super::budget::MACHINE;
use super::{Code, Input, Known, Others};
use crate::target::dcep as plants;

type Read = fn(&[u8]) -> Result<Message, DcepError>;

fn account(outcome: Result<Message, DcepError>) -> String {
    match outcome {
        Ok(Message::Ack) => "ACK".to_owned(),
        Ok(Message::Open(open)) => {
            let order = if open.ordered { "ordered" } else { "unordered" };
            format!("OPEN {:?} {:?}, {order}", open.label.as_str(), open.protocol.as_str())
        }
        Err(error) => error.to_string(),
    }
}

fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    account(code.pick(Message::parse as Read, theirs)(input))
}

/// What is written of an OPEN, in bytes.
fn written(code: Code, theirs: fn(&Message) -> Vec<u8>, open: Result<Open, DcepError>) -> String {
    match open {
        Ok(open) => {
            let bytes = code.pick(Message::to_bytes as fn(&_) -> _, theirs)(&Message::Open(open));
            format!("type {:02x}, label of {} bytes, {} in all", bytes[1], bytes[9], bytes.len())
        }
        Err(error) => error.to_string(),
    }
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "dcep/str0m-stream-conflict",
        row: Some(18),
        source: "str0m #873",
        cause: "an OPEN on a stream that has a channel is gone through without end",
        input: Input::Events("a hundred OPENs on one stream"),
        // RFC 8832 §6: the channel is closed, once.
        right: "send on 1, reset 1; Incoming(ChannelId(0)), 99 Refused",
        others: Others::Run("dcep/duplicate-open"),
        budget: MACHINE,
        play: |code, _| {
            let mut channels = table();
            (0..code.pick(100, 1)).for_each(|_| open(&mut channels, 1, "again"));
            told(&mut channels)
        },
    },
    Known {
        id: "dcep/str0m-stream-reuse",
        row: Some(18),
        source: "str0m #883",
        cause: "a stream is used again while its reset is under way: a panic",
        input: Input::Events("OPEN, reset by the peer, OPEN again before our own reset is done"),
        // RFC 8831 §6.7: both directions are reset before the stream is used again.
        right: "send on 1, reset 1; Incoming(ChannelId(0)), Closing(ChannelId(0)); then send on 1; \
                Closed(ChannelId(0)), Incoming(ChannelId(1))",
        others: Others::Run("dc/stream-id-reuse"),
        budget: MACHINE,
        play: |code, _| {
            let mut channels = table();
            open(&mut channels, 1, "first");
            channels.incoming_reset(&[StreamId(1)]);
            if !code.is_theirs() {
                open(&mut channels, 1, "second");
            }
            let before = told(&mut channels);
            channels.outgoing_reset(StreamId(1));
            format!("{before}; then {}", told(&mut channels))
        },
    },
    Known {
        id: "dcep/libpeer-wrong-parity",
        row: Some(19),
        source: "libpeer #273, SIPSorcery C2 (2026-08)",
        cause: "an OPEN on a stream of the receiver's own parity is acknowledged",
        input: Input::Events("the client is sent an OPEN on stream 2"),
        right: "reset 2; 1 Refused",
        others: Others::Run("dcep/wrong-parity"),
        budget: MACHINE,
        play: |code, _| {
            let mut channels = table();
            open(&mut channels, code.pick(2, 3), "yours");
            told(&mut channels)
        },
    },
    Known {
        id: "dcep/stream-65535",
        row: None,
        source: "RFC 8832 §6; no report known",
        cause: "stream 65535, which stands for no stream in many APIs, gets a channel",
        input: Input::Events("an OPEN on stream 65535"),
        right: "reset 65535; 1 Refused",
        others: Others::Nobody("an association of 65535 streams has none of this number"),
        budget: MACHINE,
        play: |code, _| {
            let mut channels = table();
            open(&mut channels, code.pick(65_535, 65_533), "last");
            told(&mut channels)
        },
    },
    Known {
        id: "dcep/ack-without-channel",
        row: None,
        source: "no report known",
        cause: "an ACK looks up a channel that is not there",
        input: Input::Events("an ACK on a stream that nobody opened"),
        right: "nothing; nothing",
        others: Others::Run("dcep/ack-without-channel"),
        budget: MACHINE,
        play: |code, _| {
            let mut channels = table();
            channels.received(StreamId(5), code.pick(Ppid::DCEP, Ppid::BINARY), &[2]);
            told(&mut channels)
        },
    },
    Known {
        id: "dcep/lengths-past-end",
        row: None,
        source: "found by a live campaign; whose it is stands in its expectations alone",
        cause: "label and protocol are cut out by lengths that go past the end",
        input: Input::Bytes(&[3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 4, b'x']),
        right: "read a DATA_CHANNEL_OPEN of 13 bytes whose lengths say 65551",
        others: Others::Run("dcep/lengths-past-end"),
        play: |code, input| reads(code, plants::lengths_past_end, input),
        ..Known::USUAL
    },
    Known {
        id: "dcep/bytes-behind-protocol",
        row: None,
        source: "no report known",
        cause: "bytes behind the protocol are accepted and lost",
        input: Input::Bytes(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'x', b'y']),
        right: "read a DATA_CHANNEL_OPEN of 14 bytes whose lengths say 13",
        others: Others::Nobody("RFC 8832 does not say what becomes of them"),
        play: |code, input| reads(code, plants::trailing, input),
        ..Known::USUAL
    },
    Known {
        id: "dcep/aiortc-label-not-utf8",
        row: None,
        source: "aiortc",
        cause: "a label that is not UTF-8 is read as another, or is an exception",
        input: Input::Bytes(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xfe]),
        right: "read a data channel label that is not UTF-8",
        others: Others::Run("dcep/label-not-utf8"),
        play: |code, input| reads(code, plants::lossy, input),
        ..Known::USUAL
    },
    Known {
        id: "dcep/werift-length-in-characters",
        row: None,
        source: "werift, aiortc",
        cause: "the length of a label is counted in characters",
        input: Input::Events("an OPEN with label `ñ€😀` is written"),
        right: "type 00, label of 9 bytes, 21 in all",
        others: Others::Run("dcep/names-in-bytes"),
        play: |code, _| written(code, plants::in_characters, Open::new("ñ€😀", "")),
        ..Known::USUAL
    },
    Known {
        id: "dcep/werift-ordered-flag",
        row: None,
        source: "werift",
        cause: "unordered channels are announced as ordered",
        input: Input::Events("an OPEN of an unordered channel is written"),
        right: "type 80, label of 1 bytes, 13 in all",
        others: Others::Run("dc/unordered"),
        play: |code, _| {
            written(code, plants::always_ordered, Open::new("u", "").map(Open::unordered))
        },
        ..Known::USUAL
    },
];

/// A client's table of channels, connected.
fn table() -> Channels {
    let mut channels = Channels::new();
    channels.connected(Role::Client, 65_535, 65_536);
    channels
}

/// An OPEN of the peer.
fn open(channels: &mut Channels, stream: u16, label: &str) {
    if let Ok(open) = Open::new(label, "") {
        channels.received(StreamId(stream), Ppid::DCEP, &Message::Open(open).to_bytes());
    }
}

/// What the association shall do, and what is told: refusals are counted.
fn told(channels: &mut Channels) -> String {
    let outputs = std::iter::from_fn(|| channels.poll_output()).map(|output| match output {
        Output::Send(message) => format!("send on {}", message.stream),
        Output::Reset(stream) => format!("reset {stream}"),
    });
    let outputs: Vec<String> = outputs.collect();
    let mut refused = 0;
    let mut events = Vec::new();
    for event in std::iter::from_fn(|| channels.poll_event()) {
        match event {
            Event::Refused { .. } => refused += 1,
            other => events.push(format!("{other:?}")),
        }
    }
    if refused > 0 {
        events.push(format!("{refused} Refused"));
    }
    format!("{}; {}", listed(&outputs), listed(&events))
}

fn listed(words: &[String]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
