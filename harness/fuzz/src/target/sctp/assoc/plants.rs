//! Bugs of others' associations, at the edge of one of ours that meets forged packets.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rtcspec_peer::sctp::{Association, Event, State};
use rtcspec_wire::sctp::{
    Abort, Body, Cause, Checksum, Chunk, ChunkType, Heartbeat, Packet, PacketView, Parameter,
    VerificationTag, set_checksum,
};

use super::super::fault::Edge;
use super::body;
use crate::target::Plant;

pub(super) const ALL: &[Plant] = &[
    plant!(
        "assoc-error-past-chunk",
        "rtc-sctp 0.21.1: a cause longer than its chunk, behind the right tag",
        ErrorPastChunk
    ),
    plant!(
        "assoc-tag-not-checked",
        "RFC 9260 §8.5: a packet is taken whatever its tag is",
        TagNotChecked
    ),
    plant!(
        "assoc-init-resets",
        "RFC 9260 §5.2.2: an INIT ends the association that there is",
        InitResets
    ),
    plant!(
        "assoc-cookie-unsigned",
        "usrsctp f4925bd5 in kind: a cookie that the peer has changed is taken",
        CookieUnsigned
    ),
    plant!(
        "assoc-cookie-leaks",
        "usrsctp ed764fee, CVE-2020-6514: an address of memory goes out with the cookie",
        CookieLeaks
    ),
    plant!(
        "assoc-closed-answers-abort",
        "RFC 9260 §8.4: an ABORT out of the blue is answered by one",
        ClosedAnswersAbort
    ),
    plant!(
        "assoc-heartbeat-amplifies",
        "a HEARTBEAT is answered as often as it has words",
        HeartbeatAmplifies
    ),
    plant!(
        "assoc-pieces-unbounded",
        "pion CVE-2022-29189 in kind: pieces of messages kept whatever the window is",
        PiecesUnbounded
    ),
    plant!(
        "assoc-timer-stays-due",
        "str0m #1017 in kind: a timeout that cannot be handled stays due",
        TimerStaysDue
    ),
    plant!(
        "assoc-resends-other-data",
        "a fragment that is sent again is cut elsewhere than before",
        ResendsOtherData
    ),
    plant!(
        "assoc-acknowledges-skipped",
        "sctp-proto #44 in kind: what a gap block ends with is acknowledged with all before it",
        AcknowledgesGap
    ),
    plant!(
        "assoc-duplicate-delivered",
        "a chunk that comes with another packet is delivered again",
        DuplicateDelivered
    ),
];

/// Reads a packet's chunks, if it is one.
fn any(packet: &[u8], mut test: impl FnMut(&Body<'_>) -> bool) -> bool {
    PacketView::new(packet)
        .is_ok_and(|view| view.chunks().any(|chunk| chunk.body().is_ok_and(|body| test(&body))))
}

fn first(packet: &[u8]) -> Option<ChunkType> {
    Some(PacketView::new(packet).ok()?.chunks().next()?.chunk_type())
}

/// The packet under another tag.
fn under(packet: &[u8], tag: VerificationTag) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[4..8].copy_from_slice(&tag.0.to_be_bytes());
    set_checksum(&mut packet, Checksum::Crc32c);
    packet
}

#[derive(Default)]
struct ErrorPastChunk;

impl Edge for ErrorPastChunk {
    fn incoming(&mut self, association: &mut Association, _: Duration, packet: &[u8]) {
        let Ok(view) = PacketView::new(packet) else { return };
        let right = view.verification_tag() == association.tags().0
            && view.checksum_state().is_correct()
            && association.is_established();
        for chunk in view.chunks().filter(|_| right) {
            let kind = chunk.chunk_type();
            if let (ChunkType::ERROR | ChunkType::ABORT, [_, _, high, low, ..]) =
                (kind, chunk.value())
            {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                assert!(chunk.value()[4..length].len() < length);
            }
        }
    }
}

#[derive(Default)]
struct TagNotChecked;

impl Edge for TagNotChecked {
    fn incoming(&mut self, association: &mut Association, now: Duration, packet: &[u8]) {
        let known = PacketView::new(packet).is_ok_and(|view| view.checksum_state().is_correct());
        if known && association.is_established() && first(packet) != Some(ChunkType::INIT) {
            association.receive(now, &under(packet, association.tags().0));
        }
    }
}

#[derive(Default)]
struct InitResets;

impl Edge for InitResets {
    fn incoming(&mut self, association: &mut Association, now: Duration, packet: &[u8]) {
        if association.is_established() && first(packet) == Some(ChunkType::INIT) {
            association.abort(now, Cause::UserInitiatedAbort(Vec::new()));
        }
    }
}

#[derive(Default)]
struct CookieUnsigned {
    own: Option<Vec<u8>>,
}

