//! The valid list, nomination and the selected pair (RFC 8445 §7.2.5.3.2, §8.1).

use std::net::SocketAddr;
use std::time::Duration;

use super::consent::Consent;
use super::context::Context;
use super::event::{Event, SelectedPair, State};
use super::pair::{PairId, pair_priority};
use super::role::Role;
use super::session::{Selected, Session};

/// An entry of the valid list (RFC 8445 §7.2.5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValidPair {
    /// The pair whose check produced it.
    pub(super) pair: PairId,
    pub(super) local: usize,
    pub(super) remote: usize,
    pub(super) base: SocketAddr,
    pub(super) address: SocketAddr,
    pub(super) priorities: (u32, u32),
    pub(super) priority: u64,
    pub(super) is_relayed: bool,
    pub(super) since: Duration,
}

impl Session {
    /// Adds a valid pair, or what has changed about it.
    pub(super) fn add_valid(&mut self, new: ValidPair) {
        match self.valid.iter_mut().find(|valid| valid.pair == new.pair) {
            Some(valid) => *valid = ValidPair { since: valid.since, ..new },
            None => self.valid.push(new),
        }
    }

    /// Valid pairs have priorities too, and those depend on the role.
    pub(super) fn recompute_valid(&mut self, role: Role) {
        for valid in &mut self.valid {
            valid.priority = pair_priority(role, valid.priorities.0, valid.priorities.1);
        }
    }

    /// Which pair this agent would nominate, and when (RFC 8445 §8.1.1).
    pub(super) fn nomination(&self, cx: &Context) -> Option<(PairId, Duration)> {
        let may = cx.role == Role::Controlling
            && !cx.config.lite
            && self.selected.is_none()
            && self.nominee.is_none();
        if !may {
            return None;
        }
        let of_kind = |relayed| move |valid: &&ValidPair| valid.is_relayed == relayed;
        let best = |relayed| self.valid.iter().filter(of_kind(relayed)).max_by_key(|v| v.priority);
        let first = |relayed| self.valid.iter().filter(of_kind(relayed)).map(|v| v.since).min();
        let (best, since, patience) = if let Some(direct) = best(false) {
            let wait = self.has_better_open(direct.pair, false);
            (direct, first(false)?, if wait { cx.config.direct_patience } else { Duration::ZERO })
        } else {
            let relayed = best(true)?;
            let wait = if self.checklist.iter().any(|(_, pair)| !pair.is_relayed) {
                cx.config.relay_patience
            } else if self.has_better_open(relayed.pair, true) {
                cx.config.direct_patience
            } else {
                Duration::ZERO
            };
            (relayed, first(true)?, wait)
        };
        Some((best.pair, since + patience))
    }

    /// True if a pair that would be preferred may still become valid.
    fn has_better_open(&self, than: PairId, relayed: bool) -> bool {
        let priority = self.checklist.get(than).map_or(0, |pair| pair.priority);
        self.checklist.iter().any(|(_, pair)| {
            pair.state.is_open() && pair.is_relayed == relayed && pair.priority > priority
        })
    }

    /// Repeats the check of the best valid pair with USE-CANDIDATE, if it is time to
    /// (RFC 8445 §8.1.1).
    pub(super) fn nominate(&mut self, cx: &Context, now: Duration) {
        if let Some((pair, at)) = self.nomination(cx)
            && now >= at
        {
            self.nominee = Some(pair);
            self.checklist.trigger_nomination(pair);
        }
    }

    /// RFC 8445 §7.2.5.3.4: a nomination that fails takes the checklist with it. Where the peer
    /// nominates aggressively (RFC 5245), another nominated pair may still succeed.
    pub(super) fn nomination_failed(&mut self, cx: &mut Context, pair: PairId) {
        self.valid.retain(|valid| valid.pair != pair);
        if self.nominee == Some(pair) {
            self.nominee = None;
        }
        let another = self.checklist.iter().any(|(_, pair)| pair.nominated_by_peer);
        if self.selected.is_none() && !another {
            self.fail(cx);
        }
    }

    /// A pair is nominated (RFC 8445 §8.1.1, §8.1.2).
    pub(super) fn nominated(&mut self, cx: &mut Context, now: Duration, pair: PairId) {
        let Some(valid) = self.valid.iter().find(|valid| valid.pair == pair).cloned() else {
            return;
        };
        self.nominee = None;
        // RFC 8445 §8.1.1: of several nominated pairs, the one with the highest priority counts.
        if self.selected.is_some_and(|selected| selected.priority >= valid.priority) {
            return;
        }
        self.conclude(valid.priority);
        let ValidPair { base, address, priority, .. } = valid;
        self.select(cx, now, Selected { base, address, priority });
        let candidates = (self.locals.get(valid.local), self.remotes.get(valid.remote));
        if let (Some(local), Some(remote)) = candidates {
            let pair = SelectedPair { local: local.clone(), remote: remote.clone() };
            cx.event(Event::Selected(pair));
        }
        cx.enter(State::Connected);
    }

    /// A pair of this priority is selected: what cannot replace it is checked no more
    /// (RFC 8445 §8.1.2).
    fn conclude(&mut self, priority: u64) {
        self.checklist.complete(priority);
        let checklist = &self.checklist;
        let open = |id| checklist.get(id).is_some_and(|pair| pair.may_replace(priority));
        for check in self.checks.values_mut().filter(|check| !open(check.pair)) {
            check.cancel();
        }
    }

    /// Data goes there from now on.
    fn select(&mut self, cx: &mut Context, now: Duration, selected: Selected) {
        self.selected = Some(selected);
        // RFC 8445 §12.1: a channel towards the selected remote candidate.
        self.gatherer.bind(selected.base, selected.address);
        // RFC 7675 §5.1: the check that validated the pair was the first consent.
        self.consent = Some(Consent::new(now, cx.rng()));
        self.free_later(now);
    }

    /// A lite agent takes what it is offered (RFC 8445 §7.3.2).
    pub(super) fn nominated_lite(
        &mut self,
        cx: &mut Context,
        now: Duration,
        local: usize,
        remote: usize,
    ) {
        let (Some(ours), Some(theirs)) = (self.locals.get(local), self.remotes.get(remote)) else {
            return;
        };
        let (base, address) = (ours.base, theirs.address);
        let pair = SelectedPair { local: ours.clone(), remote: theirs.clone() };
        let priority = pair_priority(cx.role, ours.priority.number(), theirs.priority);
        let better = |old: Selected| old.priority < priority;
        if self.selected.is_none_or(better) {
            self.conclude(priority);
            self.select(cx, now, Selected { base, address, priority });
            cx.event(Event::Selected(pair));
            cx.enter(State::Connected);
        }
    }
}
