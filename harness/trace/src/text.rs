//! The transcript as a value: what `GRAMMAR.md` describes, printed and read back.

use std::borrow::Cow;
use std::fmt;

/// Columns a line may have.
const WIDTH: usize = 100;
/// What a continued line begins with.
const CONTINUED: &str = "          ";

/// A whole transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Title, seed, profile, peers, NATs, links: lines before the first section.
    pub header: Vec<String>,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Conclusions.
    pub facts: Vec<String>,
    /// The verdict.
    pub result: String,
}

/// One layer, or one layer after something was done to the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// `ice.check`.
    pub name: String,
    /// Milliseconds since the start; not in the loose profile.
    pub at: Option<u64>,
    /// What had to happen before.
    pub after: Option<String>,
    /// Its lines.
    pub lines: Vec<Entry>,
}

/// A line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Something happened.
    Line(Line),
    /// This many lines are not shown.
    Folded(usize),
}

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// `r`, `Ta`, `RTO:500`.
    pub cause: String,
    /// `A>B`, `A-xB`, `A=xB`, `A~>B`, `A.`.
    pub hop: String,
    /// What it is: message names, a pair, a word.
    pub what: String,
    /// What matters about it, in order.
    pub fields: Vec<String>,
    /// How it ended, for transactions.
    pub outcome: Option<String>,
    /// What an end learned from it: `B: +A.r0 prflx`.
    pub consequence: Option<String>,
    /// Why it did not arrive.
    pub reason: Option<String>,
}

impl Line {
    /// Cause, hop and what.
    pub(crate) fn new(cause: impl Into<String>, hop: impl Into<String>, what: &str) -> Self {
        let (cause, hop, what) = (cause.into(), hop.into(), what.to_owned());
        Self { cause, hop, what, ..Self::default() }
    }

    /// Everything after the hop.
    fn body(&self, pad: usize) -> String {
        let mut body = self.what.clone();
        if !self.fields.is_empty() {
            body = format!("{body:<pad$}  {}", self.fields.join(" "));
        }
        for (mark, part) in
            [(" = ", &self.outcome), ("  ", &self.consequence), ("  !", &self.reason)]
        {
            if let Some(part) = part {
                body.push_str(mark);
                body.push_str(part);
            }
        }
        body
    }

    fn render(&self, pad: usize, out: &mut String) {
        wrap(&format!("{:<3} {:<5} {}", self.cause, self.hop, self.body(pad)), out);
    }

    fn parse(text: &str) -> Option<Self> {
        let (cause, rest) = text.split_once(' ')?;
        let (hop, body) = rest.trim_start().split_once(' ')?;
        let mut line = Self::new(cause, hop, "");
        let mut body = body.trim_start();
        if let Some((front, reason)) = body.rsplit_once("  !") {
            line.reason = Some(reason.to_owned());
            body = front;
        }
        if let Some((front, tail)) = body.split_once(" = ") {
            let (outcome, consequence) = match tail.split_once("  ") {
                Some((outcome, consequence)) => (outcome, Some(consequence.to_owned())),
                None => (tail, None),
            };
            line.outcome = Some(outcome.to_owned());
            line.consequence = consequence;
            body = front;
        }
        let (what, fields) = body.split_once("  ").unwrap_or((body, ""));
        line.what = what.to_owned();
        line.fields = words(fields.trim_start());
        Some(line)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<3} {:<5} {}", self.cause, self.hop, self.body(0))
    }
}

