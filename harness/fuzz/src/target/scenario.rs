//! `scenario_file`: any text, as a scenario; what is wrong has a place.

use std::collections::BTreeMap;
use std::ops::Range;

use rtcspec_suite::scenario;

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;

/// Holds reading of scenario files.
pub const FILE: Target = Target {
    name: "scenario_file",
    about: "scenario files: read or refused at a place; comments and order of tables say nothing",
    seeds: &["scenario"],
    dictionary: mutate::scenario::dictionary,
    mutate: mutate::scenario::mutate,
    body: |case| body(case, read),
    situations: &["accepted", "matrix", "refused", "refused with help", "two problems", "not toml"],
    plants: PLANTS,
};

/// A scenario is checked as a whole, and once for each run of its matrix.
const BUDGET: Budget = Budget {
    bytes: 8 << 20,
    bytes_each: 64 << 10,
    time: std::time::Duration::from_millis(50),
    time_each: std::time::Duration::from_micros(200),
};

/// A problem, without the text that it points into.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wrong {
    message: String,
    span: Option<Range<usize>>,
    help: Option<String>,
}

/// What is read of a file: the values of each run, with what the run does in words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    runs: Vec<(BTreeMap<String, String>, String)>,
}

type Read = fn(&str) -> Result<Reading, Vec<Wrong>>;

fn read(text: &str) -> Result<Reading, Vec<Wrong>> {
    match scenario::read("fuzz/file", text) {
        Ok(scenario) => {
            let runs = scenario.variants.into_iter();
            Ok(Reading { runs: runs.map(|run| (run.values, format!("{:?}", run.file))).collect() })
        }
        Err(error) => Err(error
            .problems
            .into_iter()
            .map(|problem| Wrong {
                message: problem.message,
                span: problem.span,
                help: problem.help,
            })
            .collect()),
    }
}

fn body(case: &mut Case<'_>, read: Read) -> Verdict {
    let Ok(text) = str::from_utf8(case.input) else { return Ok(()) };
    let outcome = case.within(BUDGET, text.len(), || read(text))?;
    if case.is_thorough() {
        hold(Oracle::Determinism, read(text) == outcome, || "two readings differ")?;
        commented(text, read, &outcome)?;
    }
    match outcome {
        Ok(reading) => {
            case.reach("accepted");
            if reading.runs.len() > 1 {
                case.reach("matrix");
            }
            case.see(&reading.runs.len());
            hold(Oracle::Model, (1..=64).contains(&reading.runs.len()), || {
                format!("{} runs of one file", reading.runs.len())
            })?;
            if case.is_thorough() { strange(text, read) } else { Ok(()) }
        }
        Err(problems) => problems_of(case, text, &problems),
    }
}

/// Each problem has words and a place that is there; they come in the order of the file.
fn problems_of(case: &mut Case<'_>, text: &str, problems: &[Wrong]) -> Verdict {
    case.reach("refused");
    if problems.len() > 1 {
        case.reach("two problems");
    }
    hold(Oracle::Model, !problems.is_empty(), || "refused for nothing")?;
    let mut before = 0;
    for problem in problems {
        if problem.help.is_some() {
            case.reach("refused with help");
        } else if problem.span.is_some() {
            case.reach("not toml");
        }
        case.see(&kind(&problem.message));
        hold(Oracle::Model, !problem.message.trim().is_empty(), || "a problem without words")?;
        let Some(span) = &problem.span else { continue };
        hold(Oracle::Model, text.get(span.clone()).is_some(), || {
            format!("{:?} is at {span:?} of {} bytes", problem.message, text.len())
        })?;
        hold(Oracle::Model, before <= span.start, || format!("{problems:?} are out of order"))?;
        before = span.start;
    }
    Ok(())
}

/// A message without the words of the file.
fn kind(message: &str) -> String {
    let parts = message.split('`').enumerate().filter(|(nth, _)| nth % 2 == 0);
    let text: String = parts.map(|(_, part)| part).collect();
    text.chars().filter(|char| char.is_ascii_alphabetic() || *char == ' ').take(40).collect()
}

/// A comment at the end says nothing, in a file that is a table after table.
fn commented(text: &str, read: Read, outcome: &Result<Reading, Vec<Wrong>>) -> Verdict {
    if outcome.is_err() {
        return Ok(());
    }
    let longer = format!("{text}\n# A comment.\n");
    let again = read(&longer);
    hold(Oracle::Metamorphic, again == *outcome, || {
        format!("with a comment, {outcome:?} becomes {again:?}")
    })
}

/// A key that no file has is refused, and told where it stands.
fn strange(text: &str, read: Read) -> Verdict {
    const LINE: &str = "zebra-crossing = 1\n";
    let outcome = read(&format!("{LINE}{text}"));
    let told = outcome.as_ref().err().is_some_and(|problems| {
        problems.iter().any(|problem| {
            problem.span.as_ref().is_some_and(|span| span.end < LINE.len())
                && problem.message.contains("zebra-crossing")
        })
    });
    hold(Oracle::Metamorphic, told, || format!("an unknown key gives {outcome:?}"))
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "scenario-unknown-ignored",
        source: "a key that is misspelt is passed over",
        body: |case| body(case, unknown_ignored),
    },
    Plant {
        name: "scenario-place-in-characters",
        source: "places are counted in characters and used as bytes",
        body: |case| body(case, place_in_characters),
    },
    Plant {
        name: "scenario-place-after-end",
        source: "what is missing is pointed at one past the end",
        body: |case| body(case, place_after_end),
    },
    Plant {
        name: "scenario-matrix-made-then-counted",
        source: "ours, found here: all combinations of a matrix are made before they are counted",
        body: |case| body(case, matrix_made),
    },
];

fn unknown_ignored(text: &str) -> Result<Reading, Vec<Wrong>> {
    let lines = text.split_inclusive('\n').filter(|line| !line.starts_with("zebra"));
    read(&lines.collect::<String>())
}

/// Places as a reader of `chars` gives them, looked up in bytes.
fn place_in_characters(text: &str) -> Result<Reading, Vec<Wrong>> {
    read(text).inspect_err(|problems| {
        for span in problems.iter().filter_map(|problem| problem.span.as_ref()) {
            let start = text[..span.start].chars().count();
            let _ = &text[start..];
        }
    })
}

fn place_after_end(text: &str) -> Result<Reading, Vec<Wrong>> {
    read(text).map_err(|mut problems| {
        for problem in &mut problems {
            if problem.message.contains("missing field") {
                problem.span = Some(text.len()..text.len() + 1);
            }
        }
        problems
    })
}

fn matrix_made(text: &str) -> Result<Reading, Vec<Wrong>> {
    let outcome = read(text);
    if let Err(problems) = &outcome {
        let runs = problems.iter().find_map(|problem| {
            let rest = problem.message.strip_prefix("the matrix unfolds into ")?;
            rest.split(' ').next()?.parse::<usize>().ok()
        });
        if let Some(runs) = runs {
            std::hint::black_box(Vec::<[usize; 64]>::with_capacity(runs.min(1 << 20)));
        }
    }
    outcome
}
