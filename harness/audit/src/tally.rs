//! What a rule found in one connection: findings, how often it held, or that it had no occasion.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::Event;

use crate::rule::{About, Cite, Level};

/// Most findings of one rule and one side in one connection that are kept; further ones are counted.
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
    /// Findings that are not kept, by side and level.
    pub(crate) dropped: BTreeMap<(Option<Party>, Level), u64>,
}

impl Tally {
    pub(crate) const fn new(about: &'static About) -> Self {
        Self { about, held: 0, findings: Vec::new(), dropped: BTreeMap::new() }
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
        self.push(Finding {
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
    /// Keeps a finding. Where there is no room for more of its side, the least grave one gives way.
    fn push(&mut self, finding: Finding) {
        let who = finding.who;
        if self.findings.iter().filter(|known| known.who == who).count() < MOST_FINDINGS {
            self.findings.push(finding);
            return;
        }
        let own = self.findings.iter_mut().rev().filter(|known| known.who == who);
        let dropped = match own.min_by_key(|known| known.level) {
            Some(least) if least.level < finding.level => std::mem::replace(least, finding),
            _ => finding,
        };
        *self.dropped.entry((who, dropped.level)).or_default() += dropped.times;
    }

    /// Takes over what the same rule found elsewhere.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.held += other.held;
        other.findings.into_iter().for_each(|finding| self.push(finding));
        for (of, times) in other.dropped {
            *self.dropped.entry(of).or_default() += times;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    fn tally() -> Tally {
        Tally::new(registry::find("dc.ppid").expect("there is such a rule").about())
    }

    fn note(tally: &mut Tally, who: Option<Party>, seen: usize) {
        let cite = tally.about.cites[0];
        let spot = Spot { who, ..Spot::default() };
        tally.find_as(Level::Note, cite, spot, "nothing", seen.to_string());
    }

    #[test]
    fn findings_beyond_those_kept_are_counted() {
        let mut tally = tally();
        (0..30).for_each(|seen| note(&mut tally, Some(Party::A), seen));
        assert_eq!(tally.findings.len(), MOST_FINDINGS);
        assert_eq!(tally.dropped, BTreeMap::from([((Some(Party::A), Level::Note), 5)]));
        let mut other = tally.clone();
        other.absorb(tally);
        assert_eq!(other.findings.len(), MOST_FINDINGS);
        assert_eq!(other.dropped.values().sum::<u64>(), 35);
    }

    #[test]
    fn a_graver_finding_is_kept_and_none_of_the_other_side_takes_its_room() {
        let mut tally = tally();
        (0..40).for_each(|seen| note(&mut tally, Some(Party::A), seen));
        tally.find(Spot { who: Some(Party::A), ..Spot::default() }, "nothing", "a violation");
        note(&mut tally, Some(Party::B), 1);
        let grave = |one: &&Finding| one.level == Level::Violation;
        assert_eq!(tally.findings.iter().filter(grave).count(), 1);
        assert_eq!(tally.findings.len(), MOST_FINDINGS + 1);
        assert_eq!(tally.dropped, BTreeMap::from([((Some(Party::A), Level::Note), 16)]));
    }
}
