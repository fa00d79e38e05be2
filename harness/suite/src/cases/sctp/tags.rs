//! Verification tags that do not fit.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{
    Abort, Cause, Chunk, ChunkType, Init, Packet, PacketView, VerificationTag,
};

use super::edited;
use crate::cases::log::{Log, Way, inject_packet};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const INIT_TAG: Case = Case {
    id: "sctp/init-tag",
    title: "An INIT whose verification tag is not 0: not answered with INIT ACK",
    about: "Before its first packet of the association the hostile side sends an INIT with tag 1. \
            Without an association ABORT is allowed, INIT ACK is not. A proper INIT follows. \
            webrtc-rs#405 and pion/sctp#341 sent such INITs, and took them from each other.",
    tests: &["RFC 9260 §8.5.1", "RFC 9260 §8.5"],
    layer: Layer::Sctp,
    make: || Box::new(TaggedInit { done: false }),
    ..Case::USUAL
};

/// What the INIT asks its answers to be tagged with.
const MARK: VerificationTag = VerificationTag(0xbad1_bad1);

struct TaggedInit {
    done: bool,
}

/// The INIT, from an INIT or INIT ACK of this side.
fn tagged(packet: &[u8]) -> Option<Vec<u8>> {
    edited(packet, |packet| {
        packet.verification_tag = VerificationTag(1);
        for chunk in &mut packet.chunks {
            if let Chunk::Init(init) | Chunk::InitAck(init) = chunk {
                let parameters = Vec::new();
                *chunk = Chunk::Init(Init { initiate_tag: MARK, parameters, ..init.clone() });
            }
        }
    })
}

impl Tamper for TaggedInit {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        if std::mem::replace(&mut self.done, true) {
            return Action::Pass;
        }
        let first = PacketView::new(packet).ok().and_then(|view| view.chunks().next());
        let Some(bad) = tagged(packet) else { return Action::Pass };
        match first.map(|chunk| chunk.chunk_type()) {
            // T1 sends the proper one a little later.
            Some(ChunkType::INIT) => Action::replace(bad),
            _ => Action::Replace(vec![bad, packet.to_vec()]),
        }
    }
}

const TAG: Duty = Duty {
    text: "RFC 9260 §8.5: a packet with a tag that is not the receiver's is discarded; only INIT \
           comes with tag 0 (§8.5.1), so one with another tag is no INIT to answer",
    expected: "no INIT ACK",
};

impl Hostile for TaggedInit {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let mut answers = seen.packets(Way::Received).filter(|(_, p)| p.verification_tag() == MARK);
        vec![match answers.next().and_then(|(_, packet)| packet.chunks().next()) {
            None => TAG.pass("no answer to it"),
            Some(chunk) => TAG.met(
                chunk.chunk_type() == ChunkType::ABORT,
                format!("{:?} tagged as it asked", chunk.chunk_type()),
            ),
        }]
    }
}

pub(in crate::cases) const ABORT_WRONG_TAG: Case = Case {
    id: "sctp/abort-wrong-tag",
    title: "An ABORT with a verification tag that is neither side's: ignored",
    about: "Once without and once with the T bit. Without this check anyone who can inject a \
            packet ends the association.",
    tests: &["RFC 9260 §8.5.1"],
    layer: Layer::Sctp,
    make: || Box::new(WrongAbort),
    ..Case::USUAL
};

struct WrongAbort;

impl Tamper for WrongAbort {}

impl Hostile for WrongAbort {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let abort = |reflected_tag| {
            let causes = vec![Cause::UserInitiatedAbort(b"wrong tag".to_vec())];
            let packet = log.packet(vec![Chunk::Abort(Abort { reflected_tag, causes })])?;
            // Bit 31 flipped is nobody's: one tag of 2^32 is the peer's, one this side's.
            let verification_tag = VerificationTag(packet.verification_tag.0 ^ 0x8000_0001);
            Some(inject_packet(&Packet { verification_tag, ..packet }))
        };
        [false, true].into_iter().filter_map(abort).collect()
    }
}
