//! An RFC 8445 agent as far as it decides which pairs become valid.
//!
//! Left out, because nothing here depends on it: freezing, which only orders the first checks and
//! these come in any order; nomination, which repeats a check that succeeded; failure of the whole
//! session, which patience (RFC 8863) puts off until no check can succeed any more.

use std::collections::VecDeque;

use super::candidate::CandidateType;
use super::topology::Family;
use super::translate::Ep;

/// An address the agent sends from.
#[derive(Debug, Clone, Copy)]
pub(super) struct BaseOf {
    pub(super) ep: Ep,
    pub(super) family: Family,
    pub(super) relayed: bool,
    /// False under a policy of relays only.
    pub(super) usable: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LocalCandidate {
    pub(super) ep: Ep,
    pub(super) kind: CandidateType,
    pub(super) announced: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RemoteCandidate {
    pub(super) ep: Ep,
    pub(super) kind: CandidateType,
    pub(super) family: Family,
}

/// RFC 8445 §6.1.2.6, without Frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    InProgress,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) base: u8,
    pub(super) remote: u8,
    pub(super) state: State,
    queued: bool,
    /// The number of the transaction under way or last begun.
    pub(super) transaction: u8,
    /// Answers to transactions before this one are of no interest any more.
    wanted: u8,
    /// The local candidate of the valid pair, once it is.
    pub(super) valid: Option<Ep>,
}

/// One agent.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) bases: Vec<BaseOf>,
    pub(super) locals: Vec<LocalCandidate>,
    pub(super) remotes: Vec<RemoteCandidate>,
    pub(super) pairs: Vec<Pair>,
    triggered: VecDeque<u8>,
    /// Sends no checks (RFC 8445 §2.5).
    pub(super) lite: bool,
    /// RFC 8445 §6.1.2.5 says to limit the pairs: remote candidates beyond these are not learned.
    most_remotes: usize,
    /// Some were not.
    has_enough: bool,
}

/// Checks of one pair, each with its retransmissions. A check fails for want of something that the
/// other side's checks bring about, and these come within the first one's retransmissions.
const MOST_CHECKS: u8 = 3;

const MOST_PAIRS: usize = 250;

impl Agent {
    pub(super) fn reset(&mut self, lite: bool) {
        self.bases.clear();
        self.locals.clear();
        self.remotes.clear();
        self.pairs.clear();
        self.triggered.clear();
        self.lite = lite;
        self.most_remotes = 0;
        self.has_enough = false;
    }

    /// Adds a local candidate unless it is redundant (RFC 8445 §5.1.3).
    pub(super) fn add_local(&mut self, ep: Ep, kind: CandidateType, announced: bool) {
        if self.locals.iter().all(|known| known.ep != ep) {
            self.locals.push(LocalCandidate { ep, kind, announced });
        }
    }

    /// Takes the other side's candidates and pairs them with every base of their family, which is
    /// what pruning (RFC 8445 §6.1.2.4) leaves.
    pub(super) fn start(&mut self, remotes: impl Iterator<Item = RemoteCandidate>) {
        self.remotes.extend(remotes.take(MOST_PAIRS));
        if self.lite {
            return;
        }
        for remote in 0..self.remotes.len() {
            for base in 0..self.bases.len() {
                let it = self.bases[base];
                if it.usable && it.family == self.remotes[remote].family {
                    self.pair(base, remote);
                }
            }
        }
    }

    fn pair(&mut self, base: usize, remote: usize) -> Option<u8> {
        if self.pairs.len() >= MOST_PAIRS {
            return None;
        }
        self.pairs.push(Pair {
            base: index(base),
            remote: index(remote),
            state: State::Waiting,
            queued: false,
            transaction: 0,
            wanted: 0,
            valid: None,
        });
        Some(index(self.pairs.len() - 1))
    }

    /// Sets how many remote candidates checks may add.
    pub(super) fn learn_at_most(&mut self, more: usize) {
        self.most_remotes = (self.remotes.len() + more).min(MOST_PAIRS);
    }

    /// Whether checks came from more addresses than that.
    pub(super) fn has_enough(&self) -> bool {
        self.has_enough
    }

    /// The next pair to check: triggered ones first, else the waiting one that `choose` picks.
    pub(super) fn next_check(&mut self, choose: impl FnOnce(u32) -> u32) -> Option<u8> {
        while let Some(pair) = self.triggered.pop_front() {
            self.pairs[usize::from(pair)].queued = false;
            if self.pairs[usize::from(pair)].state == State::Waiting {
                return Some(pair);
            }
        }
        let waiting = || (0..self.pairs.len()).filter(|&p| self.pairs[p].state == State::Waiting);
        let count = u32::try_from(waiting().count()).unwrap_or(0);
        if count == 0 {
            return None;
        }
        waiting().nth(choose(count) as usize).map(index)
    }

