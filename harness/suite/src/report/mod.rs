//! What a run leaves behind: a table, JSON, JUnit and one self-contained page.

mod brief;
mod html;
mod json;
mod junit;
mod ladder;
mod markdown;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub use brief::brief;
pub use html::html;
pub use json::{json, json_schema};
pub use junit::junit;
pub use markdown::markdown;
pub use table::{details, grids, summary, table};

use crate::verdict::{RunResult, Verdict};

/// An implementation that took part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Participant {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Features it declares.
    pub features: Vec<String>,
}

/// A grid of outcomes: NAT against NAT.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Grid {
    /// What it shows.
    pub title: String,
    /// Who offers.
    pub offerer: String,
    /// Who answers.
    pub answerer: String,
    /// Names of the offerer's edges.
    pub rows: Vec<String>,
    /// Names of the answerer's edges.
    pub columns: Vec<String>,
    /// Cell by cell: what happened, and what the oracle says.
    pub cells: Vec<Vec<Cell>>,
}

impl Grid {
    /// Cells somebody played: not every pair does.
    pub(crate) fn played(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().flatten().filter(|cell| !cell.run.is_empty())
    }
}

/// A cell of a grid.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Cell {
    /// `D`, `R` or `X` as seen on the wire; `-` if the run ended otherwise.
    pub seen: String,
    /// `D`, `R`, `X` or `?` as the oracle computes it.
    pub oracle: String,
    /// Candidate types of the pair in use: offerer's side, then answerer's.
    pub types: String,
    /// Id of the run.
    pub run: String,
    /// Whether seen and computed agree.
    pub agrees: bool,
}

/// Everything a run of the suite found.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Report {
    /// Version of this format: 1.
    pub schema: u32,
    /// Version of rtcspec.
    pub rtcspec: String,
    /// Seed given on the command line, if one was.
    pub seed: Option<u64>,
    /// Who took part.
    pub participants: Vec<Participant>,
    /// All runs, in a fixed order.
    pub results: Vec<RunResult>,
    /// NAT grids.
    pub grids: Vec<Grid>,
    /// Expectations that no longer hold.
    pub stale: Vec<String>,
    /// SHA-256 over the results; equal for equal behaviour.
    pub digest: String,
}

impl Report {
    /// A report over results; it sorts them and computes the digest.
    #[must_use]
    pub fn new(
        seed: Option<u64>,
        mut participants: Vec<Participant>,
        mut results: Vec<RunResult>,
        grids: Vec<Grid>,
        stale: Vec<String>,
    ) -> Self {
        participants.sort();
        results.sort_by(|a, b| {
            (&a.id, &a.implementation, &a.peers, a.seed).cmp(&(
                &b.id,
                &b.implementation,
                &b.peers,
                b.seed,
            ))
        });
        let digest = digest(&results, &grids);
        let rtcspec = env!("CARGO_PKG_VERSION").to_owned();
        Self { schema: 1, rtcspec, seed, participants, results, grids, stale, digest }
    }

    /// How many runs ended in each verdict.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            *counts.entry(result.verdict).or_default() += 1;
        }
        counts
    }

    /// Whether anything happened that was not expected.
    #[must_use]
    pub fn is_unexpected(&self) -> bool {
        !self.stale.is_empty() || self.results.iter().any(|result| result.standing.is_unexpected())
    }
}

/// Names of runs: their ids, with the seed where runs differ by nothing else.
#[derive(Debug)]
struct Names<'r>(BTreeSet<(&'r str, &'r [String])>);

impl<'r> Names<'r> {
    fn of(report: &'r Report) -> Self {
        let mut seen = BTreeSet::new();
        let runs = report.results.iter().map(|result| (result.id.as_str(), &result.peers[..]));
        Self(runs.filter(|run| !seen.insert(*run)).collect())
    }

    fn name(&self, result: &RunResult) -> String {
        match self.0.contains(&(result.id.as_str(), &result.peers[..])) {
            true => format!("{} seed {}", result.id, result.seed),
            false => result.id.clone(),
        }
    }
}

/// Foreign transcripts are part of the digest only where they are exact.
fn digest(results: &[RunResult], grids: &[Grid]) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    for result in results {
        field(&result.id);
        field(&result.implementation);
        field(&result.peers.join(" "));
        field(&result.seed.to_string());
        field(result.verdict.word());
        if result.profile == "exact" {
            field(&result.transcript);
        }
    }
    for cell in grids.iter().flat_map(|grid| grid.cells.iter().flatten()) {
        field(&cell.run);
        field(&cell.seen);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audit::{Audited, Broken};
    use crate::verdict::{Finding, Ladder, Layer, Standing};

    /// A run that broke a rule, which was not accepted.
    pub(crate) fn run(id: &str, seed: u64) -> RunResult {
        let broken = |level: &str, rule: &str| Broken {
            rule: rule.to_owned(),
            level: level.to_owned(),
            frames: vec![3],
            times: 1,
            expected: "this".to_owned(),
            seen: format!("{rule} is broken"),
            cite: "RFC 8445 §7.1.1".to_owned(),
        };
        let finding = Finding {
            verdict: Verdict::Fail,
            requirement: "audit rule ice.priority".to_owned(),
            expected: "this".to_owned(),
            actual: "ice.priority is broken".to_owned(),
            layer: Layer::Ice,
            lines: Vec::new(),
        };
        let findings = vec![broken("V", "ice.priority"), broken("W", "ice.pacing")];
        RunResult {
            id: id.to_owned(),
            title: String::new(),
            tests: Vec::new(),
            implementation: "it".to_owned(),
            version: "1".to_owned(),
            peers: vec!["alice=it".to_owned()],
            seed,
            verdict: Verdict::Fail,
            standing: Standing::New,
            reason: None,
            findings: vec![finding],
            audit: Audited { held: 0, silent: 0, findings },
            nats: Vec::new(),
            elapsed: Duration::from_millis(1250),
            profile: "loose".to_owned(),
            transcript: String::new(),
            repeat: String::new(),
            files: Vec::new(),
            ladder: Ladder::default(),
        }
    }

    pub(crate) fn report(results: Vec<RunResult>) -> Report {
        let it = Participant { name: "it".into(), version: "1".into(), features: Vec::new() };
        Report::new(None, vec![it], results, Vec::new(), Vec::new())
    }

    #[test]
    fn runs_that_differ_by_their_seed_alone_are_named_by_it() {
        let report = report(vec![run("a", 1), run("a", 2), run("b", 1)]);
        let names = Names::of(&report);
        let all: Vec<String> = report.results.iter().map(|result| names.name(result)).collect();
        assert_eq!(all, ["a seed 1", "a seed 2", "b"]);
    }
}
