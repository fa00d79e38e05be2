//! What changed between two transcripts, verdict first.

use std::collections::BTreeMap;
use std::fmt;

use crate::text::{Entry, Line, Section, Transcript};

/// The difference of two transcripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// What kind of difference it is, most important first.
    pub verdicts: Vec<String>,
    /// `-` and `+` lines under their section's head; unchanged lines are left out.
    pub lines: Vec<String>,
}

impl Diff {
    /// Whether the two transcripts are the same text.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.verdicts.first().is_some_and(|verdict| verdict == "identical")
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdicts.join(", "))?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Compares two transcripts. What is not a transcript is compared line by line.
#[must_use]
pub fn diff(a: &str, b: &str) -> Diff {
    if a == b {
        return Diff { verdicts: vec!["identical".to_owned()], lines: Vec::new() };
    }
    match (a.parse::<Transcript>(), b.parse::<Transcript>()) {
        (Ok(a), Ok(b)) => semantic(&a, &b),
        _ => {
            let (a, b): (Vec<String>, Vec<String>) = (texts(a), texts(b));
            Diff { verdicts: vec!["not transcripts".to_owned()], lines: changed(&a, &b) }
        }
    }
}

fn texts(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// What was seen to differ.
#[derive(Debug, Default)]
struct Seen {
    order: bool,
    time: bool,
    more: BTreeMap<&'static str, i64>,
    attributes: Vec<String>,
    violations: Vec<String>,
    gone: usize,
    added: usize,
    header: bool,
    result: Option<(String, String)>,
}

fn semantic(a: &Transcript, b: &Transcript) -> Diff {
    let mut seen = Seen::default();
    let mut lines = Vec::new();
    if a.header != b.header {
        seen.header = true;
        lines.extend(changed(&a.header, &b.header));
    }
    let (left, right) = (numbered(&a.sections), numbered(&b.sections));
    let mut all: Vec<&(String, usize)> = left.keys().chain(right.keys()).collect();
    all.sort_by_key(|key| {
        let place =
            |t: &BTreeMap<(String, usize), (usize, &Section)>| t.get(*key).map(|(at, _)| *at);
        place(&left).or_else(|| place(&right))
    });
    all.dedup();
    let none = Section::default();
    for key in all {
        let of = |t: &BTreeMap<(String, usize), (usize, &Section)>| {
            t.get(key).map(|(_, s)| (*s).clone())
        };
        let (one, other) = (of(&left).unwrap_or(none.clone()), of(&right).unwrap_or(none.clone()));
        let found = section(&one, &other, &mut seen);
        if !found.is_empty() {
            lines.push(format!("== {}", key.0));
            lines.extend(found);
        }
    }
    if a.facts != b.facts {
        lines.push("== facts".to_owned());
        lines.extend(changed(&a.facts, &b.facts));
    }
    if a.result != b.result {
        lines.push(format!("-== result {}", a.result));
        lines.push(format!("+== result {}", b.result));
        seen.result = Some((a.result.clone(), b.result.clone()));
    }
    Diff { verdicts: verdicts(&seen), lines }
}

/// Sections by name, and how many of that name came before.
fn numbered(sections: &[Section]) -> BTreeMap<(String, usize), (usize, &Section)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (at, section) in sections.iter().enumerate() {
        let count = counts.entry(&section.name).or_default();
        found.insert((section.name.clone(), *count), (at, section));
        *count += 1;
    }
    found
}

/// What makes a line the same line in both: its direction, and pair and attempt or messages.
fn key(line: &Line) -> (String, String) {
    let ends = line.hop.replace("-x", ">").replace("=x", ">");
    (ends, line.what.clone())
}