    /// Begins a transaction and gives its number, or fails the pair if it had its share.
    pub(super) fn begin(&mut self, pair: u8) -> Option<u8> {
        let pair = &mut self.pairs[usize::from(pair)];
        if pair.transaction >= MOST_CHECKS {
            pair.state = State::Failed;
            return None;
        }
        pair.transaction += 1;
        pair.state = State::InProgress;
        Some(pair.transaction)
    }

    /// Whether that transaction is still retransmitted.
    pub(super) fn is_current(&self, pair: u8, transaction: u8) -> bool {
        let pair = &self.pairs[usize::from(pair)];
        pair.state == State::InProgress && pair.transaction == transaction
    }

    /// The transaction failed: it ran out of retransmissions, or can't be sent at all.
    pub(super) fn fail(&mut self, pair: u8) {
        let pair = &mut self.pairs[usize::from(pair)];
        pair.state = State::Failed;
        pair.wanted = pair.transaction + 1;
    }

    /// The type of the remote candidate of that address, if there is one.
    pub(super) fn remote_type(&self, ep: Ep) -> Option<CandidateType> {
        self.remotes.iter().find(|known| known.ep == ep).map(|known| known.kind)
    }

    /// The type of the local candidate of that address, if there is one.
    pub(super) fn local_type(&self, ep: Ep) -> Option<CandidateType> {
        self.locals.iter().find(|known| known.ep == ep).map(|known| known.kind)
    }

    /// A check came to `base` from `from`: learns the candidate and gives the pair whose check it
    /// triggers, if one has to be scheduled.
    pub(super) fn on_request(&mut self, base: u8, from: Ep) -> Option<u8> {
        let remote = self.learn(base, from)?;
        if self.lite {
            return None;
        }
        let known = self.pairs.iter().position(|pair| pair.base == base && pair.remote == remote);
        let pair = match known {
            Some(pair) => index(pair),
            None => self.pair(usize::from(base), usize::from(remote))?,
        };
        self.trigger(pair)
    }

    /// RFC 8445 §7.3.1.3: an unknown source is a peer-reflexive candidate.
    fn learn(&mut self, base: u8, from: Ep) -> Option<u8> {
        if let Some(known) = self.remotes.iter().position(|remote| remote.ep == from) {
            return Some(index(known));
        }
        if self.remotes.len() >= self.most_remotes {
            self.has_enough = true;
            return None;
        }
        let family = self.bases[usize::from(base)].family;
        let kind = CandidateType::PeerReflexive;
        self.remotes.push(RemoteCandidate { ep: from, kind, family });
        Some(index(self.remotes.len() - 1))
    }

    /// RFC 8445 §7.3.1.4: a pair that succeeded stays; one in progress is begun anew, an answer to
    /// the old transaction still counting; one that failed or waits is checked next.
    fn trigger(&mut self, pair: u8) -> Option<u8> {
        let it = &mut self.pairs[usize::from(pair)];
        if it.state == State::Succeeded || it.queued {
            return None;
        }
        it.state = State::Waiting;
        it.queued = true;
        self.triggered.push_back(pair);
        Some(pair)
    }

    /// An answer came to `base` from `from`, saying the check was seen to come from `mapped`.
    /// Whether it is one that counts, and if so whether the pair is valid now.
    pub(super) fn on_answer(
        &mut self,
        (number, transaction): (u8, u8),
        base: u8,
        from: Ep,
        mapped: Ep,
    ) -> Answer {
        let pair = &mut self.pairs[usize::from(number)];
        if pair.state == State::Succeeded || transaction < pair.wanted {
            return Answer::Late;
        }
        // RFC 8445 §7.2.5.2.1: it must come from where the request went, to where it came from.
        if self.remotes[usize::from(pair.remote)].ep != from || pair.base != base {
            pair.wanted = transaction + 1;
            // A newer transaction of this pair goes on.
            if transaction == pair.transaction && pair.state == State::InProgress {
                pair.state = State::Failed;
            }
            return Answer::NotSymmetric;
        }
        pair.state = State::Succeeded;
        pair.valid = Some(mapped);
        // RFC 8445 §7.2.5.3.1: an unknown mapped address is a peer-reflexive candidate.
        self.add_local(mapped, CandidateType::PeerReflexive, false);
        Answer::Valid
    }
}

/// What an answer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing: the pair was decided.
    Late,
    /// The pair's check failed: the answer came from another address.
    NotSymmetric,
    /// The pair is valid.
    Valid,
}

fn index(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
