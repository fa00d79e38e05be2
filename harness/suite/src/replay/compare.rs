//! Where two transcripts part: by what was done, not by how often or by whose stack.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_trace::{Entry, Line, Transcript};

/// A line that only one of two transcripts has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Its section.
    pub section: String,
    /// Its number in the transcript it stands in, from 1.
    pub number: usize,
    /// Whether the capture has it and the replay has not; else the other way round.
    pub missing: bool,
    /// The line.
    pub line: String,
}

/// Every line that one has and the other has not, in the order of sections; the first is where they
/// part.
#[must_use]
pub fn partings(capture: &Transcript, replay: &Transcript) -> Vec<Parting> {
    let (left, right) = (numbered(capture), numbered(replay));
    let keys = |lines: &[Numbered]| lines.iter().map(|line| line.key.clone()).collect();
    let (of_left, of_right): (BTreeSet<Key>, BTreeSet<Key>) = (keys(&left), keys(&right));
    let mut found = only(&left, &of_right, true);
    found.extend(only(&right, &of_left, false));
    found.sort_by_key(|parting| (place(&parting.section), !parting.missing, parting.number));
    found
}

/// Section, and what of a line tells behaviours apart.
type Key = (String, String);

#[derive(Debug)]
struct Numbered {
    key: Key,
    number: usize,
    line: String,
}

fn only(lines: &[Numbered], others: &BTreeSet<Key>, missing: bool) -> Vec<Parting> {
    let mut said = BTreeSet::new();
    let news = lines.iter().filter(|line| !others.contains(&line.key));
    let fresh = news.filter(|line| said.insert(line.key.clone()));
    fresh
        .map(|line| Parting {
            section: line.key.0.clone(),
            number: line.number,
            missing,
            line: line.line.clone(),
        })
        .collect()
}

/// Lines of a transcript that say something of behaviour, with their numbers in the text.
fn numbered(transcript: &Transcript) -> Vec<Numbered> {
    let text = transcript.to_string();
    // A continuation begins with ten blanks.
    let mut heads = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with("          "));
    let mut lines = Vec::new();
    let mut take = || heads.next().map_or(0, |(number, _)| number);
    for _ in &transcript.header {
        take();
    }
    for section in &transcript.sections {
        take();
        for entry in &section.lines {
            let number = take();
            let Entry::Line(line) = entry else { continue };
            if let Some(key) = key(&section.name, line) {
                let line = line.to_string();
                lines.push(Numbered { key: (section.name.clone(), key), number, line });
            }
        }
    }
    lines
}

fn place(section: &str) -> usize {
    let order = ["net", "signal", "ice.gather", "ice.check", "turn", "dtls", "sctp", "dc", "close"];
    order.iter().position(|name| *name == section).unwrap_or(order.len())
}

/// What of a line is behaviour: not numbers, addresses and counts, nor what a stack announces about
/// itself.
fn key(section: &str, line: &Line) -> Option<String> {
    let fields = |keep: fn(&str) -> bool| {
        let kept: Vec<&str> =
            line.fields.iter().map(String::as_str).filter(|field| keep(field)).collect();
        kept.join(" ")
    };
    let (hop, what) = (&line.hop, line.what.as_str());
    let outcome = line.outcome.as_deref().and_then(|outcome| outcome.split(' ').next());
    Some(match section {
        // Candidates belong to the machine.
        "signal" if what == "cand" || what == "end-of-candidates" => return None,
        "signal" => format!("{hop} {what} {}", fields(|f| f == "application" || f == "REJECTED")),
        "ice.check" if what.starts_with("chk") => {
            let nominates = fields(|field| field == "USE-CANDIDATE");
            format!("{hop} chk {nominates} {}", outcome.unwrap_or("-"))
        }
        "ice.check" | "ice.gather" | "turn" => {
            let verb = what.split(' ').next().unwrap_or_default();
            format!("{hop} {verb} {}", outcome.unwrap_or("-"))
        }
        "dtls" => {
            let version = fields(|field| matches!(field, "1.2" | "1.3" | "cert=MISMATCH"));
            let version = if what == "SH" { version } else { String::new() };
            format!("{hop} {what} {version}")
        }
        "sctp" => format!("{hop} {what} {}", fields(is_alarm)),
        "dc" => {
            let told = |field: &str| {
                !field.starts_with('x') || !field[1..].starts_with(|c: char| c.is_ascii_digit())
            };
            let words = line.fields.iter().filter(|field| told(field)).map(|field| {
                // Equal payloads have equal numbers, but only within one transcript.
                field.split('#').next().unwrap_or_default()
            });
            format!("{hop} {what} {}", words.collect::<Vec<_>>().join(" "))
        }
        "close" => format!("{hop} {what} {}", fields(|field| field.starts_with("cause="))),
        _ => return None,
    })
}

fn is_alarm(field: &str) -> bool {
    let word = field.split(['=', ':', '(']).next().unwrap_or_default();
    word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase() || c == '-')
}

/// How often each section differs.
#[must_use]
pub(super) fn tally(partings: &[Parting]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<usize, (String, usize)> = BTreeMap::new();
    for parting in partings {
        let place = place(&parting.section);
        counts.entry(place).or_insert_with(|| (parting.section.clone(), 0)).1 += 1;
    }
    counts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &str) -> Transcript {
        let text = format!(
            "transcript 1   x   profile=loose\npeer A  x  offerer\n{lines}== facts\n== result ok\n"
        );
        text.parse().expect("it is a transcript")
    }

    #[test]
    fn counts_and_payload_numbers_are_no_behaviour() {
        let one = transcript("== dc\nr   A>B   msg  x1 sid=1 binary bytes(6)#1\n");
        let other = transcript("== dc\nr   A>B   msg  x2..3 sid=1 binary bytes(6)#4\n");
        assert_eq!(partings(&one, &other), []);
    }

    #[test]
    fn the_lowest_layer_comes_first_with_its_line_in_the_text() {
        let capture = transcript(
            "== dtls\nr   A>B   CH\nr   B>A   HVR\n== dc\nr   B.    open  x1 sid=1 \"a\"\n",
        );
        let replay = transcript("== dtls\nr   A>B   CH\n== dc\nr   B.    open  x1 sid=1 \"b\"\n");
        let found = partings(&capture, &replay);
        let brief: Vec<_> =
            found.iter().map(|p| (p.section.as_str(), p.number, p.missing)).collect();
        assert_eq!(brief, [("dtls", 5, true), ("dc", 7, true), ("dc", 6, false)]);
        assert!(found[0].line.contains("HVR"));
    }
}
