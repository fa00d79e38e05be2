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
pub(super) struct Account {
    digest: DefaultHasher,
    reached: BTreeSet<&'static str>,
    seen: BTreeSet<u64>,
    /// It is compared with that of the same program.
    compared: bool,
    /// Somebody reads what was reached and seen.
    noted: bool,
}

impl Account {
    /// An account of which nothing is told yet, and only what somebody asks for will be.
    fn new(case: &Case<'_>) -> Self {
        Self {
            digest: DefaultHasher::new(),
            reached: BTreeSet::new(),
            seen: BTreeSet::new(),
            compared: case.is_thorough(),
            noted: case.is_noted(),
        }
    }

    /// A packet, or an event: the same program gives the same ones.
    pub(super) fn tell(&mut self, what: &impl Hash) {
        if self.compared {
            what.hash(&mut self.digest);
        }
    }

    /// The same of what is dear to put into words.
    pub(super) fn tell_words(&mut self, words: impl FnOnce() -> String) {
        if self.compared {
            self.tell(&words());
        }
    }

    /// A situation was come to ([`Case::reach`]).
    pub(super) fn reach(&mut self, situation: &'static str) {
        if self.noted {
            self.reached.insert(situation);
        }
    }

    /// Something was seen ([`Case::see`]).
    pub(super) fn see(&mut self, feature: &impl Hash) {
        if !self.noted {
            return;
        }
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
    simulate: impl Fn(&[u8], Account) -> Result<Account, Finding>,
) -> Verdict {
    let input = case.input;
    let account = case.within(BUDGET, input.len(), || simulate(input, Account::new(case)))??;
    if case.is_thorough() {
        let again = simulate(input, Account::new(case))?;
        let same = account.digest.finish() == again.digest.finish();
        hold(Oracle::Determinism, same, || "the same program gives other packets or events")?;
    }
    account.reached.into_iter().for_each(|situation| case.reach(situation));
    account.seen.iter().for_each(|feature| case.see(feature));
    Ok(())
}
