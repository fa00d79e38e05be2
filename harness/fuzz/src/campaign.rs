//! The engine that is built in: no compiler support, no coverage, any toolchain, same seed same
//! executions.
//!
//! An input that shows a feature nobody showed before ([`Case::see`]) is kept and changed further.
//! libFuzzer sees more; this engine runs everywhere, in tests too, and says how many executions a
//! bug takes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::case::{self, Case};
use crate::finding::{Finding, Oracle, Verdict};
use crate::mutate::{Rng, Source};
use crate::target::Target;

/// An input that broke an oracle.
#[derive(Clone, Debug)]
pub struct Found {
    /// The input, as the engine came upon it.
    pub input: Vec<u8>,
    /// The first finding of its class.
    pub finding: Finding,
    /// At which execution.
    pub at: u64,
    /// Executions that ended so.
    pub times: u64,
}

/// A campaign of one target.
pub struct Campaign {
    target: &'static Target,
    body: Box<dyn Fn(&mut Case<'_>) -> Verdict>,
    corpus: Vec<Vec<u8>>,
    dictionary: Vec<Vec<u8>>,
    rng: Rng,
    features: BTreeSet<u64>,
    reached: BTreeSet<&'static str>,
    findings: BTreeMap<String, Found>,
    dropped: u64,
    executions: u64,
    grown: usize,
}

/// Longest input of a campaign.
pub(crate) const MOST: usize = 4096;
/// Classes of findings kept, but for the first of an oracle, which is kept in any case.
const CLASSES: usize = 200;

impl fmt::Debug for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, executions, findings, .. } = self;
        let mut told = f.debug_struct("Campaign");
        told.field("target", &target.name).field("executions", executions);
        told.field("findings", findings).finish_non_exhaustive()
    }
}

impl Campaign {
    /// A campaign that begins with these inputs, in their order.
    #[must_use]
    pub fn new(target: &'static Target, seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self::with_body(target, target.body, seeds, seed)
    }

    /// The same with another body: a bug planted in it, or somebody else's code.
    #[must_use]
    pub fn with_body(
        target: &'static Target,
        body: impl Fn(&mut Case<'_>) -> Verdict + 'static,
        seeds: Vec<Vec<u8>>,
        seed: u64,
    ) -> Self {
        let mut campaign = Self {
            target,
            body: Box::new(body),
            corpus: Vec::new(),
            dictionary: (target.dictionary)(),
            rng: Rng::with_seed(seed),
            features: BTreeSet::new(),
            reached: BTreeSet::new(),
            findings: BTreeMap::new(),
            dropped: 0,
            executions: 0,
            grown: 0,
        };
        for input in seeds {
            campaign.execute(&input);
            campaign.corpus.push(input);
        }
        if campaign.corpus.is_empty() {
            campaign.corpus.push(Vec::new());
        }
        campaign
    }

    /// Makes one new input and runs it. Says whether it broke an oracle.
    pub fn step(&mut self) -> bool {
        let mut input = self.corpus[self.rng.usize(..self.corpus.len())].clone();
        let donor = &self.corpus[self.rng.usize(..self.corpus.len())];
        let rng = self.rng.fork();
        let mut source = Source { rng, donor, dictionary: &self.dictionary, most: MOST };
        (self.target.mutate)(&mut input, &mut source);
        let (new, broke) = self.execute(&input);
        if new && !broke {
            self.corpus.push(input);
            self.grown += 1;
        }
        broke
    }

    /// Runs an input. Says whether it showed something new and whether it broke an oracle.
    fn execute(&mut self, input: &[u8]) -> (bool, bool) {
        let mut case = Case::new(input);
        let verdict = case::run(&self.body, &mut case);
        self.executions += 1;
        let mut new = false;
        for feature in case.features() {
            new |= self.features.insert(*feature);
        }
        for situation in case.reached() {
            new |= self.reached.insert(situation);
        }
        let broke = verdict.is_err();
        self.record(input, verdict);
        (new, broke)
    }

    fn record(&mut self, input: &[u8], verdict: Verdict) {
        let Err(finding) = verdict else { return };
        let class = finding.class();
        if let Some(known) = self.findings.get_mut(&class) {
            known.times += 1;
            // The shortest is the easiest to read.
            if input.len() < known.input.len() {
                known.input = input.to_vec();
                known.finding = finding;
            }
        } else if self.findings.len() < CLASSES || self.is_first_of(finding.oracle) {
            let at = self.executions;
            self.findings.insert(class, Found { input: input.to_vec(), finding, at, times: 1 });
        } else {
            self.dropped += 1;
        }
    }

    fn is_first_of(&self, oracle: Oracle) -> bool {
        self.findings.values().all(|found| found.finding.oracle != oracle)
    }

    /// Executions so far, those of the seeds included.
    #[must_use]
    pub const fn executions(&self) -> u64 {
        self.executions
    }

    /// Inputs kept beyond the seeds, because they showed something new.
    #[must_use]
    pub fn grown(&self) -> &[Vec<u8>] {
        &self.corpus[self.corpus.len() - self.grown..]
    }

    /// Different things seen.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features.len()
    }

