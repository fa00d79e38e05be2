//! Judgements of a case: one duty, what was seen, what that means.

use std::ops::Deref;
use std::time::Duration;

use super::log::Log;
use crate::verdict::Verdict;

/// One duty and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What it means.
    pub verdict: Verdict,
    /// `RFC 9260 §8.5.1: ...`: the duty, in our words.
    pub duty: &'static str,
    /// What should have been seen.
    pub expected: &'static str,
    /// What was.
    pub actual: String,
}

/// A duty, for which a case rules on an outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duty {
    /// `RFC 9260 §8.5.1: ...`.
    pub(super) text: &'static str,
    /// What a peer that meets it shows.
    pub(super) expected: &'static str,
}

impl Duty {
    /// The duty was met.
    pub(super) fn pass(self, actual: impl Into<String>) -> Ruling {
        self.rule(Verdict::Pass, actual)
    }

    /// A SHOULD was missed.
    pub(super) fn nonstrict(self, actual: impl Into<String>) -> Ruling {
        self.rule(Verdict::Nonstrict, actual)
    }

    /// The specification leaves it open.
    pub(super) fn info(self, actual: impl Into<String>) -> Ruling {
        self.rule(Verdict::Info, actual)
    }

    /// The duty was not met.
    pub(super) fn fail(self, actual: impl Into<String>) -> Ruling {
        self.rule(Verdict::Fail, actual)
    }

    /// Met or not.
    pub(super) fn met(self, met: bool, actual: impl Into<String>) -> Ruling {
        self.rule(if met { Verdict::Pass } else { Verdict::Fail }, actual)
    }

    fn rule(self, verdict: Verdict, actual: impl Into<String>) -> Ruling {
        Ruling { verdict, duty: self.text, expected: self.expected, actual: actual.into() }
    }
}

/// What there is to judge from: the log, and what only the peer under test can tell.
#[derive(Debug)]
pub struct Seen<'a> {
    pub(crate) log: &'a Log,
    pub(crate) struck: Option<Duration>,
    pub(crate) end: Duration,
    pub(crate) channels: Vec<SeenChannel>,
}

/// A channel the peer under test told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenChannel {
    pub(crate) label: String,
    pub(crate) protocol: String,
    /// Lengths of the messages it handed out.
    pub(crate) received: Vec<usize>,
}

impl Seen<'_> {
    /// When the case struck; the end of time before.
    #[must_use]
    pub fn struck(&self) -> Duration {
        self.struck.unwrap_or(Duration::MAX)
    }

    /// When the curtain falls: what comes later is the peers' farewell, and not in the log yet.
    #[must_use]
    pub fn end(&self) -> Duration {
        self.end
    }

    /// Whether the peer under test has a channel of this label.
    pub(crate) fn channel(&self, label: &str) -> Option<&SeenChannel> {
        self.channels.iter().find(|channel| channel.label == label)
    }
}

impl Deref for Seen<'_> {
    type Target = Log;

    fn deref(&self) -> &Log {
        self.log
    }
}
