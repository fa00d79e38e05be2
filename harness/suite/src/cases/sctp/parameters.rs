//! Unknown parameters in INIT and INIT ACK (RFC 9260 §3.2.1).
//!
//! Whichever of the two the hostile side sends carries one parameter nobody knows. The two high
//! bits of its type say what to do: stop or go on, and report or not. Where to go on, it comes
//! before everything else, the state cookie included; where to stop, it comes last, so that
//! nothing that matters is behind it.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Tamper};
use rtcspec_wire::sctp::{
    Body, Cause, CauseCode, Chunk, ChunkType, Parameter, ParameterType, ParameterView, Parameters,
};

use super::edited;
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case =
    Case { tests: &["RFC 9260 §3.2.1", "RFC 9260 §3.2.2"], layer: Layer::Sctp, ..Case::USUAL };

pub(in crate::cases) const UNKNOWN_PARAMETER_STOP: Case = Case {
    id: "sctp/unknown-parameter-stop",
    title: "An unknown parameter of type 00xx: the rest is not read, nothing is reported",
    about: "What came before the parameter still counts: the association comes up.",
    make: || Box::new(Unknown { parameter: ParameterType(0x3fe0) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_PARAMETER_STOP_REPORT: Case = Case {
    id: "sctp/unknown-parameter-stop-report",
    title: "An unknown parameter of type 01xx: the rest is not read, the parameter is reported",
    about: "What came before the parameter still counts: the association comes up.",
    make: || Box::new(Unknown { parameter: ParameterType(0x7fe0) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_PARAMETER_SKIP: Case = Case {
    id: "sctp/unknown-parameter-skip",
    title: "An unknown parameter of type 10xx: skipped, nothing is reported",
    about: "pion/webrtc#2618 and libdatachannel#1030 could not connect over one of these: zero \
            checksum, 0x8001, when it was new.",
    make: || Box::new(Unknown { parameter: ParameterType(0xbfe0) }),
    ..FAMILY
};

pub(in crate::cases) const UNKNOWN_PARAMETER_SKIP_REPORT: Case = Case {
    id: "sctp/unknown-parameter-skip-report",
    title: "An unknown parameter of type 11xx: skipped, and reported",
    about: "In INIT ACK to an INIT, in an ERROR beside the COOKIE ECHO to an INIT ACK.",
    make: || Box::new(Unknown { parameter: ParameterType(0xffe0) }),
    ..FAMILY
};

struct Unknown {
    parameter: ParameterType,
}

impl Unknown {
    fn add(&self, parameters: &mut Vec<Parameter>) {
        let unknown = Parameter::Other { parameter_type: self.parameter, value: b"who?".to_vec() };
        let place = if self.parameter.unknown_action().goes_on() { 0 } else { parameters.len() };
        parameters.insert(place, unknown);
    }
}

impl Tamper for Unknown {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let mut found = false;
        let changed = edited(packet, |packet| {
            for chunk in &mut packet.chunks {
                if let Chunk::Init(init) | Chunk::InitAck(init) = chunk {
                    self.add(&mut init.parameters);
                    found = true;
                }
            }
        });
        changed.filter(|_| found).map_or(Action::Pass, Action::replace)
    }
}

const REPORT: Duty = Duty {
    text: "RFC 9260 §3.2.1: an unknown parameter whose type says so is reported: in the INIT ACK \
           to an INIT, in an ERROR beside the COOKIE ECHO to an INIT ACK (§3.2.2)",
    expected: "a report of the parameter",
};

const NO_REPORT: Duty = Duty {
    text: "RFC 9260 §3.2.1: an unknown parameter whose type does not say so is not reported",
    expected: "no report of the parameter",
};

impl Unknown {
    fn is_it(&self, parameter: &ParameterView<'_>) -> bool {
        parameter.parameter_type() == self.parameter
    }

    /// Where the peer reported the parameter, if it did.
    fn reported(&self, seen: &Seen<'_>) -> Option<ChunkType> {
        seen.chunks(Way::Received).find_map(|(_, chunk)| {
            let reports = match chunk.body().ok()? {
                Body::InitAck(init) => init.parameters().any(|parameter| {
                    parameter.parameter_type() == ParameterType::UNRECOGNIZED_PARAMETER
                        && Parameters::new(parameter.value()).any(|inner| self.is_it(&inner))
                }),
                Body::Error(error) => error.causes().any(|cause| {
                    cause.code() == CauseCode::UNRECOGNIZED_PARAMETERS
                        && Cause::from_view(&cause).is_ok_and(|cause| {
                            cause.unrecognized_parameters().any(|inner| self.is_it(&inner))
                        })
                }),
                _ => false,
            };
            reports.then(|| chunk.chunk_type())
        })
    }
}

impl Hostile for Unknown {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let reported = self.reported(seen);
        let actual =
            reported.map_or("no report".to_owned(), |chunk| format!("reported in {chunk}"));
        if !self.parameter.unknown_action().reports() {
            return vec![NO_REPORT.met(reported.is_none(), actual)];
        }
        // §3.2.2: the report of an INIT ACK's parameter is a SHOULD.
        let answered_init =
            seen.chunks(Way::Received).any(|(_, chunk)| chunk.chunk_type() == ChunkType::INIT_ACK);
        vec![match reported {
            Some(_) => REPORT.pass(actual),
            None if answered_init => REPORT.fail(actual),
            None => REPORT.nonstrict(actual),
        }]
    }
}
