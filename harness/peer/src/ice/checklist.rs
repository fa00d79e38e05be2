//! The checklist: which pairs there are and which is checked next (RFC 8445 §6.1.2, §6.1.4).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use super::pair::{Pair, PairId, PairState, pair_priority};
use super::role::Role;

/// RFC 8445 §6.1.2.5: the default limit of pairs.
pub(super) const MAX_PAIRS: usize = 100;

/// RFC 8445 §6.1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum ChecklistState {
    /// Neither of the others yet.
    Running,
    /// There is a nominated pair.
    Completed,
    /// No pair is valid and none is left to try.
    Failed,
}

/// The pairs of a session with the queue of triggered checks.
#[derive(Clone, Debug)]
pub(super) struct Checklist {
    pub(super) state: ChecklistState,
    pairs: BTreeMap<PairId, Pair>,
    /// RFC 8445 §6.1.4.1.
    triggered: VecDeque<PairId>,
    next_id: u32,
    limit: usize,
}

impl Checklist {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: ChecklistState::Running,
            pairs: BTreeMap::new(),
            triggered: VecDeque::new(),
            next_id: 0,
            limit,
        }
    }

    pub(super) fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PairId, &Pair)> {
        self.pairs.iter().map(|(id, pair)| (*id, pair))
    }

    /// The pair from a base to an address.
    pub(super) fn find(&self, base: SocketAddr, address: SocketAddr) -> Option<PairId> {
        let mut pairs = self.pairs.iter();
        pairs.find(|(_, pair)| pair.base == base && pair.address == address).map(|(id, _)| *id)
    }

    /// Adds a pair. `None` if it is redundant (RFC 8445 §6.1.2.4: same base, same remote address)
    /// or the list is full of better ones (§6.1.2.5).
    pub(super) fn insert(&mut self, mut pair: Pair) -> Option<PairId> {
        if self.find(pair.base, pair.address).is_some() || !self.make_room(pair.priority) {
            return None;
        }
        let id = PairId(self.next_id);
        self.next_id += 1;
        pair.state = self.initial_state(&pair);
        self.pairs.insert(id, pair);
        Some(id)
    }

    /// RFC 8838 §12: a pair added later is treated as if it had been there from the start: it
    /// waits if its foundation has succeeded or is not being tried, and is frozen otherwise.
    fn initial_state(&self, pair: &Pair) -> PairState {
        let mut same = self.pairs.values().filter(|other| other.foundation == pair.foundation);
        let mut busy = false;
        let succeeded = same.any(|other| {
            busy |= matches!(other.state, PairState::Waiting | PairState::InProgress);
            other.state == PairState::Succeeded
        });
        if succeeded || !busy { PairState::Waiting } else { PairState::Frozen }
    }

    /// RFC 8445 §6.1.2.5: drops the worst pair that is not being checked if the list is full.
    fn make_room(&mut self, priority: u64) -> bool {
        if self.pairs.len() < self.limit {
            return true;
        }
        let droppable = |pair: &Pair| {
            matches!(pair.state, PairState::Frozen | PairState::Waiting | PairState::Failed)
        };
        let worst = self.pairs.iter().filter(|(_, pair)| droppable(pair));
        let Some((&id, pair)) = worst.min_by_key(|(_, pair)| pair.priority) else {
            return false;
        };
        if pair.priority >= priority {
            return false;
        }
        self.remove(id);
        true
    }

    fn remove(&mut self, id: PairId) {
        self.pairs.remove(&id);
        self.triggered.retain(|queued| *queued != id);
    }

    /// Drops the pairs of a base that is gone.
    pub(super) fn remove_base(&mut self, base: SocketAddr) {
        self.pairs.retain(|_, pair| pair.base != base);
        let pairs = &self.pairs;
        self.triggered.retain(|id| pairs.contains_key(id));
    }

    /// RFC 8445 §8.1.2: a pair of this priority was nominated; the others leave list and queue,
    /// but for those that may still [`replace`](Pair::may_replace) it.
    pub(super) fn complete(&mut self, priority: u64) {
        self.state = ChecklistState::Completed;
        let pairs = &mut self.pairs;
        pairs.retain(|_, pair| pair.state == PairState::Succeeded || pair.may_replace(priority));
        self.triggered.retain(|id| pairs.get(id).is_some_and(|pair| pair.may_replace(priority)));
    }

    /// RFC 8445 §7.3.1.1: priorities are a function of the role.
    pub(super) fn recompute(&mut self, role: Role) {
        for pair in self.pairs.values_mut() {
            pair.priority = pair_priority(role, pair.priorities.0, pair.priorities.1);
        }
    }

    /// RFC 8445 §6.1.4.1: the pair is checked at the next opportunity.
    pub(super) fn trigger(&mut self, id: PairId) {
        if let Some(pair) = self.pairs.get_mut(&id) {
            pair.state = PairState::Waiting;
            if !self.triggered.contains(&id) {
                self.triggered.push_back(id);
            }
            // RFC 8445 §7.3.1.4: from Failed back to Waiting revives the list.
            if self.state == ChecklistState::Failed {
                self.state = ChecklistState::Running;
            }
        }
    }

    /// A nominating check: the pair stays Succeeded while it is repeated (RFC 8445 §8.1.1).
    pub(super) fn trigger_nomination(&mut self, id: PairId) {
        if self.pairs.contains_key(&id) && !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// The next triggered check, if one can be sent (RFC 8445 §6.1.4.2 step 1).
    pub(super) fn next_triggered(&mut self, ready: impl Fn(&Pair) -> bool) -> Option<PairId> {
        let pairs = &self.pairs;
        let at = self.triggered.iter().position(|id| pairs.get(id).is_some_and(&ready))?;
        self.triggered.remove(at)
    }

    /// The next ordinary check, if one can be sent (RFC 8445 §6.1.4.2 steps 2 and 3).
    pub(super) fn next_ordinary(&mut self, ready: impl Fn(&Pair) -> bool) -> Option<PairId> {
        if !self.pairs.values().any(|pair| pair.state == PairState::Waiting) {
            self.unfreeze_idle_foundations();
        }
        let waiting =
            self.pairs.iter().filter(|(_, pair)| pair.state == PairState::Waiting && ready(pair));
        waiting.max_by_key(|(_, pair)| pair.priority).map(|(id, _)| *id)
    }

    /// True if a call of [`next_triggered`](Self::next_triggered) or, where `ordinary` checks are
    /// sent, of [`next_ordinary`](Self::next_ordinary) would yield a pair.
    pub(super) fn can_send(&self, ordinary: bool, ready: impl Fn(&Pair) -> bool) -> bool {
        let triggered = |id: &PairId| self.pairs.get(id).is_some_and(&ready);
        if self.triggered.iter().any(triggered) {
            return true;
        }
        let waiting = |pair: &&Pair| pair.state == PairState::Waiting;
        let mut candidates = self.pairs.values().filter(waiting).peekable();
        if !ordinary || candidates.peek().is_some() {
            return ordinary && candidates.any(ready);
        }
        let mut frozen = self.pairs.values().filter(|pair| pair.state == PairState::Frozen);
        frozen.any(|pair| ready(pair) && !self.is_tried(&pair.foundation))
    }

    fn is_tried(&self, foundation: &(String, String)) -> bool {
        self.pairs.values().any(|pair| {
            pair.foundation == *foundation
                && matches!(pair.state, PairState::Waiting | PairState::InProgress)
        })
    }

    /// RFC 8445 §6.1.4.2 step 2: one pair of every foundation that is not being tried.
    fn unfreeze_idle_foundations(&mut self) {
        let mut frozen: Vec<(u64, PairId)> = self
            .pairs
            .iter()
            .filter(|(_, pair)| pair.state == PairState::Frozen)
            .map(|(id, pair)| (pair.priority, *id))
            .collect();
        frozen.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        for (_, id) in frozen {
            let Some(foundation) = self.pairs.get(&id).map(|pair| pair.foundation.clone()) else {
                continue;
            };
            let tried = self.is_tried(&foundation);
            if let Some(pair) = self.pairs.get_mut(&id).filter(|_| !tried) {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// RFC 8445 §7.2.5.3.3: a check succeeded; pairs of its foundation may be checked.
    pub(super) fn succeeded(&mut self, id: PairId) {
        let Some(pair) = self.pairs.get_mut(&id) else { return };
        pair.state = PairState::Succeeded;
        let foundation = pair.foundation.clone();
        for other in self.pairs.values_mut() {
            if other.state == PairState::Frozen && other.foundation == foundation {
                other.state = PairState::Waiting;
            }
        }
    }

    /// Number of pairs Waiting or In-Progress, for the RTO (RFC 8445 §14.3).
    pub(super) fn active(&self) -> usize {
        let active =
            |pair: &&Pair| matches!(pair.state, PairState::Waiting | PairState::InProgress);
        self.pairs.values().filter(active).count()
    }

    /// True while some pair's check may still decide about it.
    pub(super) fn has_open(&self) -> bool {
        self.pairs.values().any(|pair| pair.state.is_open())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn pair(base: u16, remote: u16, foundation: &str, priority: u32) -> Pair {
        Pair {
            local: 0,
            remote: 0,
            base: address(base),
            address: address(remote),
            foundation: (foundation.to_owned(), String::new()),
            priorities: (priority, priority),
            priority: pair_priority(Role::Controlling, priority, priority),
            state: PairState::Frozen,
            is_relayed: false,
            nominated_by_peer: false,
        }
    }

    fn list(pairs: impl IntoIterator<Item = Pair>) -> (Checklist, Vec<PairId>) {
        let mut list = Checklist::new(MAX_PAIRS);
        let ids = pairs.into_iter().filter_map(|pair| list.insert(pair)).collect();
        (list, ids)
    }

    fn state(list: &Checklist, id: PairId) -> PairState {
        list.get(id).unwrap().state
    }

    #[test]
    fn one_pair_of_each_foundation_waits_and_the_others_are_frozen() {
        // RFC 8445 §6.1.2.6.
        let (list, ids) = list([pair(1, 2, "a", 9), pair(1, 3, "a", 8), pair(1, 4, "b", 7)]);
        let states: Vec<_> = ids.iter().map(|id| state(&list, *id)).collect();
        assert_eq!(states, [PairState::Waiting, PairState::Frozen, PairState::Waiting]);
    }

    #[test]
    fn success_unfreezes_the_pairs_of_its_foundation() {
        // RFC 8445 §7.2.5.3.3.
        let (mut list, ids) = list([pair(1, 2, "a", 9), pair(1, 3, "a", 8)]);
        list.succeeded(ids[0]);
        assert_eq!(state(&list, ids[1]), PairState::Waiting);
        let late = list.insert(pair(1, 5, "a", 1)).unwrap();
        assert_eq!(state(&list, late), PairState::Waiting);
    }

    #[test]
    fn failure_leaves_frozen_pairs_until_nothing_else_waits() {
        // RFC 8445 §7.2.5.2, §6.1.4.2 step 2.
        let (mut list, ids) = list([pair(1, 2, "a", 9), pair(1, 3, "a", 8), pair(1, 4, "b", 7)]);
        list.get_mut(ids[0]).unwrap().state = PairState::Failed;
        assert_eq!(list.next_ordinary(|_| true), Some(ids[2]));
        list.get_mut(ids[2]).unwrap().state = PairState::InProgress;
        assert_eq!(list.next_ordinary(|_| true), Some(ids[1]));
    }

    #[test]
    fn redundant_pair_is_pruned() {
        // RFC 8445 §6.1.2.4.
        let (list, ids) = list([pair(1, 2, "a", 9), pair(1, 2, "b", 8)]);
        assert_eq!(ids.len(), 1);
        assert_eq!(list.iter().count(), 1);
    }

    #[test]
    fn list_never_grows_beyond_its_limit_and_keeps_the_best() {
        // RFC 8445 §6.1.2.5.
        let (mut list, _) = list((0..300).map(|n| pair(1, n, &n.to_string(), 1 + u32::from(n))));
        assert_eq!(list.iter().count(), MAX_PAIRS);
        assert!(list.iter().all(|(_, pair)| pair.address.port() >= 200));
        assert_eq!(list.insert(pair(1, 999, "z", 1)), None);
    }

    #[test]
    fn triggered_checks_go_first_in_the_order_they_came() {
        // RFC 8445 §6.1.4.2 step 1.
        let (mut list, ids) = list([pair(1, 2, "a", 9), pair(1, 3, "b", 8), pair(1, 4, "c", 7)]);
        list.trigger(ids[2]);
        list.trigger(ids[1]);
        list.trigger(ids[2]);
        assert_eq!(list.next_triggered(|_| true), Some(ids[2]));
        assert_eq!(list.next_triggered(|_| true), Some(ids[1]));
        assert_eq!(list.next_triggered(|_| true), None);
    }

    #[test]
    fn triggered_check_revives_a_failed_pair_and_its_list() {
        // RFC 8445 §7.3.1.4.
        let (mut list, ids) = list([pair(1, 2, "a", 9)]);
        list.get_mut(ids[0]).unwrap().state = PairState::Failed;
        list.state = ChecklistState::Failed;
        list.trigger(ids[0]);
        assert_eq!(state(&list, ids[0]), PairState::Waiting);
        assert_eq!(list.state, ChecklistState::Running);
    }

    #[test]
    fn switching_roles_reorders_the_list() {
        let mut uneven = pair(1, 2, "a", 9);
        uneven.priorities = (9, 5);
        let (mut list, ids) = list([uneven]);
        list.recompute(Role::Controlled);
        assert_eq!(list.get(ids[0]).unwrap().priority, pair_priority(Role::Controlled, 9, 5));
    }
}
