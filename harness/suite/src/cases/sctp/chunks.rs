//! Unknown chunks (RFC 9260 §3.2).
//!
//! A packet with a chunk nobody knows and a HEARTBEAT behind it. The two high bits of the chunk's
//! type say whether the HEARTBEAT still counts, and whether the chunk is to be reported.

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Tamper};
use rtcspec_wire::sctp::{Body, CauseCode, Chunk, ChunkType, Heartbeat, UnknownChunk};

use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case = Case { tests: &["RFC 9260 §3.2"], layer: Layer::Sctp, ..Case::USUAL };

pub(in crate::cases) const UNKNOWN_CHUNK_STOP: Case = Case {
    id: "sctp/unknown-chunk-stop",
    title: "An unknown chunk of type 00xx: the packet ends there, nothing is reported",
    about: "The HEARTBEAT behind it must not be answered, and the association goes on.",
    make: || Box::new(Unknown { chunk: ChunkType(0x3d) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_CHUNK_STOP_REPORT: Case = Case {
    id: "sctp/unknown-chunk-stop-report",
    title: "An unknown chunk of type 01xx: the packet ends there, the chunk is reported",
    about: "The HEARTBEAT behind it must not be answered; an ERROR names the chunk.",
    make: || Box::new(Unknown { chunk: ChunkType(0x7d) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_CHUNK_SKIP: Case = Case {
    id: "sctp/unknown-chunk-skip",
    title: "An unknown chunk of type 10xx: skipped, nothing is reported",
    about: "The HEARTBEAT behind it is answered. This is how every extension of SCTP is made: \
            whoever drops the packet cannot talk to who has one more.",
    make: || Box::new(Unknown { chunk: ChunkType(0xbd) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_CHUNK_SKIP_REPORT: Case = Case {
    id: "sctp/unknown-chunk-skip-report",
    title: "An unknown chunk of type 11xx: skipped, and reported",
    about: "The HEARTBEAT behind it is answered, and an ERROR names the chunk.",
    make: || Box::new(Unknown { chunk: ChunkType(0xfd) }),
    ..FAMILY
};

/// What the HEARTBEAT ACK must bring back.
const INFO: &[u8] = b"behind the unknown";

struct Unknown {
    chunk: ChunkType,
}

impl Tamper for Unknown {}

const GO_ON: Duty = Duty {
    text: "RFC 9260 §3.2: an unknown chunk of type 10 or 11 is skipped, and the rest of the packet \
           is processed",
    expected: "a HEARTBEAT ACK",
};

const STOP: Duty = Duty {
    text: "RFC 9260 §3.2: an unknown chunk of type 00 or 01 ends the processing of its packet",
    expected: "no HEARTBEAT ACK",
};

const REPORT: Duty = Duty {
    text: "RFC 9260 §3.2: an unknown chunk of type 01 or 11 is reported in an ERROR with cause \
           Unrecognized Chunk Type",
    expected: "an ERROR that names the chunk",
};

const NO_REPORT: Duty = Duty {
    text: "RFC 9260 §3.2: an unknown chunk of type 00 or 10 is not reported",
    expected: "no ERROR that names the chunk",
};

impl Unknown {
    fn is_reported(&self, seen: &Seen<'_>) -> bool {
        seen.bodies(Way::Received).any(|(_, body)| {
            let Body::Error(error) = body else { return false };
            error.causes().any(|cause| {
                cause.code() == CauseCode::UNRECOGNIZED_CHUNK_TYPE
                    && cause.value().first() == Some(&self.chunk.0)
            })
        })
    }
}

impl Hostile for Unknown {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let value = b"an extension of 2030".to_vec();
        let unknown = UnknownChunk { chunk_type: self.chunk, flags: 0, value };
        let heartbeat = Heartbeat { info: INFO.to_vec() };
        log.inject_chunks(vec![Chunk::Unknown(unknown), Chunk::Heartbeat(heartbeat)])
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let answered = seen
            .bodies(Way::Received)
            .any(|(_, body)| matches!(body, Body::HeartbeatAck(ack) if ack.info() == Some(INFO)));
        let reported = self.is_reported(seen);
        let action = self.chunk.unknown_action();
        let answer = if answered { "a HEARTBEAT ACK" } else { "no HEARTBEAT ACK" };
        let report = if reported { "an ERROR names it" } else { "no ERROR names it" };
        let duty = if action.goes_on() { GO_ON } else { STOP };
        let duty_report = if action.reports() { REPORT } else { NO_REPORT };
        vec![
            duty.met(answered == action.goes_on(), answer),
            duty_report.met(reported == action.reports(), report),
        ]
    }
}
