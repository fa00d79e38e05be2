//! Disagreements, and what two of them have in common.

use std::fmt;

use crate::account::Account;
use crate::format::{Condition, Format};
use crate::ledger::Ledger;
use crate::parser::Reads;

/// How an account differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// They read what we refuse.
    Accepts,
    /// They refuse what we read.
    Refuses,
    /// They read this field otherwise.
    Reads(&'static str),
    /// They panic.
    Panics,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepts => f.write_str("accepts"),
            Self::Refuses => f.write_str("refuses"),
            Self::Reads(field) => write!(f, "reads {field}"),
            Self::Panics => f.write_str("panics"),
        }
    }
}

/// What disagreements of one kind have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// Whose account differs from ours.
    pub parser: String,
    /// How.
    pub kind: Kind,
    /// What about the input is the cause.
    pub cause: String,
    /// What they say: the words of their refusal, the place of their panic. Without numbers.
    pub says: String,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parser, kind, cause, says } = self;
        write!(f, "{parser} {kind}: {cause}")?;
        if says.is_empty() { Ok(()) } else { write!(f, " ({says})") }
    }
}

/// The cause of a disagreement that no condition explains.
pub const UNEXPLAINED: &str = "unexplained";
/// The cause of a panic, whatever the input.
pub const PANIC: &str = "panic";

/// How two accounts differ, if they do.
#[must_use]
pub fn compare(ours: &Account<'_>, theirs: &Account<'_>, tells: &[&'static str]) -> Option<Kind> {
    match (ours, theirs) {
        (_, Account::Panicked(_)) => Some(Kind::Panics),
        (Account::Refused(_), Account::Refused(_)) | (Account::Panicked(_), _) => None,
        (Account::Refused(_), Account::Read(_)) => Some(Kind::Accepts),
        (Account::Read(_), Account::Refused(_)) => Some(Kind::Refuses),
        (Account::Read(ours), Account::Read(theirs)) => {
            ours.differs(theirs, tells).map(Kind::Reads)
        }
    }
}

/// The class of a disagreement: the one of the ledger if it has it.
///
/// Of what they accept, our reason to refuse is the cause. Of the rest, it is the first condition
/// that holds of the input and that the ledger has with this parser, kind and words; if it has none,
/// the first that holds.
#[must_use]
pub fn classify(
    format: &Format,
    ledger: &Ledger,
    parser: &dyn Reads,
    kind: Kind,
    input: &[u8],
    accounts: (&Account<'_>, &Account<'_>),
) -> Class {
    let says = match accounts.1 {
        Account::Refused(why) if kind == Kind::Refuses => wordless(&why.to_string()),
        Account::Panicked(what) => place(what),
        _ => String::new(),
    };
    let class = Class { parser: parser.name().to_owned(), kind, cause: String::new(), says };
    let known = |cause: &str| ledger.find(&class, cause);
    let certain = match (kind, accounts.0) {
        (Kind::Panics, _) => Some(PANIC),
        (_, Account::Refused(why)) => Some(why.cause),
        _ => None,
    };
    let holding = || {
        let holds = |condition: &&Condition| (condition.holds)(input);
        format.conditions.iter().filter(holds).map(|condition| condition.name)
    };
    let found = match certain {
        Some(cause) => known(cause),
        None => holding().find_map(known),
    };
    found.unwrap_or_else(|| {
        let cause = certain.or_else(|| holding().next()).unwrap_or(UNEXPLAINED);
        Class { cause: cause.to_owned(), ..class.clone() }
    })
}

/// Words of an error without what differs from input to input: numbers, and from the first
/// quotation on.
fn wordless(words: &str) -> String {
    const MOST: usize = 96;
    let line = words.lines().next().unwrap_or_default();
    let mut out = String::new();
    let (mut before, mut in_number) = (' ', false);
    for char in line.chars().take(MOST) {
        // An apostrophe within a word quotes nothing.
        let quotes = matches!(char, '`' | '"') || char == '\'' && !before.is_alphanumeric();
        if quotes {
            break;
        }
        let digit = char.is_ascii_digit();
        if !(digit && in_number) {
            out.push(if digit { '#' } else { char });
        }
        (before, in_number) = (char, digit);
    }
    out.trim().to_owned()
}

/// Where a panic was: its file and line, after its words.
fn place(what: &str) -> String {
    let place = what.rsplit(", ").next().unwrap_or(what);
    place.rsplit_once(':').map_or(place, |(line, _column)| line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_numbers_and_quotations() {
        assert_eq!(wordless("SdpInvalidValue: `a=b 12` at 3:17"), "SdpInvalidValue:");
        assert_eq!(wordless("it's 20 bytes\nand more"), "it's # bytes");
    }

    #[test]
    fn a_panic_is_known_by_its_line() {
        let what = "range end index 8, of 4, rtc-sctp-0.21.1/src/chunk/mod.rs:151:20";
        assert_eq!(place(what), "rtc-sctp-0.21.1/src/chunk/mod.rs:151");
    }
}
