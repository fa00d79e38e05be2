//! What a rule found in one connection: findings, how often it held, or that it had no occasion.

use std::borrow::Cow;
use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::Event;

use crate::rule::{About, Cite, Level};

/// Most findings of one rule in one connection that are kept; further ones are counted.
pub const MOST_FINDINGS: usize = 25;
/// Most frames that a finding names.
pub const MOST_FRAMES: usize = 8;

/// A rule that was not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave.
    pub level: Level,
    /// Who is to blame, where that is known.
    pub who: Option<Party>,
    /// When, since the beginning of the file or run.
    pub at: Duration,
    /// The frames that prove it.
    pub frames: Vec<u64>,
    /// What should have been.
    pub expected: Cow<'static, str>,
    /// What was.
    pub seen: String,
    /// Where the duty stands.
    pub cite: Cite,
    /// How many times, this one included.
    pub times: u64,
}

/// Where a finding was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot<'a> {
    /// When.
    pub at: Duration,
    /// Who is to blame.
    pub who: Option<Party>,
    /// The frames that prove it.
    pub frames: &'a [u64],
}

impl<'a> Spot<'a> {
    /// An event, its sender to blame.
    #[must_use]
    pub fn of(event: &Event<'_>, frames: &'a [u64]) -> Self {
        Self { at: event.at, who: event.from.party(), frames }
    }
}

/// A rule's results in one connection.
#[derive(Clone, Debug)]
pub struct Tally {
    about: &'static About,
    pub(crate) held: u64,
    pub(crate) findings: Vec<Finding>,
    pub(crate) dropped: u64,
}

impl Tally {
    pub(crate) const fn new(about: &'static About) -> Self {
        Self { about, held: 0, findings: Vec::new(), dropped: 0 }
    }

    /// The rule was held once more.
    pub fn hold(&mut self) {
        self.held += 1;
    }

    /// The rule was broken, at its own level.
    pub fn find(
        &mut self,
        spot: Spot<'_>,
        expected: impl Into<Cow<'static, str>>,
        seen: impl Into<String>,
    ) {
        self.find_as(self.about.level, self.about.cites[0], spot, expected, seen);
    }

    /// The rule was broken, at a level and against a section of its own.
    pub fn find_as(
        &mut self,
        level: Level,
        cite: Cite,
        spot: Spot<'_>,
        expected: impl Into<Cow<'static, str>>,
        seen: impl Into<String>,
    ) {
        let (expected, seen) = (expected.into(), seen.into());
        let same = self.findings.iter_mut().find(|known| {
            known.level == level
                && known.who == spot.who
                && known.seen == seen
                && known.expected == expected
        });
        if let Some(known) = same {
            known.times += 1;
            let room = MOST_FRAMES.saturating_sub(known.frames.len());
            known.frames.extend(spot.frames.iter().take(room));
            return;
        }
        if self.findings.len() >= MOST_FINDINGS {
            self.dropped += 1;
            return;
        }
        self.findings.push(Finding {
            level,
            who: spot.who,
            at: spot.at,
            frames: spot.frames.iter().copied().take(MOST_FRAMES).collect(),
            expected,
            seen,
            cite,
            times: 1,
        });
    }
}

impl Tally {
    /// Takes over what the same rule found elsewhere.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.held += other.held;
        self.dropped += other.dropped;
        let room = MOST_FINDINGS.saturating_sub(self.findings.len());
        self.findings.extend(other.findings.into_iter().take(room));
    }
}
