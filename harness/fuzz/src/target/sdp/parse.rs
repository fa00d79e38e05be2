//! `sdp_parse`: any bytes, as a session description.

use rtcspec_wire::sdp::{Attribute, Fault, Line, Reason, Session, View};

use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::target::Target;

/// Holds reading and printing of descriptions.
pub const PARSE: Target = Target {
    name: "sdp_parse",
    about: "session descriptions: read, printed, read again; line ends, order, unknown attributes",
    seeds: &["sdp", "sdp-by-stack", "sdp-made"],
    dictionary: mutate::sdp::dictionary,
    mutate: mutate::sdp::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "accepted",
        "tolerated",
        "refused",
        "not utf-8",
        "forbidden byte",
        "number out of range",
        "two media",
        "data channel",
        "candidate",
        "simulcast",
        "unknown attribute",
        "other protocol",
    ],
    plants: plants::PARSE,
};

/// A reader and a printer.
pub(super) struct Subject {
    pub(super) read: fn(&[u8]) -> Result<Session, Fault>,
    pub(super) write: fn(&Session) -> String,
}

impl Subject {
    pub(super) const OURS: Self = Self { read: Session::parse, write: Session::print };
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let input = case.input;
    let view = case.within(Budget::TEXT, input.len(), || View::parse(input))?;
    let same = if case.is_thorough() { view.print() == input } else { shows(&view, input) };
    hold(Oracle::RoundTrip, same, || "a view prints other bytes than it has")?;
    let faults = if case.is_thorough() { faults(case, &view)? } else { Vec::new() };
    let outcome = case.within(Budget::TEXT, input.len(), || (subject.read)(input))?;
    if case.is_thorough() {
        let again = (subject.read)(input);
        hold(Oracle::Determinism, outcome == again, || format!("{outcome:?}, then {again:?}"))?;
        line_ends(subject, input, &outcome)?;
    }
    match outcome {
        Ok(session) => {
            case.reach(if faults.is_empty() { "accepted" } else { "tolerated" });
            accepted(case, subject, &view, &session)
        }
        Err(fault) => refused(case, &view, &fault),
    }
}

/// Whether the lines of a view are these bytes, without printing them.
fn shows(view: &View<'_>, bytes: &[u8]) -> bool {
    let rest = view.lines().iter().try_fold(bytes, |rest, line| {
        rest.strip_prefix(line.raw())?.strip_prefix(line.end().bytes())
    });
    rest.is_some_and(<[u8]>::is_empty)
}

/// All faults, each at its place. They cost as much as the reading itself, which is not asked for
/// them.
fn faults(case: &mut Case<'_>, view: &View<'_>) -> Result<Vec<Fault>, Finding> {
    // Three bytes of a media section can have as many faults, each with its place and words.
    let budget = Budget { bytes_each: 512, ..Budget::TEXT };
    let faults = case.within(budget, case.input.len(), || view.faults())?;
    places(case, view, &faults)?;
    Ok(faults)
}

/// A fault names a place that is there, or the line after the last.
fn places(case: &mut Case<'_>, view: &View<'_>, faults: &[Fault]) -> Verdict {
    faults.iter().try_for_each(|fault| {
        case.see(&kind(&fault.reason));
        let line = view.lines().get(fault.line.wrapping_sub(1));
        let inside = match line {
            Some(line) => (1..=line.raw().len() + 1).contains(&fault.column),
            None => fault.line == view.lines().len() + 1 && fault.column == 1,
        };
        hold(Oracle::Model, inside, || format!("{fault} in {} lines", view.lines().len()))
    })
}

/// What a reason has in common with others of its kind: without what the input says.
fn kind(reason: &Reason) -> (std::mem::Discriminant<Reason>, &'static str) {
    let what = match reason {
        Reason::Expected(what)
        | Reason::UnexpectedText(what)
        | Reason::OutOfRange { what, .. }
        | Reason::Length { what, .. }
        | Reason::RepeatedAttribute(what)
        | Reason::Commas(what)
        | Reason::LeadingZeros(what) => what,
        _ => "",
    };
    (std::mem::discriminant(reason), what)
}

