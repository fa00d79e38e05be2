//! What a simulation tells of itself: enough to see that it plays again, and how far it came.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::Duration;

use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};

/// What a simulation may use: two ends, what is between them, and all they say.
const BUDGET: Budget = Budget {
    bytes: 16 << 20,
    bytes_each: 256 << 10,
    time: Duration::from_millis(500),
    ..Budget::DATAGRAM
};

/// The account of a simulation.
#[derive(Default)]
pub(super) struct Account {
    digest: DefaultHasher,
    reached: BTreeSet<&'static str>,
    seen: BTreeSet<u64>,
}

impl Account {
    /// A packet, or an event: the same program gives the same ones.
    pub(super) fn tell(&mut self, what: &impl Hash) {
        what.hash(&mut self.digest);
    }

    /// A situation was come to ([`Case::reach`]).
    pub(super) fn reach(&mut self, situation: &'static str) {
        self.reached.insert(situation);
    }

    /// Something was seen ([`Case::see`]).
    pub(super) fn see(&mut self, feature: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        feature.hash(&mut hasher);
        self.seen.insert(hasher.finish());
    }
}

/// Plays an input within its budget, and a second time for an execution that asks every oracle.
///
/// # Errors
/// An oracle was broken.
pub(super) fn play(
    case: &mut Case<'_>,
    simulate: impl Fn(&[u8]) -> Result<Account, Finding>,
) -> Verdict {
    let input = case.input;
    let account = case.within(BUDGET, input.len(), || simulate(input))??;
    if case.is_thorough() {
        let again = simulate(input)?;
        let same = account.digest.finish() == again.digest.finish();
        hold(Oracle::Determinism, same, || "the same program gives other packets or events")?;
    }
    account.reached.into_iter().for_each(|situation| case.reach(situation));
    account.seen.iter().for_each(|feature| case.see(feature));
    Ok(())
}
