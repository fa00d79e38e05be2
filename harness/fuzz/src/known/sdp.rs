//! Rows about session descriptions: reading them, and what is negotiated with them.

use rtcspec_peer::jsep::{Config, Description, Error, IceCredentials, Jsep, SdpType};
use rtcspec_wire::candidate::{Candidate, CandidateError};
use rtcspec_wire::sdp::{Fault, Session};

use super::budget::MACHINE;
use super::{Code, Input, Known, Others};
use crate::case::Budget;
use crate::target::candidate as candidates;
use crate::target::jsep::plants as negotiation;
use crate::target::sdp::plants;

type Read = fn(&[u8]) -> Result<Session, Fault>;
type ReadCandidate = fn(&str) -> Result<Candidate, CandidateError>;

const TEXT: Known = Known { budget: Budget::TEXT, ..Known::USUAL };

/// A description with these lines behind those of its session.
macro_rules! description {
    ($($line:literal)*) => {
        Input::Text(concat!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", $($line, "\r\n"),*))
    };
}

/// What is in the media lines, or why they are not read.
fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    match code.pick(Session::parse as Read, theirs)(input) {
        Ok(session) => {
            let media = session.media.iter().map(|media| {
                let at = match (&media.connections[..], &session.connection) {
                    ([], None) => "nowhere",
                    _ => "an address",
                };
                format!("{} port {} at {at}", media.line.kind.name(), media.line.port)
            });
            format!("read: {}", media.collect::<Vec<_>>().join(", "))
        }
        Err(fault) => fault.to_string(),
    }
}

