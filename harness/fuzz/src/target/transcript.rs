//! `transcript`: a text that is read as a transcript is printed, and read again, as the same.

use rtcspec_trace::{Entry, ParseError, Transcript, diff};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;

/// Holds the text of transcripts (`GRAMMAR.md`) and their comparison.
pub const TEXT: Target = Target {
    name: "transcript",
    about: "transcripts: what is printed is read back; a text differs from itself in nothing",
    seeds: &["transcript"],
    dictionary: mutate::transcript::dictionary,
    mutate: mutate::transcript::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "refused",
        "sections",
        "facts",
        "result",
        "folded",
        "outcome",
        "reason",
        "continued",
    ],
    plants: PLANTS,
};

/// Lines and their words become values.
const BUDGET: Budget = Budget { bytes_each: 1024, ..Budget::TEXT };

/// Comparing reads both, and aligns their lines.
const COMPARING: Budget = Budget {
    bytes: 1 << 20,
    bytes_each: 8192,
    time: std::time::Duration::from_millis(10),
    time_each: std::time::Duration::from_micros(20),
};

/// A reader and a printer.
struct Subject {
    read: fn(&str) -> Result<Transcript, ParseError>,
    print: fn(&Transcript) -> String,
}

impl Subject {
    const OURS: Self = Self { read: str::parse, print: ToString::to_string };
}

fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let Ok(text) = str::from_utf8(case.input) else { return Ok(()) };
    let outcome = case.within(BUDGET, text.len(), || (subject.read)(text))?;
    if case.is_thorough() {
        let again = (subject.read)(text);
        hold(Oracle::Determinism, again == outcome, || "two readings differ")?;
    }
    let transcript = match outcome {
        Ok(transcript) => transcript,
        Err(error) => {
            case.reach("refused");
            let there = (1..=text.lines().count()).contains(&error.line);
            return hold(Oracle::Model, there, || {
                format!("{error} in {} lines", text.lines().count())
            });
        }
    };
    if case.is_noted() {
        note(case, text, &transcript);
    }
    let printed = case.within(BUDGET, text.len(), || (subject.print)(&transcript))?;
    if case.comes_back(printed.as_bytes()) {
        return Ok(());
    }
    let again = (subject.read)(&printed);
    hold(Oracle::RoundTrip, again.as_ref() == Ok(&transcript), || {
        differs(subject, &transcript, again.as_ref())
    })?;
    if !case.is_thorough() {
        return Ok(());
    }
    let same = case.within(COMPARING, text.len(), || diff(&printed, &printed))?;
    hold(Oracle::Metamorphic, same.is_identical(), || "a transcript differs from itself")
}

/// The first part that comes back otherwise, as short as it can be told.
fn differs(
    subject: &Subject,
    before: &Transcript,
    again: Result<&Transcript, &ParseError>,
) -> String {
    let again = match again {
        Ok(again) => again,
        Err(error) => return format!("what was printed is refused: {error}"),
    };
    let entries = |all: &Transcript| -> Vec<Entry> {
        all.sections.iter().flat_map(|section| section.lines.clone()).collect()
    };
    let (one, other) = (entries(before), entries(again));
    if let Some((one, other)) = one.iter().zip(&other).find(|(one, other)| one != other) {
        return format!("{one:?} comes back as {other:?}");
    }
    let (one, other) = ((subject.print)(before), (subject.print)(again));
    let mut lines = one.lines().zip(other.lines());
    let line = lines.find(|(one, other)| one != other);
    format!("{:?} of {} and {} lines", line, one.lines().count(), other.lines().count())
}

fn note(case: &mut Case<'_>, text: &str, transcript: &Transcript) {
    if !transcript.sections.is_empty() {
        case.reach("sections");
    }
    if !transcript.facts.is_empty() {
        case.reach("facts");
    }
    if !transcript.result.is_empty() {
        case.reach("result");
    }
    if text.contains("\n          ") {
        case.reach("continued");
    }
    for section in &transcript.sections {
        case.see(&(section.at.is_some(), section.after.is_some(), section.lines.len().min(4)));
        for entry in &section.lines {
            match entry {
                Entry::Folded(_) => case.reach("folded"),
                Entry::Line(line) => {
                    if line.outcome.is_some() {
                        case.reach("outcome");
                    }
                    if line.reason.is_some() {
                        case.reach("reason");
                    }
                    case.see(&(
                        line.fields.len().min(6),
                        line.outcome.is_some(),
                        line.consequence.is_some(),
                        line.reason.is_some(),
                    ));
                }
            }
        }
    }
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "transcript-fold-forgotten",
        source: "how many lines are folded is printed and read as none",
        body: |case| body(case, &Subject { print: fold_forgotten, ..Subject::OURS }),
    },
    Plant {
        name: "transcript-column-in-bytes",
        source: "a line is cut at a column counted in bytes, inside a character",
        body: |case| body(case, &Subject { print: column_in_bytes, ..Subject::OURS }),
    },
    Plant {
        name: "transcript-line-number",
        source: "an error counts lines from the continued ones only",
        body: |case| body(case, &Subject { read: line_number, ..Subject::OURS }),
    },
    Plant {
        name: "transcript-reason-dropped",
        source: "why something did not arrive is read and not printed",
        body: |case| body(case, &Subject { print: reason_dropped, ..Subject::OURS }),
    },
];

fn fold_forgotten(transcript: &Transcript) -> String {
    let text = transcript.to_string();
    text.split_inclusive('\n').filter(|line| !line.starts_with('…')).collect()
}

fn column_in_bytes(transcript: &Transcript) -> String {
    let text = transcript.to_string();
    text.lines().for_each(|line| {
        let _ = &line[..line.len().min(60)];
    });
    text
}

fn line_number(text: &str) -> Result<Transcript, ParseError> {
    text.parse().map_err(|error: ParseError| ParseError { line: error.line - 1, ..error })
}

fn reason_dropped(transcript: &Transcript) -> String {
    let mut transcript = transcript.clone();
    for entry in transcript.sections.iter_mut().flat_map(|section| &mut section.lines) {
        if let Entry::Line(line) = entry {
            line.reason = None;
        }
    }
    transcript.to_string()
}
