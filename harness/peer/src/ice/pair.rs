//! Candidate pairs: what they consist of, their states and priority (RFC 8445 §6.1.2).

use std::net::SocketAddr;

use rtcspec_wire::candidate;

use super::gather::Gatherer;
use super::role::Role;
use crate::turn::PermissionState;

/// Names a pair for as long as its session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub(super) u32);

/// RFC 8445 §6.1.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairState {
    /// Waits until a pair of the same foundation has been tried.
    Frozen,
    /// May be checked.
    Waiting,
    /// Is being checked.
    InProgress,
    /// A check produced a valid pair.
    Succeeded,
    /// A check failed.
    Failed,
}

impl PairState {
    /// True while a check may still decide about the pair.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Frozen | Self::Waiting | Self::InProgress)
    }
}

/// A pair on the checklist. Its local candidate is always a base: a reflexive one is replaced by
/// its base (RFC 8445 §6.1.2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Index of the local candidate in its session.
    pub(super) local: usize,
    /// Index of the remote candidate in its session.
    pub(super) remote: usize,
    /// Where checks leave.
    pub base: SocketAddr,
    /// Where checks go.
    pub address: SocketAddr,
    /// Foundations of the local and the remote candidate.
    pub(super) foundation: (String, String),
    /// Priorities of the local and the remote candidate.
    pub(super) priorities: (u32, u32),
    /// RFC 8445 §6.1.2.3.
    pub priority: u64,
    /// RFC 8445 §6.1.2.6.
    pub state: PairState,
    /// True if either end is a relayed candidate.
    pub is_relayed: bool,
    /// RFC 8445 §7.3.1.5: the controlling agent has sent USE-CANDIDATE; the pair is nominated once
    /// our own check succeeds.
    pub(super) nominated_by_peer: bool,
}

impl Pair {
    /// RFC 8445 §7.2.1: a check from a relayed candidate needs a permission first.
    pub(super) fn may_be_checked(&self, gatherer: &Gatherer) -> bool {
        gatherer.permission(self.base, self.address.ip()) == Some(PermissionState::Granted)
    }

    /// True if this pair may still be selected although one of that priority is: the peer has
    /// nominated both (RFC 5245 §8.1.1.2), and the better one counts once its check succeeds
    /// (RFC 8445 §8.1.1). RFC 5245 §8.1.2 keeps checks of better pairs in progress; that a check
    /// still has to wait for its turn is no difference, a peer nominates but once.
    pub(super) const fn may_replace(&self, selected: u64) -> bool {
        self.nominated_by_peer && self.state.is_open() && self.priority > selected
    }
}

/// RFC 8445 §6.1.2.3: the priority of a pair as the agent in `role` sees it.
#[must_use]
pub fn pair_priority(role: Role, local: u32, remote: u32) -> u64 {
    match role {
        Role::Controlling => candidate::pair_priority(local, remote),
        Role::Controlled => candidate::pair_priority(remote, local),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_agents_compute_the_same_priority_for_a_pair() {
        let (a, b) = (2_130_706_431, 1_694_498_815);
        let controlling = pair_priority(Role::Controlling, a, b);
        assert_eq!(controlling, pair_priority(Role::Controlled, b, a));
        assert_eq!(controlling, (u64::from(b) << 32) + 2 * u64::from(a) + 1);
    }
}