fn refused(case: &mut Case<'_>, view: &View<'_>, fault: &Fault) -> Verdict {
    case.reach("refused");
    match fault.reason {
        Reason::NotUtf8 => case.reach("not utf-8"),
        Reason::ForbiddenByte(_) => case.reach("forbidden byte"),
        Reason::OutOfRange { .. } => case.reach("number out of range"),
        _ => {}
    }
    hold(Oracle::Model, !fault.is_tolerated(), || {
        format!("refused for a tolerated fault: {fault}")
    })?;
    places(case, view, std::slice::from_ref(fault))
}

/// RFC 8866 §5: a receiver takes LF alone for a line end as well.
fn line_ends(subject: &Subject, input: &[u8], outcome: &Result<Session, Fault>) -> Verdict {
    // Before a carriage return that is part of a line, one more makes another line of it.
    if input.windows(2).any(|pair| pair == b"\r\r") {
        return Ok(());
    }
    let mut other: Vec<u8> = Vec::with_capacity(input.len());
    let has_crlf = input.windows(2).any(|pair| pair == b"\r\n");
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'\r' if input.get(at + 1) == Some(&b'\n') => {}
            b'\n' if !has_crlf => other.extend_from_slice(b"\r\n"),
            _ => other.push(*byte),
        }
    }
    let other = (subject.read)(&other);
    hold(Oracle::Metamorphic, other == *outcome, || {
        format!("with other line ends, {outcome:?} becomes {other:?}")
    })
}

fn accepted(case: &mut Case<'_>, subject: &Subject, view: &View<'_>, session: &Session) -> Verdict {
    if case.is_noted() {
        note(case, session);
    }
    // RFC 8866 §9: NUL and a lone CR stand in no line.
    let mut lines = view.lines().iter().map(Line::raw);
    let clean = lines.all(|line| !line.contains(&0) && !line.contains(&b'\r'));
    hold(Oracle::Model, clean, || "a line with NUL or CR is accepted")?;
    let printed = (subject.write)(session);
    if case.comes_back(printed.as_bytes()) {
        return Ok(());
    }
    let again = (subject.read)(printed.as_bytes());
    hold(Oracle::RoundTrip, again.as_ref() == Ok(session), || {
        format!("read {session:?}, printed {printed:?}, read {again:?}")
    })?;
    if !case.is_thorough() {
        return Ok(());
    }
    let twice = again.map(|session| (subject.write)(&session));
    hold(Oracle::RoundTrip, twice.as_ref() == Ok(&printed), || {
        format!("printed {printed:?}, then {twice:?}")
    })?;
    numbers(view, &printed)?;
    mandatory(subject, view)?;
    unknown(subject, view, session)?;
    rotated(case, subject, view, session)
}

fn note(case: &mut Case<'_>, session: &Session) {
    let sections = std::iter::once(&session.attributes)
        .chain(session.media.iter().map(|media| &media.attributes));
    for (nth, attributes) in sections.enumerate() {
        for attribute in attributes {
            case.see(&(nth.min(1), std::mem::discriminant(attribute)));
            match attribute {
                Attribute::Candidate(_) => case.reach("candidate"),
                Attribute::Simulcast(_) => case.reach("simulcast"),
                Attribute::Unknown { .. } => case.reach("unknown attribute"),
                _ => {}
            }
        }
    }
    if session.media.len() > 1 {
        case.reach("two media");
    }
    for media in &session.media {
        if media.is_data_channel() {
            case.reach("data channel");
        } else if !media.line.protocol.is_rtp() {
            case.reach("other protocol");
        }
        case.see(&(media.is_rejected(), media.line.port_count.is_some(), media.key.is_some()));
    }
    let counts = (session.emails.len().min(2), session.phones.len().min(2));
    case.see(&(counts, session.further_timings.len().min(2), session.timing.repeats.len().min(2)));
}

