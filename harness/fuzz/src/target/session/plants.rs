//! Bugs of others, planted into the peer under fire by tamper hooks of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use rtcspec_adapter_reference::{Reference, ReferenceEndpoint};
use rtcspec_control::{Hello, Implementation, SpawnContext, SpawnError, VirtualEndpoint};
use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Stun, Tamper};
use rtcspec_wire::sctp::{ChunkType, Chunks};
use rtcspec_wire::stun::{Class, View};

use super::Fire;
use crate::case::Case;
use crate::finding::Verdict;
use crate::target::Plant;

pub(super) const ALL: &[Plant] = &[
    Plant {
        name: "session-cause-beyond-chunk",
        source: "rtc-sctp 0.21.1: the length of an error cause is believed",
        body: body::<CauseBeyondChunk>,
    },
    Plant {
        name: "session-zero-length-parameter",
        source: "SIPSorcery PR 1758 in kind: a parameter of no length, and a loop that goes nowhere",
        body: body::<ZeroLengthParameter>,
    },
    Plant {
        name: "session-stun-not-in-fours",
        source: "str0m #709 in kind: a length in a STUN header is believed",
        body: body::<NotInFours>,
    },
    Plant {
        name: "session-answers-everybody",
        source: "RFC 8445 §19.5.1: fifty answers to every check",
        body: body::<AnswersEverybody>,
    },
    Plant {
        name: "session-flight-not-repeated",
        source: "a peer that sends its COOKIE ECHO once",
        body: body::<CookieOnce>,
    },
    Plant {
        name: "session-doubled-packet",
        source: "a packet that comes twice stops what follows it",
        body: body::<DeafAfterDouble>,
    },
    Plant {
        name: "session-open-twice",
        source: "str0m #883 in kind: a channel opened on a stream that has one",
        body: body::<OpenTwice>,
    },
];

fn body<T: Tamper + Default + 'static>(case: &mut Case<'_>) -> Verdict {
    Fire::on(Arc::new(Planted::<T>(PhantomData)), Arc::new(|_| false)).body(case)
}

/// The reference peer with a bug.
struct Planted<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Planted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planted")
    }
}

impl<T: Tamper + Default + 'static> Implementation for Planted<T> {
    fn hello(&self) -> Hello {
        Reference.hello()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        Ok(Box::new(ReferenceEndpoint::new(context).with_tamper(T::default())))
    }
}

/// Chunks behind the common header.
fn chunks(packet: &[u8]) -> Chunks<'_> {
    Chunks::new(packet.get(12..).unwrap_or_default())
}

/// Length fields of parameters or causes, and what is left where they stand.
fn lengths(mut items: &[u8]) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    while let Some(head) = items.first_chunk::<4>() {
        let told = usize::from(u16::from_be_bytes([head[2], head[3]]));
        all.push((told, items.len()));
        let step = told.max(4).next_multiple_of(4).min(items.len());
        items = &items[step..];
    }
    all
}

#[derive(Debug, Default)]
struct CauseBeyondChunk;

impl Tamper for CauseBeyondChunk {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        for chunk in chunks(packet) {
            if matches!(chunk.chunk_type(), ChunkType::ERROR | ChunkType::ABORT) {
                for (told, there) in lengths(chunk.value()) {
                    assert!(told <= there, "range end {told} out of {there}");
                }
            }
        }
        Action::Pass
    }
}

#[derive(Debug, Default)]
struct ZeroLengthParameter;

impl Tamper for ZeroLengthParameter {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        for chunk in chunks(packet).filter(|chunk| chunk.chunk_type() == ChunkType::HEARTBEAT) {
            // The loop itself would never end: here it is only noticed.
            assert!(lengths(chunk.value()).iter().all(|(told, _)| *told > 0), "it goes nowhere");
        }
        Action::Pass
    }
}

#[derive(Debug, Default)]
struct NotInFours;

impl Tamper for NotInFours {
    fn received_stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        let told = message.bytes.get(2..4).map_or(0, |told| u16::from_be_bytes([told[0], told[1]]));
        assert!(told.is_multiple_of(4), "length {told}");
        Action::Pass
    }
}

#[derive(Debug, Default)]
struct AnswersEverybody(Vec<Injection>);

impl Tamper for AnswersEverybody {
    fn received_stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        let class = View::new(message.bytes).message_type().map(|kind| kind.class);
        if class == Some(Class::Request) {
            let answer = Injection::Datagram {
                local: message.local,
                remote: message.remote,
                data: message.bytes.to_vec(),
            };
            self.0.extend(std::iter::repeat_n(answer, 50));
        }
        Action::Pass
    }

    fn inject(&mut self, _: Duration) -> Vec<Injection> {
        std::mem::take(&mut self.0)
    }
}

#[derive(Debug, Default)]
struct CookieOnce(bool);

impl Tamper for CookieOnce {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let echoes = chunks(packet).any(|chunk| chunk.chunk_type() == ChunkType::COOKIE_ECHO);
        if echoes && std::mem::replace(&mut self.0, true) { Action::Drop } else { Action::Pass }
    }
}

/// Packets seen, and whether one came twice.
#[derive(Debug, Default)]
struct DeafAfterDouble {
    seen: BTreeSet<Vec<u8>>,
    deaf: bool,
}

impl Tamper for DeafAfterDouble {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        self.deaf |= !self.seen.insert(packet.to_vec());
        if self.deaf { Action::Drop } else { Action::Pass }
    }
}

#[derive(Debug, Default)]
struct OpenTwice(BTreeSet<u16>);

impl Tamper for OpenTwice {
    fn received_message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let opens = message.ppid == 50 && message.data.first() == Some(&rtcspec_wire::dcep::OPEN);
        assert!(!opens || self.0.insert(message.stream), "stream {} is there", message.stream);
        Action::Pass
    }
}
