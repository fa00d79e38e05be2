//! What an oracle says against an execution.

use std::fmt;

/// Which property did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oracle {
    /// Code under test panicked.
    Panic,
    /// More bytes were allocated than the input can account for.
    Allocation,
    /// What was allocated was not given back, time after time.
    Leak,
    /// One input took too long.
    Time,
    /// What was read does not come back when it is written and read again.
    RoundTrip,
    /// A change that must not matter did, or one that must did not.
    Metamorphic,
    /// A piece of a message was taken for the whole.
    Truncation,
    /// The same input gave two results.
    Determinism,
    /// A rule of the state machine was broken.
    Model,
}

impl Oracle {
    /// The word reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Allocation => "allocation",
            Self::Leak => "leak",
            Self::Time => "time",
            Self::RoundTrip => "round-trip",
            Self::Metamorphic => "metamorphic",
            Self::Truncation => "truncation",
            Self::Determinism => "determinism",
            Self::Model => "model",
        }
    }
}

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", oracle.name())]
pub struct Finding {
    /// Which property.
    pub oracle: Oracle,
    /// What was seen, with its numbers.
    pub what: String,
}

impl Finding {
    /// A violation of `oracle`.
    pub fn new(oracle: Oracle, what: impl fmt::Display) -> Self {
        Self { oracle, what: what.to_string() }
    }

    /// What two findings of one defect have in common: the text without its numbers and without the
    /// values that it shows. Of a panic its line counts, and of its words those before anything quoted.
    #[must_use]
    pub fn class(&self) -> String {
        let name = self.oracle.name();
        let place = (self.oracle == Oracle::Panic).then(|| place(&self.what)).flatten();
        match (self.oracle, place) {
            (_, Some((words, line))) => format!("{name}: {}, {line}", numberless(unquoted(words))),
            // The same delay is one of seconds here and of milliseconds there.
            (Oracle::Time, None) => format!("{name}: {}", unitless(&numberless(&self.what))),
            _ => format!("{name}: {}", numberless(&valueless(&self.what))),
        }
    }
}

/// The words of a panic, and its file and line. Its column says no more.
fn place(what: &str) -> Option<(&str, &str)> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (words, place) = what.rsplit_once(", ")?;
    let (line, _) = place.rsplit_once(':').filter(|(_, column)| number(column))?;
    let has_line = line.rsplit_once(':').is_some_and(|(_, line)| number(line));
    Some((words, if has_line { line } else { place }))
}

/// Words as far as nothing of an input is quoted in them.
fn unquoted(words: &str) -> &str {
    let mut before = ' ';
    let quotes = words.find(|char: char| {
        // An apostrophe within a word quotes nothing.
        let quotes = matches!(char, '`' | '"' | '{' | '[' | '\n')
            || char == '\'' && !before.is_alphanumeric();
        before = char;
        quotes
    });
    words[..quotes.unwrap_or(words.len())].trim_end()
}

/// A text without what `Debug` shows: what stands in braces, brackets and double quotes.
fn valueless(text: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for char in text.chars() {
        let outside = depth == 0 && !quoted;
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        // What opens and what closes the outermost stay.
        if outside || depth == 0 && !quoted {
            out.push(char);
        }
    }
    out
}

/// A text with `#` for each number, hexadecimal ones and fractions too.
fn numberless(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(char) = rest.chars().next() {
        let length = number(rest);
        out.push(if length == 0 { char } else { '#' });
        rest = &rest[length.max(char.len_utf8())..];
    }
    out
}

/// How long the number is that a text begins with.
fn number(text: &str) -> usize {
    let digits = |text: &str, is: fn(&u8) -> bool| text.bytes().take_while(is).count();
    let hexadecimal = text.strip_prefix("0x").map_or(0, |rest| digits(rest, u8::is_ascii_hexdigit));
    if hexadecimal > 0 {
        return 2 + hexadecimal;
    }
    let whole = digits(text, u8::is_ascii_digit);
    let fraction =
        text[whole..].strip_prefix('.').map_or(0, |rest| digits(rest, u8::is_ascii_digit));
    if whole > 0 && fraction > 0 { whole + 1 + fraction } else { whole }
}

/// Durations without their units.
fn unitless(text: &str) -> String {
    ["ns", "\u{b5}s", "ms"]
        .iter()
        .fold(text.to_owned(), |text, unit| text.replace(&format!("#{unit}"), "#s"))
}

/// What a body returns.
pub type Verdict = Result<(), Finding>;

/// Holds a property, or says what broke it.
///
/// # Errors
/// `holds` is false.
pub fn hold<D: fmt::Display>(oracle: Oracle, holds: bool, what: impl FnOnce() -> D) -> Verdict {
    if holds { Ok(()) } else { Err(Finding::new(oracle, what())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(oracle: Oracle, what: &str) -> String {
        Finding::new(oracle, what).class()
    }

    #[test]
    fn findings_of_one_defect_share_their_class() {
        let one = class(Oracle::Panic, "range end 20 out of 4, decode.rs:151");
        let other = class(Oracle::Panic, "range end 8000 out of 12, decode.rs:151");
        assert_eq!(one, other);
        assert_ne!(one, class(Oracle::Time, "20 ms"));
    }

    #[test]
    fn panics_at_two_lines_are_two_classes_and_columns_do_not_count() {
        let at = |place: &str| {
            class(
                Oracle::Panic,
                &format!("attempt to add with overflow, a-0.21.1/src/b.rs:{place}"),
            )
        };
        assert_eq!(at("1664:38"), "panic: attempt to add with overflow, a-0.21.1/src/b.rs:1664");
        assert_eq!(at("1664:38"), at("1664:9"));
        assert_ne!(at("1664:38"), at("1665:38"));
        let unwrapped = "called `Result::unwrap()` on an `Err` value: Name([1, 2]), b.rs:7:1";
        assert_eq!(class(Oracle::Panic, unwrapped), "panic: called, b.rs:7");
        assert_eq!(class(Oracle::Panic, "it's 20 bytes, or so"), "panic: it's # bytes, or so");
    }

    #[test]
    fn values_that_are_shown_do_not_count() {
        let shown = |message: &str, written: &str| {
            class(Oracle::RoundTrip, &format!("read {message}, wrote {written}, read Err(Short)"))
        };
        let one = shown("Open { label: \"a}\\\"b\", list: [{1}] }", "[01, 0a]");
        assert_eq!(one, "round-trip: read Open {}, wrote [], read Err(Short)");
        assert_eq!(one, shown("Open { label: \"\", list: [] }", "[]"));
        assert_eq!(class(Oracle::Model, "kind 0x1f: {1"), class(Oracle::Model, "kind 0xa: {22"));
        // What is told without being shown stays.
        let told = "messages of `main` arrive at tested: 1 of 20 sent, not 20 (Channel)";
        let kept = "model: messages of `main` arrive at tested: # of # sent, not # (Channel)";
        assert_eq!(class(Oracle::Model, told), kept);
    }

    #[test]
    fn a_delay_is_the_same_in_any_unit() {
        let took =
            |time: &str| class(Oracle::Time, &format!("{time} for 12 bytes, 1.0024ms allowed"));
        assert_eq!(took("2.5s"), "time: #s for # bytes, #s allowed");
        assert_eq!(took("2.5s"), took("30ms"));
        assert_eq!(took("2.5s"), took("1.3\u{b5}s"));
    }
}