    /// Situations reached.
    #[must_use]
    pub const fn reached(&self) -> &BTreeSet<&'static str> {
        &self.reached
    }

    /// What was found, by class.
    #[must_use]
    pub const fn findings(&self) -> &BTreeMap<String, Found> {
        &self.findings
    }

    /// Findings that were not kept, because too many classes were.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Makes an input smaller as long as it breaks an oracle in the same class.
#[must_use]
pub fn minimise(
    body: impl Fn(&mut Case<'_>) -> Verdict,
    input: &[u8],
    class: &str,
    most: usize,
) -> Vec<u8> {
    shrink(input, most, |candidate| {
        let verdict = case::run(&body, &mut Case::new(candidate));
        verdict.is_err_and(|finding| finding.class() == class)
    })
}

/// Makes an input smaller as long as it is the same to `same`, which may repair what it is shown.
///
/// Takes away ever smaller pieces, then makes what is left zero; asks at most `most` times.
#[must_use]
pub fn shrink(input: &[u8], most: usize, mut same: impl FnMut(&mut Vec<u8>) -> bool) -> Vec<u8> {
    let mut left = most;
    let mut same = |candidate: &mut Vec<u8>| {
        left = left.saturating_sub(1);
        left > 0 && same(candidate)
    };
    let mut best = input.to_vec();
    let mut piece = best.len().next_power_of_two() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut shorter = best.clone();
            shorter.drain(at..(at + piece).min(best.len()));
            if same(&mut shorter) && shorter.len() < best.len() {
                best = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    for at in 0..best.len() {
        let mut other = best.clone();
        let byte = std::mem::take(&mut other[at]);
        if byte != 0 && same(&mut other) && other.len() == best.len() {
            best = other;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of a defect that every input shows in other words; inputs of one byte panic.
    fn babbling(case: &mut Case<'_>) -> Verdict {
        assert!(case.input.len() != 1, "another defect");
        let words: String = case.input.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        Err(Finding::new(Oracle::Model, words))
    }

    #[test]
    fn when_there_are_too_many_classes_a_new_oracle_is_kept_and_the_rest_counted() {
        let words = (0..=255_u8).flat_map(|first| [0, 1].map(|last| vec![first, first / 26, last]));
        let words: Vec<Vec<u8>> = words.take(CLASSES + 30).collect();
        let target = crate::target::by_name("dcep").expect("a target");
        let kept = |inputs: Vec<Vec<u8>>| {
            let campaign = Campaign::with_body(target, babbling, inputs, 0);
            let oracles: BTreeSet<Oracle> =
                campaign.findings().values().map(|found| found.finding.oracle).collect();
            (campaign.findings().len(), campaign.dropped(), oracles.len())
        };
        assert_eq!(kept(words.clone()), (CLASSES, 30, 1));
        assert_eq!(kept([words, vec![vec![0]]].concat()), (CLASSES + 1, 30, 2));
    }

    /// Until classes went without the values that are shown, an input could not be made smaller than the
    /// text of its finding.
    #[test]
    fn an_input_that_is_shown_in_its_finding_is_made_small() {
        let body = |case: &mut Case<'_>| {
            let zero = case.input.contains(&0);
            crate::finding::hold(Oracle::RoundTrip, !zero, || {
                format!("{:02x?} is lost", case.input)
            })
        };
        let input: Vec<u8> = (0..200).collect();
        let class = case::run(body, &mut Case::new(&input)).expect_err("a zero is there").class();
        assert_eq!(minimise(body, &input, &class, 1000), [0_u8]);
    }
}
