//! Testing the fuzzers: how many executions they take to find bugs that were planted.

use std::ops::Range;
use std::time::Duration;

use rtcspec_control::wall;

use crate::campaign::Campaign;
use crate::target::{Plant, Target};

/// How long to look for one bug from one seed.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Executions at most.
    pub executions: u64,
    /// Time at most.
    pub time: Duration,
}

/// What it took to find one planted bug.
#[derive(Clone, Debug)]
pub struct Score {
    /// The bug.
    pub plant: &'static Plant,
    /// Executions for each seed, sorted; `None` where patience ran out.
    pub runs: Vec<Option<u64>>,
}

impl Score {
    /// The middle of all runs; one that did not find it counts as the longest.
    #[must_use]
    pub fn median(&self) -> Option<u64> {
        self.runs[self.runs.len() / 2]
    }

    /// True if more than half of the runs found it.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.median().is_some()
    }
}

/// Looks for a planted bug once with each of the seeds.
#[must_use]
pub fn score(
    target: &'static Target,
    plant: &'static Plant,
    inputs: &[Vec<u8>],
    seeds: Range<u64>,
    patience: Patience,
) -> Score {
    let mut runs: Vec<Option<u64>> =
        seeds.map(|seed| search(target, plant, inputs, seed, patience)).collect();
    runs.sort_by_key(|run| run.unwrap_or(u64::MAX));
    Score { plant, runs }
}

fn search(
    target: &'static Target,
    plant: &Plant,
    inputs: &[Vec<u8>],
    seed: u64,
    patience: Patience,
) -> Option<u64> {
    let begun = wall::now();
    let mut campaign = Campaign::with_body(target, plant.body, inputs.to_vec(), seed);
    while campaign.findings().is_empty() {
        if campaign.executions() >= patience.executions || begun.elapsed() > patience.time {
            return None;
        }
        campaign.step();
    }
    campaign.findings().values().map(|found| found.at).min()
}