impl Edge for CookieUnsigned {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        if let [Chunk::InitAck(ack)] = &packet.chunks[..] {
            for parameter in &ack.parameters {
                if let Parameter::StateCookie(cookie) = parameter {
                    self.own = Some(cookie.clone());
                }
            }
        }
        true
    }

    fn incoming(&mut self, association: &mut Association, now: Duration, packet: &[u8]) {
        let Some(own) = &self.own else { return };
        let alike = any(packet, |body| {
            matches!(body, Body::CookieEcho(echo)
                if echo.cookie.len() == own.len() && echo.cookie[..8] == own[..8])
        });
        if alike && association.state() == State::Closed {
            let mut right = packet.to_vec();
            right[16..16 + own.len()].copy_from_slice(own);
            set_checksum(&mut right, Checksum::Crc32c);
            association.receive(now, &right);
        }
    }
}

#[derive(Default)]
struct CookieLeaks;

impl Edge for CookieLeaks {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        // What the allocator gives differs from one association to the next.
        static ADDRESS: AtomicU32 = AtomicU32::new(0x7f00);
        if let [Chunk::InitAck(ack)] = &mut packet.chunks[..] {
            let address = ADDRESS.fetch_add(64, Ordering::Relaxed).to_be_bytes();
            ack.parameters
                .push(Parameter::UnrecognizedParameter([&[0x80, 1, 0, 8][..], &address].concat()));
        }
        true
    }
}

#[derive(Default)]
struct ClosedAnswersAbort {
    answers: Vec<Packet>,
}

impl Edge for ClosedAnswersAbort {
    fn incoming(&mut self, association: &mut Association, _: Duration, packet: &[u8]) {
        let aborts = first(packet) == Some(ChunkType::ABORT);
        if aborts && association.state() == State::Closed {
            let tag = PacketView::new(packet).map(|view| view.verification_tag());
            self.answers.push(alone(
                tag.unwrap_or(VerificationTag::ZERO),
                Chunk::Abort(Abort { reflected_tag: true, causes: Vec::new() }),
            ));
        }
    }

    fn adding(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.answers)
    }
}

fn alone(verification_tag: VerificationTag, chunk: Chunk) -> Packet {
    Packet { source_port: 5000, destination_port: 5000, verification_tag, chunks: vec![chunk] }
}

#[derive(Default)]
struct HeartbeatAmplifies {
    answers: Vec<Packet>,
}

impl Edge for HeartbeatAmplifies {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &packet.chunks {
            if let Chunk::HeartbeatAck(Heartbeat { info }) = chunk {
                let again = alone(packet.verification_tag, chunk.clone());
                self.answers.extend(vec![again; info.len() / 4]);
            }
        }
        true
    }

    fn adding(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.answers)
    }
}

#[derive(Default)]
struct PiecesUnbounded {
    pieces: usize,
}

impl Edge for PiecesUnbounded {
    fn incoming(&mut self, association: &mut Association, _: Duration, packet: &[u8]) {
        let tag = PacketView::new(packet).map(|view| view.verification_tag());
        if tag != Ok(association.tags().0) || !association.is_established() {
            return;
        }
        any(packet, |body| {
            if let Body::Data(data) = body
                && !(data.flags.beginning && data.flags.ending)
            {
                // It stays until somebody asks for it.
                self.pieces += data.payload.len();
            }
            false
        });
    }

    fn held(&self, association: &Association) -> usize {
        association.held() + self.pieces
    }
}

#[derive(Default)]
struct TimerStaysDue {
    stuck: bool,
}

impl Edge for TimerStaysDue {
    fn telling(&mut self, events: &mut Vec<Event>) {
        self.stuck |= events.iter().any(|event| matches!(event, Event::PeerError(_)));
    }

    fn wake(&self, association: &Association) -> Option<Duration> {
        if self.stuck { Some(Duration::ZERO) } else { association.wake() }
    }
}

#[derive(Default)]
struct ResendsOtherData {
    sent: Vec<u32>,
}

impl Edge for ResendsOtherData {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &mut packet.chunks {
            if let Chunk::Data(data) = chunk {
                if self.sent.contains(&data.tsn.0) && data.payload.len() > 1000 {
                    data.payload.truncate(1000);
                }
                self.sent.push(data.tsn.0);
            }
        }
        true
    }
}

#[derive(Default)]
struct AcknowledgesGap;

impl Edge for AcknowledgesGap {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &mut packet.chunks {
            if let Chunk::Sack(sack) = chunk
                && let Some(block) = sack.gap_blocks.pop()
            {
                sack.cumulative_tsn_ack = sack.cumulative_tsn_ack.plus(block.end.into());
                sack.gap_blocks.clear();
            }
        }
        true
    }
}

#[derive(Default)]
struct DuplicateDelivered {
    last: Option<Event>,
    duplicate: bool,
}

impl Edge for DuplicateDelivered {
    fn outgoing(&mut self, packet: &mut Packet) -> bool {
        for chunk in &packet.chunks {
            self.duplicate |= matches!(chunk, Chunk::Sack(sack) if !sack.duplicates.is_empty());
        }
        true
    }

    fn telling(&mut self, events: &mut Vec<Event>) {
        let message = events.iter().rev().find(|event| matches!(event, Event::Message(_)));
        self.last = message.cloned().or(self.last.take());
        if std::mem::take(&mut self.duplicate) {
            events.extend(self.last.clone());
        }
    }
}
