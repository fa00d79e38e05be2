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

    /// What two findings of one defect have in common: the text without its numbers.
    #[must_use]
    pub fn class(&self) -> String {
        let mut out = format!("{}: ", self.oracle.name());
        let mut in_number = false;
        for char in self.what.chars() {
            let digit = char.is_ascii_digit();
            if !digit {
                out.push(char);
            } else if !in_number {
                out.push('#');
            }
            in_number = digit;
        }
        out
    }
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

    #[test]
    fn findings_of_one_defect_share_their_class() {
        let one = Finding::new(Oracle::Panic, "range end 20 out of 4, decode.rs:151");
        let other = Finding::new(Oracle::Panic, "range end 8000 out of 12, decode.rs:151");
        assert_eq!(one.class(), other.class());
        assert_ne!(one.class(), Finding::new(Oracle::Time, "20 ms").class());
    }
}
