//! Candidate and pair priorities (RFC 8445 §5.1.2, §6.1.2.3).

use std::fmt;

use super::value::ComponentId;

/// A candidate's priority: 1 to 2^31 - 1 (RFC 8445 §5.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u32);

impl Priority {
    /// The highest.
    pub const MAX: Self = Self(0x7fff_ffff);
    /// Highest type preference (RFC 8445 §5.1.2.1).
    pub const MAX_TYPE_PREFERENCE: u8 = 126;

    /// `None` outside the range.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number >= 1 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The formula of RFC 8445 §5.1.2.1. A type preference over 126 counts as 126.
    #[must_use]
    pub fn compute(type_preference: u8, local_preference: u16, component: ComponentId) -> Self {
        let ty = u32::from(type_preference.min(Self::MAX_TYPE_PREFERENCE));
        let rest = 256 - u32::from(component.number());
        // With both preferences 0 and component 256 the formula yields 0, which is no priority.
        Self(((ty << 24) | (u32::from(local_preference) << 8) | rest).max(1))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A pair's priority from those of the controlling and the controlled agent's candidates
/// (RFC 8445 §6.1.2.3). They are any numbers, since those of PRIORITY in checks are.
#[must_use]
pub fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (g, d) = (u64::from(controlling), u64::from(controlled));
    (g.min(d) << 32).saturating_add(2 * g.max(d) + u64::from(g > d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_those_of_the_usual_host_and_relay_candidates() {
        let of = |ty, local| Priority::compute(ty, local, ComponentId::RTP).number();
        assert_eq!(of(126, 65535), 2_130_706_431);
        assert_eq!(of(100, 65535), 1_694_498_815);
        assert_eq!(of(0, 65535), 16_777_215);
    }

    #[test]
    fn pair_priority_depends_on_roles_only_in_the_last_bit() {
        let (high, low) = (2_130_706_431, 16_777_215);
        assert_eq!(pair_priority(high, low), pair_priority(low, high) + 1);
        assert_eq!(pair_priority(low, high), (16_777_215 << 32) + 2 * 2_130_706_431);
        assert_eq!(pair_priority(u32::MAX, u32::MAX), u64::MAX);
    }
}