fn section(a: &Section, b: &Section, seen: &mut Seen) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest: Vec<Option<&Line>> = b.shown().map(Some).collect();
    let mut order: Vec<usize> = Vec::new();
    let mut places: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, line) in b.shown().enumerate() {
        places.entry(key(line)).or_default().push(at);
    }
    places.values_mut().for_each(|places| places.reverse());
    for line in a.shown() {
        let twin = places.get_mut(&key(line)).and_then(Vec::pop);
        let Some(at) = twin else {
            seen.gone += 1;
            out.push(format!("-{}", text(line)));
            continue;
        };
        order.push(at);
        if let Some(other) = rest.get_mut(at).and_then(Option::take)
            && other != line
        {
            compare(line, other, seen);
            out.push(format!("-{}", text(line)));
            out.push(format!("+{}", text(other)));
        }
    }
    for line in rest.into_iter().flatten() {
        seen.added += 1;
        seen.violations.extend(line.fields.iter().filter(|f| is_alarm(f)).cloned());
        out.push(format!("+{}", text(line)));
    }
    let moved = order.windows(2).any(|two| two[0] > two[1]);
    if moved {
        seen.order = true;
        if out.is_empty() {
            out.push(" (the same lines in another order)".to_owned());
        }
    }
    let folds = |s: &Section| {
        s.lines.iter().map(|entry| if let Entry::Folded(n) = entry { *n } else { 0 }).sum::<usize>()
    };
    if folds(a) != folds(b) {
        out.push(format!(" ({} lines folded, then {})", folds(a), folds(b)));
        seen.added += 1;
    }
    if a.at != b.at && !(a.lines.is_empty() || b.lines.is_empty()) {
        seen.time = true;
        let ms = |at: Option<u64>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        out.insert(0, format!(" @{} -> @{}", ms(a.at), ms(b.at)));
    }
    out
}

/// What of two twins differs.
fn compare(a: &Line, b: &Line, seen: &mut Seen) {
    if a.cause != b.cause {
        seen.time = true;
    }
    let repeats = |line: &Line| {
        let count = line.fields.iter().find_map(|f| f.strip_prefix('x')?.parse::<i64>().ok());
        count.unwrap_or(1)
    };
    let more = repeats(b) - repeats(a);
    if more != 0 {
        *seen.more.entry("retransmission").or_default() += more;
    }
    let is_count = |field: &&String| {
        field.starts_with("RTO:")
            || field.strip_prefix('x').is_some_and(|n| n.parse::<i64>().is_ok())
    };
    let new = b.fields.iter().filter(|field| !is_count(field) && !a.fields.contains(field));
    for field in new {
        if is_alarm(field) {
            seen.violations.push(field.clone());
        } else {
            seen.attributes.push(field.clone());
        }
    }
    let old = a.fields.iter().filter(|field| !is_count(field) && !b.fields.contains(field));
    seen.attributes.extend(old.map(|field| format!("no {field}")));
    if a.hop != b.hop
        || a.outcome != b.outcome
        || a.reason != b.reason
        || a.consequence != b.consequence
    {
        seen.attributes.push(format!("another outcome of {}", b.what));
    }
}

/// Deviations are in capitals.
fn is_alarm(field: &str) -> bool {
    let word = field.split(['=', ':', '(']).next().unwrap_or_default();
    let known = ["USE-CANDIDATE"];
    word.len() > 2
        && word.chars().all(|c| c.is_ascii_uppercase() || c == '-')
        && !known.contains(&word)
        && word != "RTO"
}

fn verdicts(seen: &Seen) -> Vec<String> {
    let mut verdicts = Vec::new();
    if let Some((before, after)) = &seen.result {
        let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
        let (before, after) = (first(before), first(after));
        let text = if before == after {
            "another result line".to_owned()
        } else {
            format!("result {before} -> {after}")
        };
        verdicts.push(text);
    }
    for violation in seen.violations.iter().take(3) {
        verdicts.push(format!("new violation {violation}"));
    }
    if seen.gone + seen.added > 0 {
        verdicts.push(format!("{} lines gone, {} new", seen.gone, seen.added));
    }
    for (what, count) in &seen.more {
        let (count, word) = (count.abs(), if *count > 0 { "more" } else { "fewer" });
        let count = if count == 1 { "one".to_owned() } else { count.to_string() };
        let plural = if count == "one" { "" } else { "s" };
        verdicts.push(format!("{count} {word} {what}{plural}"));
    }
    if let Some(first) = seen.attributes.first() {
        let more = seen.attributes.len() - 1;
        let more = if more > 0 { format!(" and {more} further changes") } else { String::new() };
        verdicts.push(format!("new attribute {first}{more}"));
    }
    if seen.header {
        verdicts.push("another header".to_owned());
    }
    if verdicts.is_empty() {
        verdicts = match (seen.order, seen.time) {
            (true, true) => vec!["order and time only".to_owned()],
            (true, false) => vec!["order only".to_owned()],
            (false, true) => vec!["time only".to_owned()],
            (false, false) => vec!["facts only".to_owned()],
        };
    }
    verdicts
}

fn text(line: &Line) -> String {
    line.to_string()
}

/// Lines only in one of two lists.
fn changed(a: &[String], b: &[String]) -> Vec<String> {
    let gone = a.iter().filter(|line| !b.contains(line)).map(|line| format!("-{line}"));
    let new = b.iter().filter(|line| !a.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).collect()
}
