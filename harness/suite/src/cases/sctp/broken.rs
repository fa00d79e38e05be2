//! Chunks whose lengths and numbers lie.
//!
//! RFC 9260 does not say what becomes of most of these, so a peer may ignore them or end the
//! association with ABORT; it may not crash, hang, or go on as if they were true.

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Tamper};
use rtcspec_wire::sctp::{Body, Chunk, Sack};

use super::aborted;
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(super) const SURVIVE: Duty = Duty {
    text: "RFC 9260 §3.2, §3.3.10: lengths say where things end, and nothing is read beyond the \
           packet or the chunk; a malformed chunk is dropped, or the association aborted",
    expected: "the session goes on, or ends with ABORT",
};

/// Ignoring is best; ending is allowed.
pub(super) fn survived(seen: &Seen<'_>) -> Vec<Ruling> {
    vec![if aborted(seen) { SURVIVE.info("ABORT") } else { SURVIVE.pass("no ABORT") }]
}

const FAMILY: Case = Case { layer: Layer::Sctp, ..Case::USUAL };

/// Strikes with raw chunks in one packet.
struct Raw(&'static [u8]);

impl Tamper for Raw {}

impl Hostile for Raw {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        log.inject_raw_chunks(self.0)
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        survived(seen)
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        aborted(seen)
    }
}

pub(in crate::cases) const CAUSE_BEYOND_CHUNK: Case = Case {
    id: "sctp/cause-beyond-chunk",
    title: "An error cause that claims to be longer than its chunk: no harm",
    about: "An ERROR of 8 bytes whose cause claims 8 of its own where 4 are left. Ignoring it is \
            best, ABORT is allowed.",
    tests: &["RFC 9260 §3.3.10"],
    layer: Layer::Sctp,
    make: || Box::new(Raw(&[9, 0, 0, 8, 0, 1, 0, 8])),
    ..Case::USUAL
};