/// Splits at blanks, but not inside double quotes.
fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for letter in text.chars() {
        if letter == ' ' && !quoted {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            continue;
        }
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = letter == '\\' && !escaped;
        word.push(letter);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// Writes a line, continued where it is too long.
fn wrap(line: &str, out: &mut String) {
    let mut rest = line;
    let mut room = WIDTH;
    while rest.chars().count() > room {
        let Some(at) = break_in(rest, room) else { break };
        out.push_str(&rest[..at]);
        out.push('\n');
        out.push_str(CONTINUED);
        rest = &rest[at + 1..];
        room = WIDTH - CONTINUED.len();
    }
    out.push_str(rest);
    out.push('\n');
}

/// Where the last single blank stands that still fits, not in the first columns.
fn break_in(text: &str, room: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let end = room.min(bytes.len().saturating_sub(1));
    (CONTINUED.len() + 2..=end).rev().find(|&at| {
        bytes[at] == b' '
            && bytes[at - 1] != b' '
            && bytes.get(at + 1).is_some_and(|next| *next != b' ')
    })
}

/// How wide `what` is in a section, so that fields stand below each other.
fn pad(section: &str) -> usize {
    match section {
        "dtls" | "sctp" | "close" => 20,
        _ => 0,
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(4096);
        self.header.iter().for_each(|line| wrap(line, &mut out));
        for section in &self.sections {
            out.push_str("== ");
            out.push_str(&section.name);
            if let Some(at) = section.at {
                out.push_str(&format!(" @{at}"));
            }
            if let Some(after) = &section.after {
                out.push_str(" after ");
                out.push_str(after);
            }
            out.push('\n');
            for entry in &section.lines {
                match entry {
                    Entry::Line(line) => line.render(pad(&section.name), &mut out),
                    Entry::Folded(count) => out.push_str(&format!("… ({count} lines folded)\n")),
                }
            }
        }
        out.push_str("== facts\n");
        self.facts.iter().for_each(|line| wrap(line, &mut out));
        wrap(&format!("== result {}", self.result), &mut out);
        f.write_str(&out)
    }
}

/// Why a text is not a transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read line {line} of a transcript: {text:?}")]
pub struct ParseError {
    /// Which line, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
}

impl std::str::FromStr for Transcript {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut transcript = Self::default();
        let mut place = Place::Header;
        for (number, line) in unwrapped(text) {
            let wrong = || ParseError { line: number, text: line.clone() };
            // A carriage return at the end of a line would be read once, and not again; a line of
            // blanks that is continued would be taken for the end of the one before it.
            if line.contains(char::is_control) || line.starts_with(CONTINUED) {
                return Err(wrong());
            }
            if let Some(head) = line.strip_prefix("== ") {
                place = transcript.open(head).ok_or_else(wrong)?;
                continue;
            }
            match place {
                Place::Header => transcript.header.push(line),
                Place::Facts => transcript.facts.push(line),
                Place::Section => {
                    let entry = entry(&line).ok_or_else(wrong)?;
                    transcript.sections.last_mut().ok_or_else(wrong)?.lines.push(entry);
                }
                Place::Result => return Err(wrong()),
            }
        }
        Ok(transcript)
    }
}

/// Where the reader is.
#[derive(Clone, Copy)]
enum Place {
    Header,
    Section,
    Facts,
    Result,
}

impl Transcript {
    /// Begins what a section's head says; `None` if its time is none.
    fn open(&mut self, head: &str) -> Option<Place> {
        if head == "facts" {
            return Some(Place::Facts);
        }
        if let Some(result) = head.strip_prefix("result ") {
            result.clone_into(&mut self.result);
            return Some(Place::Result);
        }
        let (head, after) = match head.split_once(" after ") {
            Some((head, after)) => (head, Some(after.to_owned())),
            None => (head, None),
        };
        let (name, at) = match head.split_once(" @") {
            Some((name, at)) => (name, Some(at.parse().ok()?)),
            None => (head, None),
        };
        self.sections.push(Section { name: name.to_owned(), at, after, lines: Vec::new() });
        Some(Place::Section)
    }
}

fn entry(line: &str) -> Option<Entry> {
    match line.strip_prefix("… (") {
        Some(rest) => Some(Entry::Folded(rest.split(' ').next()?.parse().ok()?)),
        None => Line::parse(line).map(Entry::Line),
    }
}

/// Lines with their continuations joined, and the number each begins at.
fn unwrapped(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix(CONTINUED), lines.last_mut()) {
            (Some(more), Some((_, last))) => {
                last.push(' ');
                last.push_str(more);
            }
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

/// A text of a peer in quotes: printable ASCII, nothing the grammar reads as a mark, bounded.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    let mut before = b'x';
    for &byte in bytes.iter().take(40) {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte.into());
            }
            b' ' | b'=' | b'!' if before == b' ' => out.push_str(&format!("\\x{byte:02x}")),
            0x20..=0x7e => out.push(byte.into()),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
        before = byte;
    }
    if bytes.len() > 40 {
        out.push_str("..");
    }
    out.push('"');
    out
}

/// A text of a capture or a peer as a terminal may show it, on one line: what moves the cursor, or
/// is not seen at all, is escaped.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_printable(letter) {
            out.push(letter);
        } else {
            out.extend(letter.escape_debug());
        }
    }
    Cow::Owned(out)
}

fn is_printable(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '\\') || letter.escape_debug().count() == 1
}

