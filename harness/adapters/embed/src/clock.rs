//! Run time to `Instant` and back.

use std::time::{Duration, Instant};

/// One fixed point of a stack's clock that stands for the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    base: Instant,
}

impl VirtualClock {
    /// A clock whose run starts at `base`.
    #[must_use]
    pub fn starting_at(base: Instant) -> Self {
        Self { base }
    }

    /// The stack's idea of the run time `now`.
    #[must_use]
    pub fn instant(self, now: Duration) -> Instant {
        self.base + now
    }

    /// The run time of an instant the stack named; earlier than the run is its start.
    #[must_use]
    pub fn run_time(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do as a base")]
    fn round_trip_is_exact_and_the_past_is_the_start() {
        let base = Instant::now();
        let clock = VirtualClock::starting_at(base);
        let now = Duration::new(3, 17);
        assert_eq!(clock.run_time(clock.instant(now)), now);
        let before = base.checked_sub(Duration::from_secs(1)).unwrap_or(base);
        assert_eq!(clock.run_time(before), Duration::ZERO);
    }
}
