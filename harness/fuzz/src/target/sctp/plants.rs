//! Bugs of others' SCTP parsers, built into copies of ours.

use rtcspec_wire::sctp::{
    Body, Chunk, ChunkType, Error, Fault, HEADER_LENGTH, Packet, PacketView, ParameterType,
};

use super::parse::{Subject, body, read};
use crate::target::Plant;

macro_rules! reader {
    ($name:literal, $source:literal, $read:expr) => {
        Plant {
            name: $name,
            source: $source,
            body: |case| body(case, &Subject { read: $read, ..Subject::OURS }),
        }
    };
}

pub(super) const PARSE: &[Plant] = &[
    reader!(
        "sctp-cause-past-chunk",
        "rtc-sctp 0.21.1: a cause longer than its chunk",
        cause_past_chunk
    ),
    reader!(
        "sctp-chunk-length-0",
        "SIPSorcery PR 1758, dpkt #583: length 0 moves nowhere",
        length_zero
    ),
    reader!(
        "sctp-last-parameter",
        "usrsctp CVE-2019-20503: a last parameter cut short",
        last_parameter
    ),
    reader!("sctp-cookie-length-0", "usrsctp a5ce87dd: a state cookie of no bytes", empty_cookie),
    reader!("sctp-hmac-list", "usrsctp e1dd9bea: an HMAC list of odd length", hmac_list),
    reader!("sctp-sack-counts", "pion webrtc #45: a SACK whose counts exceed it", sack_counts),
    reader!(
        "sctp-forward-tsn-bundled",
        "rtc PR 89: FORWARD-TSN followed by DATA",
        forward_tsn_alone
    ),
    reader!(
        "sctp-unknown-chunk",
        "rtc-sctp, sctp-proto: an unknown chunk refuses the packet",
        unknown_refused
    ),
    reader!(
        "sctp-embedded-init",
        "Linux CVE-2026-53224: an INIT in COOKIE ECHO, longer than it",
        embedded_init
    ),
    reader!(
        "sctp-pktdrop-length",
        "usrsctp 25f4212f: PKTDROP says how long what it holds is",
        packet_drop
    ),
    Plant {
        name: "sctp-flags-lost",
        source: "usrsctp #357: flags of a chunk are not written",
        body: |case| body(case, &Subject { write: flags_lost, ..Subject::OURS }),
    },
];

fn chunks(bytes: &[u8]) -> impl Iterator<Item = (ChunkType, &[u8])> {
    let view = PacketView::new(bytes).ok();
    let chunks = view.into_iter().flat_map(|view| view.chunks());
    chunks
        .filter(|chunk| chunk.fault().is_none_or(|fault| !fault.is_fatal()))
        .map(|chunk| (chunk.chunk_type(), chunk.value()))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let found = bytes.get(at..)?.first_chunk::<2>()?;
    Some(usize::from(u16::from_be_bytes(*found)))
}

pub(crate) fn cause_past_chunk(bytes: &[u8]) -> Result<Packet, Error> {
    for (kind, value) in chunks(bytes) {
        if matches!(kind, ChunkType::ABORT | ChunkType::ERROR)
            && let Some(length) = word(value, 2)
            && length >= 4
        {
            let _ = &value[4..length];
        }
    }
    read(bytes)
}

pub(crate) fn length_zero(bytes: &[u8]) -> Result<Packet, Error> {
    let mut at = HEADER_LENGTH;
    let mut steps = 0;
    while let Some(length) = word(bytes, at + 2) {
        at += length.next_multiple_of(4);
        steps += 1;
        assert!(steps < 100_000, "an endless loop");
    }
    read(bytes)
}

pub(crate) fn last_parameter(bytes: &[u8]) -> Result<Packet, Error> {
    for (kind, value) in chunks(bytes) {
        let mut rest = value.get(16..).unwrap_or_default();
        while let (ChunkType::INIT, Some(length)) = (kind, word(rest, 2)) {
            if length < 4 {
                break;
            }
            // What is there of it is enough for the check, not for the use.
            let _ = &rest[..length];
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
    read(bytes)
}

pub(crate) fn empty_cookie(bytes: &[u8]) -> Result<Packet, Error> {
    if let Ok(view) = PacketView::new(bytes) {
        for chunk in view.chunks() {
            if let Ok(Body::InitAck(init)) = chunk.body() {
                let cookie = init.parameter(ParameterType::STATE_COOKIE);
                assert!(cookie.is_none_or(|cookie| !cookie.is_empty()), "a cookie of no bytes");
            }
        }
    }
    read(bytes)
}

pub(crate) fn hmac_list(bytes: &[u8]) -> Result<Packet, Error> {
    let view = PacketView::new(bytes)?;
    for chunk in view.chunks() {
        if let Ok(Body::Init(init) | Body::InitAck(init)) = chunk.body()
            && let Some(list) = init.parameter(ParameterType(0x8004))
        {
            let _: Vec<u16> = (0..list.len())
                .step_by(2)
                .map(|at| u16::from_be_bytes([list[at], list[at + 1]]))
                .collect();
        }
    }
    read(bytes)
}

pub(crate) fn sack_counts(bytes: &[u8]) -> Result<Packet, Error> {
    for (kind, value) in chunks(bytes) {
        if kind == ChunkType::SACK
            && let (Some(blocks), Some(duplicates)) = (word(value, 8), word(value, 10))
        {
            let _ = &value[12..12 + 4 * (blocks + duplicates)];
        }
    }
    read(bytes)
}

pub(crate) fn forward_tsn_alone(bytes: &[u8]) -> Result<Packet, Error> {
    let packet = read(bytes)?;
    let alone = packet.chunks.len() < 2
        || packet.chunks.iter().all(|chunk| !matches!(chunk, Chunk::ForwardTsn(_)));
    if alone { Ok(packet) } else { Err(Error::Chunk(Fault::LengthTooSmall { length: 0 })) }
}

pub(crate) fn unknown_refused(bytes: &[u8]) -> Result<Packet, Error> {
    let packet = read(bytes)?;
    let known = packet.chunks.iter().all(|chunk| !matches!(chunk, Chunk::Unknown(_)));
    if known { Ok(packet) } else { Err(Error::Chunk(Fault::LengthTooSmall { length: 0 })) }
}

pub(crate) fn embedded_init(bytes: &[u8]) -> Result<Packet, Error> {
    for (kind, value) in chunks(bytes) {
        if kind == ChunkType::COOKIE_ECHO && value.first() == Some(&1) {
            let length = word(value, 2).unwrap_or_default();
            let _ = &value[..length];
        }
    }
    read(bytes)
}

pub(crate) fn packet_drop(bytes: &[u8]) -> Result<Packet, Error> {
    for (kind, value) in chunks(bytes) {
        if kind == ChunkType(0x81)
            && let Some(inner) = value.get(12..)
            && let Some(length) = word(value, 8)
        {
            let _ = &inner[..length];
        }
    }
    read(bytes)
}

pub(crate) fn flags_lost(packet: &Packet) -> Result<Vec<u8>, rtcspec_wire::sctp::EncodeError> {
    let mut out = (Subject::OURS.write)(packet)?;
    let flags: Vec<usize> = {
        let view = PacketView::new(&out).expect("it has a header");
        let mut at = HEADER_LENGTH;
        view.chunks().map(|chunk| (at + 1, at += chunk.bytes().len()).0).collect()
    };
    flags.into_iter().for_each(|at| out[at] = 0);
    Ok(out)
}
