//! Bugs of others' associations, at the edge of one of ours.

use std::time::Duration;

use rtcspec_peer::sctp::{Association, Event};
use rtcspec_wire::sctp::{Cause, Chunk, ChunkType, Packet, PacketView, Tsn};

use super::fault::Edge;
use super::pair::body;
use crate::target::Plant;

pub(super) const ALL: &[Plant] = &[
    plant!(
        "pair-forward-tsn-aborts",
        "pion/sctp #104: FORWARD-TSN under loss is answered by ABORT",
        ForwardTsnAborts
    ),
    plant!("pair-tsn-wrap", "sctp-proto #44: gap blocks wrong where TSNs wrap", TsnWrap),
    plant!(
        "pair-delivers-twice",
        "a message delivered again with each copy of its packet",
        DeliversTwice
    ),
    plant!("pair-order-lost", "werift: ordered delivered as it comes", OrderLost),
    plant!("pair-never-again", "a lost packet is never sent again", NeverAgain),
    plant!("pair-acknowledges-unsent", "a SACK one TSN ahead", AcknowledgesUnsent),
    plant!(
        "pair-half-a-message",
        "usrsctp 4687803d in kind: a message delivered without its last fragment",
        HalfMessage
    ),
    plant!(
        "pair-forward-tsn-ignored",
        "FORWARD-TSN is not followed, though announced",
        ForwardTsnIgnored
    ),
    plant!("pair-reset-forgets", "a stream reset loses what waits on it", ResetForgets),
];

fn has(packet: &[u8], kind: ChunkType) -> bool {
    PacketView::new(packet).is_ok_and(|view| view.chunks().any(|chunk| chunk.chunk_type() == kind))
}

#[derive(Default)]
struct ForwardTsnAborts;

impl Edge for ForwardTsnAborts {
    fn incoming(&mut self, association: &mut Association, now: Duration, packet: &[u8]) {
        if has(packet, ChunkType::FORWARD_TSN) {
            association.abort(now, Cause::UserInitiatedAbort(Vec::new()));
        }
    }
}

#[derive(Default)]
struct TsnWrap;

impl Edge for TsnWrap {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &mut packet.chunks {
            if let Chunk::Sack(sack) = chunk
                && sack.cumulative_tsn_ack.0 > u32::MAX - 8
                && let Some(block) = sack.gap_blocks.last()
            {
                // All up to the end of the last block, as if nothing lacked.
                sack.cumulative_tsn_ack = sack.cumulative_tsn_ack.plus(u32::from(block.end));
                sack.gap_blocks.clear();
            }
        }
        true
    }
}

#[derive(Default)]
struct DeliversTwice {
    seen: Vec<Vec<u8>>,
    again: bool,
    last: Option<Event>,
}

impl Edge for DeliversTwice {
    fn incoming(&mut self, _: &mut Association, _: Duration, packet: &[u8]) {
        self.again = self.seen.iter().any(|seen| seen == packet) && has(packet, ChunkType::DATA);
        self.seen.push(packet.to_vec());
    }

    fn telling(&mut self, events: &mut Vec<Event>) {
        if std::mem::take(&mut self.again) {
            events.extend(self.last.clone());
        }
        let message = events.iter().rev().find(|event| matches!(event, Event::Message(_)));
        self.last = message.cloned().or(self.last.take());
    }
}

#[derive(Default)]
struct OrderLost;

impl Edge for OrderLost {
    fn telling(&mut self, events: &mut Vec<Event>) {
        // Of three that come together the first comes last.
        if events.iter().filter(|event| matches!(event, Event::Message(_))).count() > 2 {
            events.rotate_left(1);
        }
    }
}

#[derive(Default)]
struct NeverAgain {
    highest: Option<Tsn>,
}

impl Edge for NeverAgain {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        let highest = self.highest;
        packet.chunks.retain(|chunk| match chunk {
            Chunk::Data(data) => highest.is_none_or(|highest| data.tsn.is_after(highest)),
            _ => true,
        });
        for chunk in &packet.chunks {
            if let Chunk::Data(data) = chunk {
                self.highest = Some(data.tsn);
            }
        }
        !packet.chunks.is_empty()
    }
}

#[derive(Default)]
struct AcknowledgesUnsent;

impl Edge for AcknowledgesUnsent {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &mut packet.chunks {
            if let Chunk::Sack(sack) = chunk {
                sack.cumulative_tsn_ack = sack.cumulative_tsn_ack.next();
            }
        }
        true
    }
}

#[derive(Default)]
struct HalfMessage;

impl Edge for HalfMessage {
    fn telling(&mut self, events: &mut Vec<Event>) {
        for event in events {
            if let Event::Message(message) = event {
                message.data.truncate(5 * 1160);
            }
        }
    }
}

#[derive(Default)]
struct ForwardTsnIgnored {
    last: Option<Tsn>,
    stuck: bool,
}

impl Edge for ForwardTsnIgnored {
    fn incoming(&mut self, _: &mut Association, _: Duration, packet: &[u8]) {
        self.stuck |= has(packet, ChunkType::FORWARD_TSN);
    }

    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &mut packet.chunks {
            if let Chunk::Sack(sack) = chunk {
                match self.last {
                    Some(last) if self.stuck => sack.cumulative_tsn_ack = last,
                    _ => self.last = Some(sack.cumulative_tsn_ack),
                }
            }
        }
        true
    }
}

#[derive(Default)]
struct ResetForgets {
    reset: bool,
}

impl Edge for ResetForgets {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        self.reset |= packet.chunks.iter().any(|chunk| matches!(chunk, Chunk::ReConfig(_)));
        true
    }

    fn telling(&mut self, events: &mut Vec<Event>) {
        if self.reset {
            events.retain(|event| !matches!(event, Event::Message(_)));
        }
    }
}
