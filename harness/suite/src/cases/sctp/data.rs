//! DATA in unusual company, and DATA that comes again.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Body, Chunk, ChunkType, Data, ForwardTsn, Heartbeat, PacketView, Tsn};

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

const COMPANY: Case =
    Case { tests: &["RFC 9260 §6.10", "RFC 9260 §6.2"], layer: Layer::Sctp, ..Case::USUAL };

pub(in crate::cases) const SACK_WITH_DATA: Case = Case {
    id: "sctp/sack-with-data",
    title: "A SACK and DATA in one packet: the DATA is acknowledged",
    about: "The first probe message shares its packet with a SACK for nothing new. Parsers that \
            take a chunk for the whole packet see lists that lie and drop both; the message then \
            comes by a retransmission only (webrtc-rs/sctp#6).",
    make: || Box::new(Company { make: last_sack, armed: None, shared: None }),
    ..COMPANY
};

pub(in crate::cases) const FORWARD_TSN_WITH_DATA: Case = Case {
    id: "sctp/forward-tsn-with-data",
    title: "A FORWARD TSN and DATA in one packet: the DATA is acknowledged",
    about: "The first probe message shares its packet with a FORWARD TSN to where the peer is \
            already. Who knows the chunk has nothing to do, who does not skips it; rtc before its \
            PR 89 dropped both.",
    make: || Box::new(Company { make: old_forward, armed: None, shared: None }),
    ..COMPANY
};

pub(in crate::cases) const HEARTBEAT_ACK_WITH_DATA: Case = Case {
    id: "sctp/heartbeat-ack-with-data",
    title: "A HEARTBEAT ACK nobody asked for and DATA in one packet: the DATA is acknowledged",
    about: "rtc-sctp and sctp-proto have no HEARTBEAT ACK: to them it is an unknown chunk, for \
            which the whole packet is dropped.",
    make: || Box::new(Company { make: stray_ack, armed: None, shared: None }),
    ..COMPANY
};

fn last_sack(log: &Log) -> Option<Chunk> {
    let sack = log.chunks(Way::Sent).filter(|(_, chunk)| chunk.chunk_type() == ChunkType::SACK);
    Chunk::from_view(&sack.last()?.1).ok()
}

/// To the TSN that the peer has acknowledged.
fn old_forward(log: &Log) -> Option<Chunk> {
    let acknowledged = log.bodies(Way::Received).filter_map(|(_, body)| match body {
        Body::Sack(sack) => Some(sack.cumulative_tsn_ack),
        _ => None,
    });
    let new_cumulative_tsn = acknowledged.last()?;
    Some(Chunk::ForwardTsn(ForwardTsn { new_cumulative_tsn, streams: Vec::new() }))
}

fn stray_ack(_: &Log) -> Option<Chunk> {
    Some(Chunk::HeartbeatAck(Heartbeat { info: INFO.to_vec() }))
}

/// Puts a chunk before the first DATA after the strike.
struct Company {
    make: fn(&Log) -> Option<Chunk>,
    armed: Option<Chunk>,
    shared: Option<Tsn>,
}

impl Tamper for Company {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let first = data(packet).first().map(|data| data.tsn);
        let (Some(tsn), true) = (first, self.armed.is_some()) else { return Action::Pass };
        let Some(company) = self.armed.take() else { return Action::Pass };
        self.shared = Some(tsn);
        edited(packet, |packet| packet.chunks.insert(0, company))
            .map_or(Action::Pass, Action::replace)
    }
}

const NOT_AGAIN: Duty = Duty {
    text: "RFC 9260 §6.10: chunks that share a packet are processed in order, each as if it were \
           alone",
    expected: "the DATA in the shared packet is acknowledged, and need not be sent again",
};

impl Hostile for Company {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        self.armed = (self.make)(log);
        Vec::new()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(shared) = self.shared else {
            return vec![NOT_AGAIN.fail("no packet was shared")];
        };
        let sent = seen.bodies(Way::Sent).filter(|(_, body)| match body {
            Body::Data(data) => data.tsn == shared,
            _ => false,
        });
        let sent = sent.count();
        let acknowledged = seen.bodies(Way::Received).any(|(_, body)| match body {
            Body::Sack(sack) => shared.is_at_or_before(sack.cumulative_tsn_ack),
            _ => false,
        });
        let actual = format!("sent {sent} times, acknowledged: {acknowledged}");
        vec![NOT_AGAIN.met(sent == 1 && acknowledged, actual)]
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
