//! STUN transaction ids in the place of others, in the same order.
//!
//! Limits of observers go by order, so that what they remember is the same only if the order is.
//! The first reading of a capture collects the ids.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_wire::stun::TransactionId;

use super::noise::Noise;

/// What replaces what.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    seen: BTreeSet<[u8; 12]>,
    given: Option<BTreeMap<[u8; 12], [u8; 12]>>,
}

impl Transactions {
    /// What replaces an id; while they are collected, itself.
    pub(super) fn get(&mut self, id: TransactionId) -> TransactionId {
        if let Some(given) = &self.given {
            // Everything is read twice, so that all of them were seen.
            return TransactionId(given.get(&id.0).copied().unwrap_or_default());
        }
        self.seen.insert(id.0);
        id
    }

    /// Draws what replaces those that were collected.
    pub(super) fn assign(&mut self, noise: &Noise) {
        let mut others = BTreeSet::new();
        for id in &self.seen {
            let mut other = noise.array("transaction", *id);
            while self.seen.contains(&other) || !others.insert(other) {
                other = noise.array("transaction", other);
            }
        }
        self.given = Some(std::mem::take(&mut self.seen).into_iter().zip(others).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        let ids: Vec<TransactionId> = (0..50).map(|nth| TransactionId([nth * 5; 12])).collect();
        let mut all = Transactions::default();
        ids.iter().for_each(|id| assert_eq!(all.get(*id), *id));
        all.assign(&Noise::new([1; 32], 0));
        let others: Vec<[u8; 12]> = ids.iter().map(|id| all.get(*id).0).collect();
        assert!(others.is_sorted() && others.iter().all(|id| id[0] != id[1] || id[1] != id[2]));
    }
}
