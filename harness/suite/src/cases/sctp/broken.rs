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

const SURVIVE: Duty = Duty {
    text: "RFC 9260 §3.2, §3.3.10: lengths say where things end, and nothing is read beyond the \
           packet or the chunk; a malformed chunk is dropped, or the association aborted",
    expected: "the session goes on, or ends with ABORT",
};

/// Ignoring is best; ending is allowed.
fn survived(seen: &Seen<'_>) -> Vec<Ruling> {
    vec![if aborted(seen) { SURVIVE.info("ABORT") } else { SURVIVE.pass("no ABORT") }]
}

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
