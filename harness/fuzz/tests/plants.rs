//! The fuzzers find what was planted for them.

use std::path::PathBuf;
use std::time::Duration;

use rtcspec_fuzz::corpus;
use rtcspec_fuzz::score::{Patience, score};
use rtcspec_fuzz::target;

/// Enough for every plant several times over; a run that needs more shows that a mutator got worse.
const PATIENCE: Patience = Patience { executions: 200_000, time: Duration::from_secs(120) };

#[test]
fn every_target_finds_its_planted_bugs() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let mut missed = Vec::new();
    for target in target::ALL {
        let entries = corpus::seeds(target, &folder).expect("the corpus can be read");
        let inputs: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.bytes).collect();
        for plant in target.plants {
            let score = score(target, plant, &inputs, 1, PATIENCE);
            if !score.is_found() {
                missed.push(format!("{}: {}", target.name, plant.name));
            }
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