fn reads_candidate(code: Code, theirs: ReadCandidate, input: &[u8]) -> String {
    let ours: ReadCandidate = |text| text.parse();
    match code.pick(ours, theirs)(&String::from_utf8_lossy(input)) {
        Ok(candidate) => format!("read: {candidate}"),
        Err(error) => error.to_string(),
    }
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "sdp/pjsip-payload-type-wraps",
        row: Some(42),
        source: "pjsip #2093",
        cause: "payload type 4294967296 is read as 0",
        input: description!["m=audio 9 RTP/AVP 4294967296" "c=IN IP4 0.0.0.0"],
        right: "parse SDP line 5, column 19: payload type must be from 0 to 127",
        others: Others::Run("sdp/payload-type-wraps"),
        play: |code, input| reads(code, plants::payload_type_wraps, input),
        ..TEXT
    },
    Known {
        id: "sdp/pjsip-nul-in-parameter",
        row: Some(42),
        source: "pjsip #2092",
        cause: "NUL in a parameter ends the line for one reader and not for another",
        input: description!["m=audio 9 RTP/AVP 96" "c=IN IP4 0.0.0.0" "a=fmtp:96 mode\0=20"],
        right: "parse SDP line 7, column 15: byte 0x00 must not stand in a line",
        others: Others::Run("sdp/nul-in-attribute"),
        play: |code, input| reads(code, plants::nul_ends, input),
        ..TEXT
    },
    Known {
        id: "sdp/pjsip-port-from-text",
        row: Some(42),
        source: "pjsip PR 3382",
        cause: "`m=auÿÿÿ34718 RTP/AVP 0`: the port is read out of the media type",
        input: description!["m=auÿÿÿ34718 RTP/AVP 0" "c=IN IP4 0.0.0.0"],
        right: "parse SDP line 5, column 5: expected a space and the port",
        others: Others::Run("sdp/port-from-text"),
        play: |code, input| reads(code, plants::port_from_text, input),
        ..TEXT
    },
    Known {
        id: "sdp/pjsip-packet-time-overflows",
        row: Some(42),
        source: "pjsip CVE-2026-41416",
        cause: "a packet time overflows when it is scaled to samples",
        input: description!["m=audio 9 RTP/AVP 0" "c=IN IP4 0.0.0.0" "a=ptime:4294967295"],
        right: "read: audio port 9 at an address",
        others: Others::Run("sdp/packet-time-overflows"),
        play: |code, input| reads(code, plants::ptime_overflows, input),
        ..TEXT
    },
    Known {
        id: "sdp/pjsip-candidate-port-wraps",
        row: Some(42),
        source: "pjsip #2093 in kind",
        cause: "a port above 65535 is read as another",
        input: Input::Text("candidate:1 1 udp 2130706431 192.0.2.1 65545 typ host"),
        right: "parse a candidate with port \"65545\"",
        others: Others::Run("sdp/candidate-port-wraps"),
        play: |code, input| reads_candidate(code, candidates::port_wraps, input),
        ..TEXT
    },
    Known {
        id: "sdp/candidate-odd-extension",
        row: None,
        source: "no report known",
        cause: "the value of a last extension that has none is read past the end",
        input: Input::Text("candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host generation"),
        right: "parse a candidate without extension value",
        others: Others::Run("sdp/candidate-odd-extension"),
        play: |code, input| reads_candidate(code, candidates::odd_extension, input),
        ..TEXT
    },
    Known {
        id: "sdp/rtpengine-second-version",
        row: Some(43),
        source: "rtpengine #1958",
        cause: "`v=0` twice: a crash",
        input: Input::Text(
            "v=0\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
        ),
        right: "parse SDP line 2, column 1: second line `v=` in this section",
        others: Others::Run("sdp/second-version"),
        play: |code, input| reads(code, plants::second_version, input),
        ..TEXT
    },
    Known {
        id: "sdp/rtpengine-no-connection",
        row: Some(43),
        source: "rtpengine #30",
        cause: "neither the medium nor the session has `c=`: a null pointer",
        input: description!["m=audio 9 RTP/AVP 0"],
        right: "read: audio port 9 at nowhere",
        others: Others::Run("sdp/no-connection"),
        play: |code, input| reads(code, plants::no_connection, input),
        ..TEXT
    },
    Known {
        id: "sdp/janus-quadratic",
        row: Some(44),
        source: "Janus #2776, #3414",
        cause: "each line goes through all that were before: seconds for a megabyte",
        input: Input::Events("a description with four thousand attributes"),
        right: "read: audio port 9 at nowhere",
        others: Others::Run("sdp/many-lines"),
        budget: MACHINE,
        play: |code, _| {
            let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
            let text = format!("{head}{}", "a=x\r\n".repeat(4000));
            reads(code, plants::quadratic, text.as_bytes())
        },
    },
    Known {
        id: "sdp/str0m-payload-type-over-127",
        row: Some(45),
        source: "str0m #983",
        cause: "a payload type above 127: a panic",
        input: description![
            "m=audio 9 UDP/TLS/RTP/SAVPF 128" "c=IN IP4 0.0.0.0" "a=rtpmap:128 opus/48000/2"
        ],
        right: "parse SDP line 5, column 29: payload type must be from 0 to 127",
        others: Others::Run("sdp/payload-type-over-127"),
        play: |code, input| reads(code, plants::payload_type_over_127, input),
        ..TEXT
    },
    Known {
        id: "sdp/srs-unprotected-accepted",
        row: Some(47),
        source: "SRS C34 (2026-08)",
        cause: "a section of RTP/AVP is accepted, and media go in the clear",
        input: description!["m=audio 5004 RTP/AVP 0" "c=IN IP4 192.0.2.1"],
        // RFC 8827 §6.5: media without protection are not negotiated.
        right: "answered with port 0",
        others: Others::Run("sdp/unprotected-media"),
        budget: MACHINE,
        play: |code, input| {
            let offer = String::from_utf8_lossy(input).into_owned();
            let mut jsep = side(1);
            let set = jsep.set_remote(&Description::new(SdpType::Offer, offer));
            let answer = match set.and_then(|()| {
                type Answer = fn(&mut Jsep, IceCredentials) -> Result<String, Error>;
                let ours: Answer = |jsep, fresh| jsep.create_answer(|| fresh);
                code.pick(ours, negotiation::unprotected_accepted)(&mut jsep, ice())
            }) {
                Ok(answer) => answer,
                Err(error) => return error.to_string(),
            };
            let line = answer.lines().find_map(|line| line.strip_prefix("m=audio "));
            let port = line.and_then(|line| line.split(' ').next());
            format!("answered with port {}", port.unwrap_or("none"))
        },
    },
    Known {
        id: "sdp/signal-answer-out-of-order",
        row: Some(62),
        source: "Signal, Duo, Messenger, JioChat, Mocha: Project Zero 2021",
        cause: "an answer out of order is taken, and media flow before the call is accepted",
        input: Input::Events("an answer while no offer is open"),
        right: "set a remote answer in state stable",
        others: Others::Nobody("the order of signalling is the runner's: scenarios of `signal/`"),
        budget: MACHINE,
        play: |code, _| {
            let (mut caller, mut callee) = (side(1), side(2));
            caller.want_data();
            let answer = caller.create_offer(false, ice).and_then(|offer| {
                callee.set_remote(&Description::new(SdpType::Offer, offer))?;
                callee.create_answer(ice)
            });
            let answer = match answer {
                Ok(answer) => Description::new(SdpType::Answer, answer),
                Err(error) => return format!("no answer: {error}"),
            };
            let mut other = side(3);
            let set: fn(&mut Jsep, &Description) -> Result<(), Error> =
                code.pick(Jsep::set_remote, negotiation::answer_to_nothing);
            set(&mut other, &answer).map_or_else(|error| error.to_string(), |()| "taken".to_owned())
        },
    },
    Known {
        id: "sdp/sdp-types-timing-made-up",
        row: Some(63),
        source: "sdp-types 0.3.1, measured 2026-11-23",
        cause: "`t=` is not missed, and written as `t=0 0`: the description says something else",
        input: Input::Text(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
        ),
        right: "parse SDP line 6, column 1: line `t=` is missing",
        others: Others::Run("sdp/no-timing"),
        play: |code, input| reads(code, plants::timing_made_up, input),
        ..TEXT
    },
];

/// A side of a negotiation.
fn side(number: u8) -> Jsep {
    let fingerprint = format!("sha-1 {number:02X}{}", ":00".repeat(19));
    let fingerprint = fingerprint.parse().expect("twenty bytes are a fingerprint by SHA-1");
    Jsep::new(Config::new(number.into(), vec![fingerprint]))
}

fn ice() -> IceCredentials {
    IceCredentials::new("ufrag", "passwordof24charactersxx").expect("long enough, and ice-chars")
}