/// No number wraps and none comes from nowhere: printed, all of them stand there, but for zeros
/// before them.
fn numbers(view: &View<'_>, printed: &str) -> Verdict {
    let read = sorted(view.lines().iter().map(Line::raw));
    let written = sorted(printed.lines().map(str::as_bytes));
    hold(Oracle::Model, read == written, || {
        let lost = read.iter().find(|number| !written.contains(number));
        let made = written.iter().find(|number| !read.contains(number));
        let text = |number: Option<&&[u8]>| number.map(|number| number.escape_ascii().to_string());
        format!("numbers do not come back: {:?} for {:?}", text(made), text(lost))
    })
}

/// All numbers of these lines, of some hundreds in a description.
fn sorted<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut found = Vec::with_capacity(256);
    found.extend(lines.filter(|line| !is_respelled(line)).flat_map(digits));
    found.sort_unstable();
    found
}

/// Lines whose numbers have several spellings: IPv6 addresses and fractions.
fn is_respelled(line: &[u8]) -> bool {
    let is = |name: &[u8]| line.starts_with(name);
    let v6 = is(b"a=candidate:") && line.iter().filter(|byte| **byte == b':').count() > 1;
    v6 || is(b"a=ptime:") || is(b"a=maxptime:")
}

/// Runs of digits without the zeros before them.
fn digits(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let runs = line.split(|byte| !byte.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(|run| {
        let zeros = run.iter().take_while(|byte| **byte == b'0').count().min(run.len() - 1);
        &run[zeros..]
    })
}

/// RFC 8866 §5: a session section without one of its mandatory lines is no description.
fn mandatory(subject: &Subject, view: &View<'_>) -> Verdict {
    let lines = view.sections().next().map_or(&[][..], |section| section.lines);
    for kind in *b"vost" {
        let mut less = View::default();
        less.lines_mut().extend(lines.iter().filter(|line| line.kind() != Some(kind)));
        hold(Oracle::Truncation, (subject.read)(&less.print()).is_err(), || {
            format!("accepted without `{}=`", char::from(kind))
        })?;
    }
    Ok(())
}

/// RFC 8866 §5: an attribute that is not understood is ignored: all else stays.
fn unknown(subject: &Subject, view: &View<'_>, session: &Session) -> Verdict {
    let mut longer = view.print();
    if !longer.ends_with(b"\n") {
        longer.extend_from_slice(b"\r\n");
    }
    longer.extend_from_slice(b"a=x-rtcspec:96 apt=97\r\n");
    let mut wanted = session.clone();
    let last = wanted.media.last_mut().map(|media| &mut media.attributes);
    let attribute = "x-rtcspec:96 apt=97".parse::<Attribute>();
    last.unwrap_or(&mut wanted.attributes).extend(attribute);
    let again = (subject.read)(&longer);
    hold(Oracle::Metamorphic, again.as_ref() == Ok(&wanted), || {
        format!("with an unknown attribute at its end, {session:?} is read as {again:?}")
    })
}

/// Media sections in another order are the same sections in that order.
fn rotated(case: &mut Case<'_>, subject: &Subject, view: &View<'_>, session: &Session) -> Verdict {
    let text = |lines: &[Line<'_>]| {
        let mut text = Vec::with_capacity(1024);
        for line in lines {
            text.extend_from_slice(line.raw());
            text.extend_from_slice(b"\r\n");
        }
        text
    };
    let mut sections: Vec<Vec<u8>> = view.sections().map(|section| text(section.lines)).collect();
    hold(Oracle::Model, sections.len() == session.media.len() + 1, || {
        format!("{} media sections of {}", session.media.len(), sections.len() - 1)
    })?;
    if sections.len() < 3 {
        return Ok(());
    }
    case.see(&"rotated");
    sections[1..].rotate_left(1);
    let mut wanted = session.clone();
    wanted.media.rotate_left(1);
    let again = (subject.read)(&sections.concat());
    hold(Oracle::Metamorphic, again.as_ref() == Ok(&wanted), || {
        format!("with its first medium last, {session:?} is read as {again:?}")
    })
}