/// A text of a peer as one word without blanks or marks.
pub(crate) fn word(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_graphic() && c != '"' { c } else { '_' };
    let word: String = text.chars().take(60).map(safe).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z][a-z0-9]{0,8}(=[A-Z+a-z0-9.:/,]{1,10})?",
            proptest::collection::vec(any::<u8>(), 0..50).prop_map(|bytes| quote(&bytes)),
        ]
    }

    fn line() -> impl Strategy<Value = Line> {
        (
            "(r|Ta|RTO:[0-9]{1,6}|T3:1000)",
            "(A|B|turn)(>|-x|=x|~>)(A|B|stun)|A\\.",
            "[A-Za-z]{1,9}( [A-Z/0-9-]{1,9}){0,3}",
            proptest::collection::vec(field(), 0..20),
            proptest::option::of("(ok|4[0-9]{2})( [a-z=/*+]{2,9}){0,3}"),
            "B: \\+A\\P{Cc}r[0-9] prflx",
            proptest::option::of("[a-z.-]{1,12}"),
        )
            .prop_map(|(cause, hop, what, fields, outcome, consequence, reason)| {
                let consequence = outcome.as_ref().map(|_| consequence);
                Line { cause, hop, what, fields, outcome, consequence, reason }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_printed_is_read_back(
            lines in proptest::collection::vec(line(), 0..6),
            folded in 1_usize..99,
            name in "(signal|ice\\.check|dtls|sctp)",
            at in proptest::option::of(0_u64..1_000_000),
            after in proptest::option::of("[a-z.()A-B ]{0,3}[a-z]{1,9}"),
        ) {
            let mut entries: Vec<Entry> = lines.into_iter().map(Entry::Line).collect();
            entries.push(Entry::Folded(folded));
            let transcript = Transcript {
                header: vec!["transcript 1   nat/x   seed=7   profile=exact".to_owned()],
                sections: vec![Section { name, at, after, lines: entries }],
                facts: vec!["path  direct".to_owned()],
                result: "ok   dtls=1.2".to_owned(),
            };
            let text = transcript.to_string();
            prop_assert_eq!(text.parse::<Transcript>().expect("it is one"), transcript, "{}", text);
            prop_assert!(text.lines().all(|line| !line.ends_with(' ')));
        }
    }

    /// Found by the fuzz target `transcript`: a carriage return without a line feed was kept, and
    /// lost when the text was printed and read again.
    #[test]
    fn control_characters_are_refused_at_their_line() {
        let read = |text: &str| text.parse::<Transcript>().map_err(|error| error.line);
        assert_eq!(read("transcript 1\n== facts\nx\r"), Err(3));
        assert_eq!(read("transcript 1\n== result ok\r\r\n"), Err(2));
        assert!(read("transcript 1\r\n== result ok\r\n").is_ok());
    }

    /// Found by the fuzz target `transcript`: a time that is none was lost, and a section `facts` with
    /// such a time came back as the facts.
    #[test]
    fn time_of_a_section_that_is_none_is_refused_at_its_line() {
        let read = |text: &str| text.parse::<Transcript>().map_err(|error| error.line);
        assert_eq!(read("transcript 1\n== facts @5link\n"), Err(2));
        assert!(read("transcript 1\n== dtls @5 after x\n").is_ok());
    }

    /// Found by the fuzz target `transcript`: nine blanks and their continuation came back as the end of
    /// the line before.
    #[test]
    fn a_continuation_of_nothing_is_refused_at_its_line() {
        let read = |text: &str| text.parse::<Transcript>().map_err(|error| error.line);
        assert_eq!(read("transcript 1\n         \n          x\n"), Err(2));
        assert_eq!(read("          x\n"), Err(1));
        assert!(read("transcript 1\n          x\n").is_ok());
    }

    #[test]
    fn what_moves_the_cursor_or_is_not_seen_is_escaped() {
        assert_eq!(printable("a \"quoted\" §14.2 … it's \\"), "a \"quoted\" §14.2 … it's \\");
        assert_eq!(printable("x\u{1b}[31mRED\n\nok\r"), "x\\u{1b}[31mRED\\n\\nok\\r");
        assert_eq!(printable("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
    }

    #[test]
    fn long_lines_are_continued_within_a_hundred_columns() {
        let mut line = Line::new("r", "A>B", "INIT");
        line.fields = (0..60).map(|n| format!("field{n}=value")).collect();
        let mut out = String::new();
        line.render(20, &mut out);
        assert!(out.lines().count() > 3 && out.lines().all(|line| line.len() <= WIDTH));
    }
}
