//! What an implementation says of a crash or an exception, so that two of one kind are one finding.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest cause.
const MOST: usize = 160;

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It ended.
    Crash,
    /// Neither the session nor the control connection answered.
    Hang,
    /// Its memory grew session by session.
    Leak,
    /// The session no longer carried data, and nothing entitled the peer to that.
    Silence,
    /// Its log tells of an exception that nobody caught; it lives on.
    Exception,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Leak => "leak",
            Self::Silence => "silence",
            Self::Exception => "exception",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The exceptions and panics a log tells of, in order.
pub(crate) fn told(log: &[String]) -> Vec<String> {
    let mut causes = python(log);
    causes.extend(rust(log));
    causes.extend(node(log));
    causes.extend(log.iter().filter_map(|line| go(line)));
    causes
}

/// `Traceback (most recent call last):`, frames, and at the left margin again the exception.
fn python(log: &[String]) -> Vec<String> {
    let mut causes = Vec::new();
    let mut place: Option<String> = None;
    for line in log {
        if line.trim_start().starts_with("Traceback (most recent call last)") {
            place = Some(String::new());
        } else if let Some(frame) = line.trim_start().strip_prefix("File \"") {
            if let (Some(place), Some((file, rest))) = (&mut place, frame.split_once("\", line ")) {
                let number = rest.split(',').next().unwrap_or_default();
                *place = format!("{}:{number}", last(file));
            }
        } else if !line.starts_with(' ')
            && !line.is_empty()
            && let Some(place) = place.take()
        {
            causes.push(format!("{} at {place}", plain(line)));
        }
    }
    causes
}

/// `thread 'main' (7) panicked at src/main.rs:1:2:`, then what it says.
fn rust(log: &[String]) -> Vec<String> {
    let panics = log.iter().enumerate().filter_map(|(at, line)| {
        let (_, place) = line.split_once(" panicked at ")?;
        let words = log.get(at + 1).map_or("", String::as_str);
        Some(format!("{} at {}", plain(words), crate_of(place.trim_end_matches(':'))))
    });
    panics.collect()
}

/// `TypeError: what`, then `    at function (file:line:column)`.
fn node(log: &[String]) -> Vec<String> {
    let errors = log.windows(2).filter_map(|pair| {
        let name = pair[0].split(':').next()?.trim_start_matches("Uncaught ");
        let error = pair[0].contains("Error");
        let at = pair[1].trim_start().strip_prefix("at ")?;
        let odd = name.contains(' ') && !name.contains("Error");
        let place = at.rsplit_once('(').map_or(at, |(_, place)| place).trim_end_matches(')');
        let place = place.rsplit_once(':').map_or(place, |(line, _)| line);
        (error && !odd).then(|| format!("{} at {}", plain(&pair[0]), last(place)))
    });
    errors.collect()
}

fn go(line: &str) -> Option<String> {
    line.strip_prefix("panic: ").map(|words| format!("panic: {}", plain(words)))
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A place from its crate on, without the column.
fn crate_of(place: &str) -> String {
    let place = place.rsplit_once(':').map_or(place, |(line, _)| line);
    match place.rfind("/registry/src/") {
        Some(at) => place[at + 14..].split_once('/').map_or(place, |(_, rest)| rest).to_owned(),
        None => place.to_owned(),
    }
}

/// Words without what differs from case to case: numbers become `N`, addresses and long names too.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for char in text.trim().chars().chain([' ']) {
        if char.is_ascii_alphanumeric() || char == '_' {
            word.push(char);
            continue;
        }
        let number = word.starts_with(|first: char| first.is_ascii_digit());
        let hex = word.len() >= 8 && word.chars().all(|char| char.is_ascii_hexdigit());
        match number || hex {
            true if !out.ends_with('N') => out.push('N'),
            true => {}
            false => out.push_str(&word),
        }
        word.clear();
        if char.is_ascii_graphic() || char == ' ' {
            out.push(char);
        }
    }
    out.trim().chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_exception_of_python_is_named_by_its_innermost_frame() {
        let log = lines(
            "Task exception was never retrieved\nTraceback (most recent call last):\n  File \
             \"/x/aiortc/rtcsctptransport.py\", line 12, in run\n    a()\n  File \
             \"/x/aiortc/rtcsctptransport.py\", line 99, in parse\n    b[7]\n\
             IndexError: index 77 out of range",
        );
        assert_eq!(told(&log), ["IndexError: index N out of range at rtcsctptransport.py:99"]);
    }

    #[test]
    fn panics_and_errors_of_others() {
        let log = lines(
            "\nthread 'main' (12) panicked at \
             /r/registry/src/index-1/rtc-sctp-0.21.1/src/chunk/mod.rs:151:20:\nrange end 9 out of \
             range",
        );
        assert_eq!(
            told(&log),
            ["range end N out of range at rtc-sctp-0.21.1/src/chunk/mod.rs:151"]
        );
        let log =
            lines("/x/a.js:5\n    throw\n\nTypeError: x is 5\n    at f (/x/b.js:17:9)\n    at g");
        assert_eq!(told(&log), ["TypeError: x is N at b.js:17"]);
        assert_eq!(
            told(&lines("panic: index out of range [3]")),
            ["panic: index out of range [N]"]
        );
        assert!(told(&lines("case s1 77\nnothing went wrong")).is_empty());
    }
}