pub(in crate::cases) const ZERO_CHUNK_LENGTH: Case = Case {
    id: "sctp/zero-chunk-length",
    title: "A chunk of length 0: no endless loop",
    about: "A chunk's length counts its header, so it is at least 4; whoever steps on by a length \
            of 0 never arrives (SIPSorcery#1758 took all of the CPU). Ignoring the packet is best, \
            ABORT is allowed.",
    tests: &["RFC 9260 §3.2"],
    layer: Layer::Sctp,
    make: || Box::new(Raw(&[0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
    ..Case::USUAL
};

pub(in crate::cases) const ZERO_PARAMETER_LENGTH: Case = Case {
    id: "sctp/zero-parameter-length",
    title: "A parameter of length 0 in a HEARTBEAT: no endless loop",
    about: "A parameter's length counts its header as well. aiortc and werift step over it by 0 \
            bytes for ever, and a list grows at each turn. Ignoring the HEARTBEAT is best, ABORT \
            is allowed.",
    tests: &["RFC 9260 §3.2.1"],
    make: || Box::new(Raw(&[4, 0, 0, 20, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])),
    ..FAMILY
};

pub(in crate::cases) const PACKET_DROP_LENGTH: Case = Case {
    id: "sctp/packet-drop-length",
    title: "A PKTDROP that claims to hold a packet of 65535 bytes and holds 4: no harm",
    about: "Chunk type 0x81 of usrsctp and FreeBSD, unknown to all others, who skip it. Who knows \
            it may not believe its length (usrsctp 25f4212f, found by OSS-Fuzz).",
    tests: &["RFC 9260 §3.2"],
    make: || {
        Box::new(Raw(&[
            0x81, 0, 0, 20, 0, 0, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0x13, 0x88, 0x13, 0x88,
        ]))
    },
    ..FAMILY
};

pub(in crate::cases) const AUTH_CHUNK_SHORT: Case = Case {
    id: "sctp/auth-chunk-short",
    title: "An AUTH chunk of five bytes, which was never negotiated: no harm",
    about: "It is too short for its key and algorithm, which usrsctp read all the same (e1dd9bea, \
            CVE-2020-6831). To who does not know AUTH it is an unknown chunk of type 00, which ends \
            the packet.",
    tests: &["RFC 9260 §3.2", "RFC 4895 §4.1"],
    make: || Box::new(Raw(&[15, 0, 0, 5, 1, 0, 0, 0])),
    ..FAMILY
};

pub(in crate::cases) const SACK_COUNTS: Case = Case {
    id: "sctp/sack-counts",
    title: "A SACK that counts 255 gap blocks and a duplicate and has none: no harm",
    about: "The counts say where the lists end, and the chunk ends before (pion/webrtc#45 died). \
            Ignoring it is best, ABORT is allowed.",
    tests: &["RFC 9260 §3.3.4"],
    make: || Box::new(Raw(&[3, 0, 0, 16, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0xff, 0, 1])),
    ..FAMILY
};

pub(in crate::cases) const STRAY_INIT_ACK: Case = Case {
    id: "sctp/cookie-of-no-bytes",
    title: "An INIT ACK nobody waits for, with a state cookie of no bytes: discarded",
    about: "An INIT ACK counts in COOKIE-WAIT alone; usrsctp looked at the empty cookie \
            (a5ce87dd).",
    tests: &["RFC 9260 §5.2.3"],
    make: || {
        Box::new(Raw(&[2, 0, 0, 24, 0, 0, 0, 1, 0, 2, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1, 0, 7, 0, 4]))
    },
    ..FAMILY
};

pub(in crate::cases) const CHUNKS_WITHOUT_VALUE: Case = Case {
    id: "sctp/chunks-without-value",
    title: "Chunks of every type with fixed fields, four bytes long, each in its packet: no harm",
    about: "DATA, INIT ACK, SACK, SHUTDOWN, I-DATA and FORWARD-TSN of nothing but a chunk header. \
            Fixed fields are read only where there are any (pion/sctp#339). Ignoring them is best, \
            ABORT is allowed.",
    tests: &["RFC 9260 §3.2"],
    make: || Box::new(Headers),
    ..FAMILY
};

struct Headers;

impl Tamper for Headers {}

impl Hostile for Headers {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let kinds = [0, 2, 3, 7, 64, 192].into_iter();
        kinds.flat_map(|kind| log.inject_raw_chunks(&[kind, 3, 0, 4])).collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        survived(seen)
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        aborted(seen)
    }
}

pub(in crate::cases) const SACK_BEYOND_SENT: Case = Case {
    id: "sctp/sack-beyond-sent",
    title: "A SACK for data that was never sent: not believed",
    about: "Its cumulative TSN is 100,000 beyond anything the peer sent. Who believes it takes \
            what it sends next for acknowledged and never repeats it. Ignoring is best, ABORT is \
            allowed.",
    tests: &["RFC 9260 §6.2.1"],
    layer: Layer::Sctp,
    make: || Box::new(FarSack),
    ..Case::USUAL
};

struct FarSack;

impl Tamper for FarSack {}

const DISBELIEVE: Duty = Duty {
    text: "RFC 9260 §6.2.1: a SACK acknowledges what was sent; one for more changes nothing, or \
           ends the association",
    expected: "the session goes on, or ends with ABORT",
};

impl Hostile for FarSack {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let sacks = log.bodies(Way::Sent).filter_map(|(_, body)| match body {
            Body::Sack(sack) => Some(sack),
            _ => None,
        });
        let Some(last) = sacks.last() else { return Vec::new() };
        log.inject_chunks(vec![Chunk::Sack(Sack {
            cumulative_tsn_ack: last.cumulative_tsn_ack.plus(100_000),
            a_rwnd: last.a_rwnd,
            gap_blocks: Vec::new(),
            duplicates: Vec::new(),
        })])
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        vec![if aborted(seen) { DISBELIEVE.info("ABORT") } else { DISBELIEVE.pass("no ABORT") }]
    }

    fn may_end(&self, seen: &Seen<'_>) -> bool {
        aborted(seen)
    }
}
