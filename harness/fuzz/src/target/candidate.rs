//! `candidate_line`: a line is read in every form it comes in, and written as it was.

use rtcspec_wire::candidate::{
    Candidate, CandidateError, CandidateKind, CandidateView, ConnectionAddress, Transport,
};
use rtcspec_wire::sdp::Token;

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;

/// Holds candidate lines (RFC 8839 §5.1, RFC 6544 §4.5).
pub const LINE: Target = Target {
    name: "candidate_line",
    about: "candidate lines: read in every form, written, read again; no number wraps",
    seeds: &["candidate"],
    dictionary: mutate::candidate::dictionary,
    mutate: mutate::candidate::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "udp",
        "tcp",
        "other transport",
        "host",
        "reflexive",
        "relay",
        "ipv6",
        "mdns",
        "related address",
        "extension",
        "missing",
        "refused",
    ],
    plants: PLANTS,
};

/// A reader and a writer.
struct Subject {
    read: fn(&str) -> Result<Candidate, CandidateError>,
    write: fn(&Candidate) -> String,
}

impl Subject {
    const OURS: Self = Self { read: |text| text.parse(), write: ToString::to_string };
}

fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let Ok(text) = str::from_utf8(case.input) else { return Ok(()) };
    let view = CandidateView::new(text);
    let read = |_: &usize| (subject.read)(text);
    let (parts, outcome) = case.within_both(Budget::TEXT, text.len(), || look(&view), read)?;
    case.see(&parts.min(40));
    if case.is_thorough() {
        let again = (subject.read)(text);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
        forms(subject, &view, &outcome)?;
    }
    match outcome {
        Ok(candidate) => accepted(case, subject, &view, &candidate),
        Err(error) => refused(case, &view, &error),
    }
}

/// Everything a view can be asked, asked.
fn look(view: &CandidateView<'_>) -> usize {
    let _ = (view.foundation(), view.component(), view.transport(), view.priority());
    let _ = (view.address(), view.port(), view.typ(), view.kind());
    let _ = (view.related_address(), view.related_port(), view.tcp_type());
    view.extensions().count()
}

/// An SDP line, what scripts are given, and the attribute's value are one.
fn forms(
    subject: &Subject,
    view: &CandidateView<'_>,
    outcome: &Result<Candidate, CandidateError>,
) -> Verdict {
    let value = view.value();
    for form in [
        format!("candidate:{value}"),
        format!("a=candidate:{value}"),
        format!("a=candidate:{value}\r\n"),
    ] {
        let other = (subject.read)(&form);
        hold(Oracle::Metamorphic, other == *outcome, || {
            format!("{:?} is {outcome:?}, {form:?} is {other:?}", view.as_str())
        })?;
    }
    Ok(())
}

/// An error names a part and shows it as it stands.
fn refused(case: &mut Case<'_>, view: &CandidateView<'_>, error: &CandidateError) -> Verdict {
    match error {
        CandidateError::Missing(field) => {
            case.reach("missing");
            case.see(&std::mem::discriminant(field));
            Ok(())
        }
        CandidateError::Invalid { field, found } => {
            case.reach("refused");
            case.see(&(std::mem::discriminant(field), 1));
            hold(Oracle::Model, view.value().split(' ').any(|part| part == found), || {
                format!("{found:?} is no part of {:?}", view.value())
            })
        }
        _ => Ok(()),
    }
}

fn accepted(
    case: &mut Case<'_>,
    subject: &Subject,
    view: &CandidateView<'_>,
    candidate: &Candidate,
) -> Verdict {
    if case.is_noted() {
        note(case, candidate);
    }
    let written = (subject.write)(candidate);
    // Then no number has wrapped either, and no word is dropped.
    let same = written.strip_prefix("candidate:") == Some(view.value());
    if same && !case.is_thorough() {
        return Ok(());
    }
    let again = (subject.read)(&written);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(candidate), || {
        format!("read {candidate:?}, wrote {written:?}, read {again:?}")
    })?;
    numbers(view, candidate)?;
    if !case.is_thorough() {
        return Ok(());
    }
    pieces(subject, view)?;
    extended(subject, view, candidate)
}

fn note(case: &mut Case<'_>, candidate: &Candidate) {
    case.reach(match candidate.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Other(_) => "other transport",
    });
    match candidate.kind {
        CandidateKind::Host => case.reach("host"),
        CandidateKind::ServerReflexive | CandidateKind::PeerReflexive => case.reach("reflexive"),
        CandidateKind::Relayed => case.reach("relay"),
        CandidateKind::Other(_) => case.see(&"other kind"),
    }
    match &candidate.address {
        ConnectionAddress::Ip(ip) if ip.is_ipv6() => case.reach("ipv6"),
        ConnectionAddress::Name(_) if candidate.address.is_mdns() => case.reach("mdns"),
        _ => {}
    }
    if candidate.related_address.is_some() {
        case.reach("related address");
    }
    if !candidate.extensions.is_empty() {
        case.reach("extension");
    }
    let related = (candidate.related_address.is_some(), candidate.related_port.is_some());
    case.see(&(related, candidate.tcp_type(), candidate.extensions.len().min(6)));
}

