use std::collections::BTreeSet;

use rtcspec_net::oracle::{Outcome, Verdict};
use toml::Spanned;

use crate::matrix::scenario_type;
use crate::scenario::{CandidateTypes, Expect, File, Path};

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
