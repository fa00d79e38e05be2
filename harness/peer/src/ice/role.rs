//! Controlling and controlled, and who wins when both say the same (RFC 8445 §6.1.1, §7.3.1.1).

use rtcspec_wire::stun::{Attribute, View};

/// The part an agent plays (RFC 8445 §6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nominates.
    Controlling,
    /// Accepts nominations.
    Controlled,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }

    /// RFC 8445 §7.1.3: the attribute that tells this role.
    pub(super) const fn attribute(self, tie_breaker: u64) -> Attribute {
        match self {
            Self::Controlling => Attribute::IceControlling(tie_breaker),
            Self::Controlled => Attribute::IceControlled(tie_breaker),
        }
    }
}

/// What a request says about its sender's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) role: Role,
    pub(super) tie_breaker: u64,
}

impl Claim {
    /// The claim of a request; `None` if it makes none.
    pub(super) fn of(view: &View<'_>) -> Option<Self> {
        let claim = |role| move |tie_breaker| Self { role, tie_breaker };
        let controlling = view.ice_controlling().map(claim(Role::Controlling));
        controlling.or_else(|| view.ice_controlled().map(claim(Role::Controlled)))
    }
}

/// What a request's claim asks of the agent that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflict {
    /// The roles fit.
    None,
    /// Answer with 487 and keep the role.
    Refuse,
    /// Take the other role and accept the request.
    Switch,
}

/// RFC 8445 §7.3.1.1.
pub(super) fn conflict(role: Role, tie_breaker: u64, claim: Claim) -> Conflict {
    let ours_is_larger_or_equal = tie_breaker >= claim.tie_breaker;
    match (role, claim.role) {
        (Role::Controlling, Role::Controlling) if ours_is_larger_or_equal => Conflict::Refuse,
        (Role::Controlled, Role::Controlled) if !ours_is_larger_or_equal => Conflict::Refuse,
        (Role::Controlling, Role::Controlling) | (Role::Controlled, Role::Controlled) => {
            Conflict::Switch
        }
        _ => Conflict::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_conflict_is_decided_by_the_tie_breakers_in_every_quadrant() {
        use Role::{Controlled, Controlling};
        let decide = |role, ours, theirs, tie_breaker| {
            conflict(role, ours, Claim { role: theirs, tie_breaker })
        };
        assert_eq!(decide(Controlling, 5, Controlling, 4), Conflict::Refuse);
        assert_eq!(decide(Controlling, 5, Controlling, 5), Conflict::Refuse);
        assert_eq!(decide(Controlling, 5, Controlling, 6), Conflict::Switch);
        assert_eq!(decide(Controlled, 5, Controlled, 4), Conflict::Switch);
        assert_eq!(decide(Controlled, 5, Controlled, 5), Conflict::Switch);
        assert_eq!(decide(Controlled, 5, Controlled, 6), Conflict::Refuse);
        assert_eq!(decide(Controlling, 0, Controlled, 0), Conflict::None);
        assert_eq!(decide(Controlled, 0, Controlling, 0), Conflict::None);
    }
}
