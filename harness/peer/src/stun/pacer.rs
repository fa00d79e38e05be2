//! The timer Ta: one new STUN or TURN transaction at a time (RFC 8445 §14.1, §14.2).

use std::time::Duration;

/// Gives out the slots in which new transactions may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacer {
    ta: Duration,
    free_at: Duration,
}

impl Pacer {
    /// RFC 8445 §14.2: the default of Ta.
    pub const DEFAULT_TA: Duration = Duration::from_millis(50);

    /// A pacer whose first slot is free at once.
    #[must_use]
    pub fn new(ta: Duration) -> Self {
        Self { ta, free_at: Duration::ZERO }
    }

    /// True if a transaction may start now.
    #[must_use]
    pub fn is_free(&self, now: Duration) -> bool {
        now >= self.free_at
    }

    /// A transaction starts now; the next slot is Ta away.
    pub fn take(&mut self, now: Duration) {
        self.free_at = now + self.ta;
    }

    /// When the next slot is free.
    #[must_use]
    pub fn free_at(&self) -> Duration {
        self.free_at
    }

    /// Ta itself.
    #[must_use]
    pub fn ta(&self) -> Duration {
        self.ta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_ta_apart() {
        let mut pacer = Pacer::new(Pacer::DEFAULT_TA);
        let start = Duration::from_millis(7);
        assert!(pacer.is_free(start));
        pacer.take(start);
        assert!(!pacer.is_free(start + Duration::from_millis(49)));
        assert!(pacer.is_free(start + Duration::from_millis(50)));
    }
}
