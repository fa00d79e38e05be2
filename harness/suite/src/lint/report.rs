//! What the checks found.

use std::fmt::Write as _;

use serde::Serialize;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// The adapter keeps it.
    Holds,
    /// It does not, but runs can be judged all the same.
    Note(String),
    /// It does not.
    Broken(String),
    /// It could not be looked at.
    Skipped(String),
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its word.
    pub id: &'static str,
    /// What is asked of the adapter.
    pub requirement: &'static str,
    /// Section of PEERCTL.md.
    pub section: &'static str,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// All checks of one adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the adapter says it is.
    pub implementation: String,
    /// The checks, in the order they were made.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether nothing is broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.checks.iter().any(|check| matches!(check.outcome, Outcome::Broken(_)))
    }

    /// For programs.
    ///
    /// # Panics
    /// Never: texts and words are what JSON can say.
    #[must_use]
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("invariant: a report is texts and words") + "\n"
    }

    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.implementation);
        let mut counts = [0_usize; 4];
        for check in &self.checks {
            let (at, word, why) = match &check.outcome {
                Outcome::Holds => (0, "ok", None),
                Outcome::Note(why) => (1, "note", Some(why)),
                Outcome::Broken(why) => (2, "BROKEN", Some(why)),
                Outcome::Skipped(why) => (3, "skipped", Some(why)),
            };
            counts[at] += 1;
            let _ = writeln!(out, "  {word:<8} {:<20} {}", check.id, check.requirement);
            if let Some(why) = why {
                for line in why.lines() {
                    let _ = writeln!(out, "             {line}");
                }
                let _ = writeln!(out, "             see PEERCTL.md, {}", check.section);
            }
        }
        let [ok, notes, broken, skipped] = counts;
        let _ = writeln!(out, "{ok} ok, {notes} notes, {broken} broken, {skipped} skipped");
        out
    }
}
