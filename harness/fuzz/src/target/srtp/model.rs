//! What a side has to know of the indices of its sources: RFC 3711 §3.3.1, written out.

use std::collections::{BTreeMap, BTreeSet};

/// How far back a receiver must tell what it has seen (RFC 3711 §3.3.2).
const WINDOW: u64 = 64;

/// The highest index of each source, and all that were there.
#[derive(Debug, Default)]
pub(super) struct Indices {
    highest: BTreeMap<u32, u64>,
    seen: BTreeSet<(u32, u64)>,
}

impl Indices {
    /// The index nearest to the highest that ends in these sixteen bits.
    pub(super) fn estimate(&self, ssrc: u32, sequence: u16) -> u64 {
        let Some(&highest) = self.highest.get(&ssrc) else { return sequence.into() };
        let turn = highest & !0xffff | u64::from(sequence);
        let around = [Some(turn), turn.checked_sub(0x1_0000), turn.checked_add(0x1_0000)];
        // Of two that are as near, the one of the same turn, which is the first.
        let nearest = around.into_iter().flatten().min_by_key(|index| index.abs_diff(highest));
        nearest.unwrap_or(turn)
    }

    /// The next index of a source of SRTCP, which counts from 0.
    pub(super) fn next(&self, ssrc: u32) -> u64 {
        self.highest.get(&ssrc).map_or(0, |highest| highest + 1)
    }

    /// Takes an index in; whether it was there before, as far back as that is told.
    pub(super) fn insert(&mut self, ssrc: u32, index: u64) -> Novelty {
        let highest = self.highest.entry(ssrc).or_insert(index);
        let behind = highest.saturating_sub(index);
        *highest = index.max(*highest);
        let before = !self.seen.insert((ssrc, index));
        match (before, behind) {
            (_, WINDOW..) => Novelty::TooOldToTell,
            (true, _) => Novelty::Replayed,
            (false, 0) => Novelty::New,
            (false, _) => Novelty::Late,
        }
    }
}

/// What an index is to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Novelty {
    New,
    Late,
    Replayed,
    TooOldToTell,
}
