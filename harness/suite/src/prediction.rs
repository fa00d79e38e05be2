//! The oracle's answer as expectations of a run, and the lint of expectations that contradict it.

use std::collections::BTreeSet;

use rtcspec_net::oracle::{Options, Outcome, Verdict};
use toml::Spanned;

use crate::matrix::scenario_type;
use crate::scenario::{CandidateTypes, Expect, File, Path};
use crate::topology::{path_contradiction, predict};

/// Replaces the first expected path by what the oracle says, with the types it allows; a file
/// without one gets one.
pub(crate) fn expect(file: &mut File, outcome: &Outcome, sides: [&str; 2]) {
    let path = match outcome.verdict {
        Verdict::Direct => Path::Direct,
        Verdict::Relay => Path::Relay,
        Verdict::Nothing => Path::None,
        Verdict::Depends => Path::Either,
    };
    let mut computed = Expect { path: Some(path), ..Expect::default() };
    for (side, types) in sides.iter().zip(&outcome.types) {
        let local: BTreeSet<_> = types.iter().map(|pair| scenario_type(pair.local)).collect();
        let remote: BTreeSet<_> = types.iter().map(|pair| scenario_type(pair.remote)).collect();
        let allowed = CandidateTypes {
            local: local.into_iter().collect(),
            remote: remote.into_iter().collect(),
        };
        computed.candidates.insert((*side).to_owned(), allowed);
    }
    let place = file.expect.iter().position(|expect| expect.get_ref().path.is_some());
    let computed = Spanned::new(0..0, computed);
    match place {
        Some(place) => file.expect[place] = computed,
        None => file.expect.push(computed),
    }
}

/// Why a file's expected paths cannot be, with the place of each.
pub(crate) fn contradictions(file: &File) -> Vec<(std::ops::Range<usize>, Path, String)> {
    let expected: Vec<_> = file
        .expect
        .iter()
        // After the first step the network may be another one.
        .filter(|expect| expect.get_ref().after.is_none())
        // What depends on the matrix is looked at with its values filled in.
        .filter(|expect| expect.get_ref().condition.is_empty())
        .filter_map(|expect| Some((expect.span(), expect.get_ref().path?)))
        .collect();
    if expected.is_empty() {
        return Vec::new();
    }
    let Ok(prediction) = predict(file, &Options::default()) else { return Vec::new() };
    expected
        .into_iter()
        .filter_map(|(span, path)| Some((span, path, path_contradiction(&prediction, path)?)))
        .collect()
}
