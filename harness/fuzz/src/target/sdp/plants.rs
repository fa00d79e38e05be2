//! Bugs of others' SDP code, built into copies of ours.

use rtcspec_wire::sdp::{Attribute, Direction, Fault, Reason, Session, View};

use super::parse::{self, Subject};
use crate::case::Case;
use crate::finding::Verdict;
use crate::target::Plant;

fn reader(case: &mut Case<'_>, read: fn(&[u8]) -> Result<Session, Fault>) -> Verdict {
    parse::body(case, &Subject { read, ..Subject::OURS })
}

pub(super) const PARSE: &[Plant] = &[
    Plant {
        name: "sdp-payload-type-wraps",
        source: "pjsip #2093: payload type 4294967296 is read as 0",
        body: |case| reader(case, payload_type_wraps),
    },
    Plant {
        name: "sdp-payload-type-over-127",
        source: "str0m #983: a payload type above 127",
        body: |case| reader(case, payload_type_over_127),
    },
    Plant {
        name: "sdp-port-from-text",
        source: "pjsip PR 3382: `m=au\u{ff}\u{ff}\u{ff}34718 RTP/AVP 0`, a port out of the media type",
        body: |case| reader(case, port_from_text),
    },
    Plant {
        name: "sdp-nul-ends",
        source: "pjsip #2092: NUL in a parameter ends the line",
        body: |case| reader(case, nul_ends),
    },
    Plant {
        name: "sdp-ptime-overflows",
        source: "pjsip CVE-2026-41416: a packet time that overflows when it is scaled",
        body: |case| reader(case, ptime_overflows),
    },
    Plant {
        name: "sdp-second-version",
        source: "rtpengine #1958: `v=0` twice",
        body: |case| reader(case, second_version),
    },
    Plant {
        name: "sdp-no-connection",
        source: "rtpengine #30: a medium without `c=`, nor the session",
        body: |case| reader(case, no_connection),
    },
    Plant {
        name: "sdp-quadratic",
        source: "Janus #2776: each line goes through all that were before",
        body: |case| reader(case, quadratic),
    },
    Plant {
        name: "sdp-timing-made-up",
        source: "sdp-types 0.3.1: `t=` is not missed, and written as `t=0 0`",
        body: |case| reader(case, timing_made_up),
    },
    Plant {
        name: "sdp-only-crlf",
        source: "LF alone does not end a line",
        body: |case| reader(case, only_crlf),
    },
    Plant {
        name: "sdp-printed-otherwise",
        source: "str0m 0.25: what was read and printed is read otherwise: a direction is added",
        body: |case| parse::body(case, &Subject { write: printed_otherwise, ..Subject::OURS }),
    },
];

/// The description with each line as `change` has it.
fn with_lines(bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    text.split_inclusive('\n').map(change).collect::<String>().into_bytes()
}

pub(crate) fn payload_type_wraps(bytes: &[u8]) -> Result<Session, Fault> {
    let wrapped = with_lines(bytes, |line| {
        if !line.starts_with("m=") || str::from_utf8(bytes).is_err() {
            return line.to_owned();
        }
        let words = line.split_inclusive(' ').enumerate().map(|(nth, word)| {
            let digits = word.trim_end();
            match digits.parse::<u64>() {
                Ok(number) if nth > 2 => word.replace(digits, &(number as u32).to_string()),
                _ => word.to_owned(),
            }
        });
        words.collect()
    });
    if str::from_utf8(bytes).is_err() { Session::parse(bytes) } else { Session::parse(&wrapped) }
}

pub(crate) fn payload_type_over_127(bytes: &[u8]) -> Result<Session, Fault> {
    let outcome = Session::parse(bytes);
    if let Err(Fault { reason: Reason::OutOfRange { what, max: 127, .. }, .. }) = &outcome {
        panic!("{what} is a seven bit integer");
    }
    outcome
}

pub(crate) fn port_from_text(bytes: &[u8]) -> Result<Session, Fault> {
    let text = with_lines(bytes, |line| {
        let Some((kind, rest)) = line.strip_prefix("m=").and_then(|line| line.split_once(' '))
        else {
            return line.to_owned();
        };
        let digits = kind.trim_start_matches(|char: char| !char.is_ascii_digit());
        if digits.is_empty() { line.to_owned() } else { format!("m=audio {digits} {rest}") }
    });
    if str::from_utf8(bytes).is_err() { Session::parse(bytes) } else { Session::parse(&text) }
}

pub(crate) fn nul_ends(bytes: &[u8]) -> Result<Session, Fault> {
    let mut out = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.iter().position(|byte| *byte == 0) {
            Some(at) => {
                out.extend_from_slice(&line[..at]);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    Session::parse(&out)
}

pub(crate) fn ptime_overflows(bytes: &[u8]) -> Result<Session, Fault> {
    for line in View::parse(bytes).lines() {
        let value = line.attribute_named("ptime").and_then(|value| str::from_utf8(value).ok());
        if let Some(milliseconds) = value.and_then(|value| value.parse::<u32>().ok()) {
            let _ = milliseconds.checked_mul(48_000).expect("attempt to multiply with overflow");
        }
    }
    Session::parse(bytes)
}

pub(crate) fn second_version(bytes: &[u8]) -> Result<Session, Fault> {
    let outcome = Session::parse(bytes);
    if let Err(Fault { reason: Reason::RepeatedLine('v'), .. }) = &outcome {
        panic!("a session within a session");
    }
    outcome
}

pub(crate) fn no_connection(bytes: &[u8]) -> Result<Session, Fault> {
    let session = Session::parse(bytes)?;
    for media in &session.media {
        let address = media.connections.first().or(session.connection.as_ref());
        let _ = address.expect("a connection");
    }
    Ok(session)
}

pub(crate) fn quadratic(bytes: &[u8]) -> Result<Session, Fault> {
    let mut before: Vec<&[u8]> = Vec::new();
    for line in View::parse(bytes).lines() {
        let mut list = before.clone();
        list.push(line.raw());
        before = list;
    }
    Session::parse(bytes)
}

pub(crate) fn timing_made_up(bytes: &[u8]) -> Result<Session, Fault> {
    match Session::parse(bytes) {
        Err(Fault { reason: Reason::MissingLine('t'), .. }) => {
            let at = bytes
                .windows(3)
                .position(|found| found == b"\nm=")
                .map_or(bytes.len(), |at| at + 1);
            let (head, media) = bytes.split_at(at);
            Session::parse(&[head, b"t=0 0\r\n", media].concat())
        }
        outcome => outcome,
    }
}

fn only_crlf(bytes: &[u8]) -> Result<Session, Fault> {
    let lone =
        (0..bytes.len()).find(|at| bytes[*at] == b'\n' && (*at == 0 || bytes[at - 1] != b'\r'));
    match lone {
        None => Session::parse(bytes),
        Some(_) => Err(Fault { line: 1, column: 1, reason: Reason::NotALine }),
    }
}

fn printed_otherwise(session: &Session) -> String {
    let mut session = session.clone();
    for media in &mut session.media {
        if media.attributes.direction().is_none() {
            media.attributes.push(Attribute::Direction(Direction::default()));
        }
    }
    session.print()
}
