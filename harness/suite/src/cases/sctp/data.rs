//! DATA in unusual company, and DATA that comes again.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Body, Chunk, ChunkType, Data, Heartbeat, PacketView, Tsn};

use super::edited;
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const HEARTBEAT_WITH_DATA: Case = Case {
    id: "sctp/heartbeat-with-data",
    title: "A HEARTBEAT and DATA in one packet: both count, the answer brings the same bytes back",
    about: "The first probe message shares its packet with a HEARTBEAT. Parsers that take a chunk \
            for the whole packet lose one of the two (webrtc-rs/sctp#6, rtc#89).",
    tests: &["RFC 9260 §8.3", "RFC 9260 §6.10"],
    layer: Layer::Sctp,
    make: || Box::new(Together { armed: false }),
    ..Case::USUAL
};

/// Odd in length, so that padding matters.
const INFO: &[u8] = b"17 opaque bytes!!";

struct Together {
    armed: bool,
}

impl Tamper for Together {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let has_data = PacketView::new(packet)
            .is_ok_and(|view| view.chunks().any(|chunk| chunk.chunk_type() == ChunkType::DATA));
        if !self.armed || !has_data {
            return Action::Pass;
        }
        self.armed = false;
        let both = edited(packet, |packet| {
            packet.chunks.insert(0, Chunk::Heartbeat(Heartbeat { info: INFO.to_vec() }));
        });
        both.map_or(Action::Pass, Action::replace)
    }
}

const BRING_BACK: Duty = Duty {
    text: "RFC 9260 §8.3: a HEARTBEAT is answered by a HEARTBEAT ACK with the information it \
           carried, unchanged",
    expected: "a HEARTBEAT ACK with the same 17 bytes",
};

impl Hostile for Together {
    fn strike(&mut self, _: Duration, _: &Log) -> Vec<Injection> {
        self.armed = true;
        Vec::new()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let acks = seen.bodies(Way::Received).filter_map(|(_, body)| match body {
            Body::HeartbeatAck(ack) => Some(ack.info().unwrap_or_default().to_vec()),
            _ => None,
        });
        let acks: Vec<_> = acks.collect();
        vec![BRING_BACK.met(acks == [INFO], format!("{} HEARTBEAT ACKs: {acks:?}", acks.len()))]
    }
}

pub(in crate::cases) const DUPLICATE_DATA: Case = Case {
    id: "sctp/duplicate-data",
    title: "DATA that was received comes again: delivered once, and reported",
    about: "Each probe message is sent twice with the same TSN, as after a lost SACK. Delivering \
            it twice is the fault; the list of duplicates in the SACK is what a sender learns its \
            spurious retransmissions from.",
    tests: &["RFC 9260 §6.2", "RFC 9260 §3.3.4"],
    layer: Layer::Sctp,
    asks_the_peer: true,
    make: || Box::new(Twice { armed: false, doubled: Vec::new() }),
    ..Case::USUAL
};

struct Twice {
    armed: bool,
    doubled: Vec<Tsn>,
}

impl Tamper for Twice {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let Ok(view) = PacketView::new(packet) else { return Action::Pass };
        let tsns = view.chunks().filter_map(|chunk| match chunk.body() {
            Ok(Body::Data(data)) => Some(data.tsn),
            _ => None,
        });
        let tsns: Vec<Tsn> = tsns.collect();
        if !self.armed || tsns.is_empty() {
            return Action::Pass;
        }
        self.doubled.extend(tsns);
        Action::Duplicate
    }
}

const ONCE: Duty = Duty {
    text: "RFC 9260 §6.2: DATA with a TSN that was received before is not delivered again",
    expected: "the three probe messages, once each",
};

const REPORT: Duty = Duty {
    text: "RFC 9260 §6.2: duplicates are listed in the next SACK, which is sent at once",
    expected: "a SACK that lists a TSN that was sent twice",
};

impl Hostile for Twice {
    fn strike(&mut self, _: Duration, _: &Log) -> Vec<Injection> {
        self.armed = true;
        Vec::new()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let listed = seen.bodies(Way::Received).any(|(_, body)| match body {
            Body::Sack(sack) => sack.duplicates().any(|tsn| self.doubled.contains(&tsn)),
            _ => false,
        });
        let got = seen.channel("main").map_or(0, |main| main.received.len());
        vec![
            ONCE.met(got == 3, format!("{got} messages")),
            if listed {
                REPORT.pass("duplicates are listed")
            } else {
                REPORT.nonstrict("no SACK lists a duplicate")
            },
        ]
    }
}

/// The DATA chunks of a packet.
pub(super) fn data(packet: &[u8]) -> Vec<Data> {
    let Ok(view) = PacketView::new(packet) else { return Vec::new() };
    view.chunks()
        .filter_map(|chunk| match Chunk::from_view(&chunk) {
            Ok(Chunk::Data(data)) => Some(data),
            _ => None,
        })
        .collect()
}