/// No number wraps and no word is dropped: each stands in the line as the value has it, but for
/// leading zeros. Extensions stand after the eight parts that every line has.
fn numbers(view: &CandidateView<'_>, candidate: &Candidate) -> Verdict {
    let stands = |part: Option<&str>, number: u64| {
        let digits = part.unwrap_or_default();
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u64>() == Ok(number)
    };
    let related =
        candidate.related_port.is_none_or(|port| stands(view.related_port(), port.into()));
    let held = stands(view.port(), candidate.port.into())
        && stands(view.component(), candidate.component.number().into())
        && stands(view.priority(), candidate.priority.number().into())
        && related;
    hold(Oracle::Model, held, || format!("{:?} is read as {candidate:?}", view.as_str()))?;
    let words = 8
        + 2 * usize::from(candidate.related_address.is_some())
        + 2 * usize::from(candidate.related_port.is_some())
        + 2 * candidate.extensions.len();
    let found = view.value().split(' ').count();
    hold(Oracle::Model, words == found, || {
        format!("{found} words of {:?}, {words} in {candidate:?}", view.as_str())
    })
}

/// RFC 8839 §5.1: eight parts are not optional, and each extension has a value.
fn pieces(subject: &Subject, view: &CandidateView<'_>) -> Verdict {
    let value = view.value();
    let spaces: Vec<usize> = value.match_indices(' ').map(|(at, _)| at).collect();
    let ends = spaces.iter().enumerate().filter(|(nth, _)| *nth < 7 || nth % 2 == 0);
    for (_, end) in ends {
        hold(Oracle::Truncation, (subject.read)(&value[..*end]).is_err(), || {
            format!("{:?} of {value:?} is read as a candidate", &value[..*end])
        })?;
    }
    Ok(())
}

/// RFC 8839 §5.1: an unknown extension is ignored: all else stays.
fn extended(subject: &Subject, view: &CandidateView<'_>, candidate: &Candidate) -> Verdict {
    let longer = format!("{} x-unknown ~=1", view.value());
    let again = (subject.read)(&longer);
    let wanted = candidate.clone().with_extension("x-unknown", "~=1");
    hold(Oracle::Metamorphic, again.as_ref().ok() == wanted.as_ref(), || {
        format!("with an unknown extension, {candidate:?} is read as {again:?}")
    })
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "candidate-port-wraps",
        source: "pjsip #2093: a number of a description wraps where its type ends",
        body: |case| body(case, &Subject { read: port_wraps, ..Subject::OURS }),
    },
    Plant {
        name: "candidate-odd-extension",
        source: "an extension's name without value: the next word is read past the end",
        body: |case| body(case, &Subject { read: odd_extension, ..Subject::OURS }),
    },
    Plant {
        name: "candidate-extensions-dropped",
        source: "what follows the related address is read and not written again",
        body: |case| body(case, &Subject { write: extensions_dropped, ..Subject::OURS }),
    },
    Plant {
        name: "candidate-transport-case",
        source: "`UDP` and `udp` are two transports; it is written in lower case",
        body: |case| body(case, &Subject { read: transport_case, ..Subject::OURS }),
    },
    Plant {
        name: "candidate-name-as-address",
        source: "a name below .local where an address is expected",
        body: |case| body(case, &Subject { read: name_as_address, ..Subject::OURS }),
    },
    Plant {
        name: "candidate-only-of-scripts",
        source: "the prefix is cut off by its length, whether it is there or not",
        body: |case| body(case, &Subject { read: only_of_scripts, ..Subject::OURS }),
    },
];

pub(crate) fn port_wraps(text: &str) -> Result<Candidate, CandidateError> {
    let view = CandidateView::new(text);
    let wide = view.port().and_then(|port| port.parse::<u64>().ok()).filter(|port| *port > 0xffff);
    let Some(wide) = wide else { return view.parse() };
    let mut parts: Vec<String> = view.value().split(' ').map(str::to_owned).collect();
    parts[5] = (wide as u16).to_string();
    parts.join(" ").parse()
}

pub(crate) fn odd_extension(text: &str) -> Result<Candidate, CandidateError> {
    let parts: Vec<&str> = CandidateView::new(text).value().split(' ').collect();
    let mut at = 8;
    while at < parts.len() {
        let _ = (parts[at], parts[at + 1]);
        at += 2;
    }
    text.parse()
}

fn extensions_dropped(candidate: &Candidate) -> String {
    Candidate { extensions: Vec::new(), ..candidate.clone() }.to_string()
}

fn transport_case(text: &str) -> Result<Candidate, CandidateError> {
    let mut candidate: Candidate = text.parse()?;
    if let Some(word @ ("UDP" | "TCP")) = CandidateView::new(text).transport() {
        let word = Token::new(word.to_ascii_lowercase()).expect("a token");
        candidate.transport = Transport::Other(word);
    }
    Ok(candidate)
}

fn name_as_address(text: &str) -> Result<Candidate, CandidateError> {
    let candidate: Candidate = text.parse()?;
    candidate.address.ip().expect("an address");
    Ok(candidate)
}

fn only_of_scripts(text: &str) -> Result<Candidate, CandidateError> {
    CandidateView::new(text.get("candidate:".len()..).unwrap_or_default()).parse()
}
