//! How time passes in a run: at once, or as it does on the wall.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rtcspec_control::outside::Bell;

/// Of a hundred steps, ninety-nine may be late by this much at most; a run on a machine that is too
/// slow for it proves nothing. The shortest timer of a session is ICE's pacing of 50 ms (RFC 8445
/// §14.2).
pub(super) const LATE: Duration = Duration::from_millis(20);

/// The requirement of a run that it was not late.
pub(super) const ON_TIME: &str = "the network keeps its time";

/// How time passes.
#[derive(Debug, Default)]
pub(super) enum Pace {
    /// It jumps from event to event.
    #[default]
    Virtual,
    /// It jumps too, over a record of a run that went by the wall's clock.
    Record,
    /// By the wall's clock.
    Wall {
        /// The clock, and what wakes it.
        bell: Arc<Bell>,
        /// How late each step was.
        late: Mutex<Vec<Duration>>,
    },
}

impl Pace {
    pub(super) fn wall(bell: Arc<Bell>) -> Self {
        Self::Wall { bell, late: Mutex::default() }
    }

    /// Whether a peer lives, or lived, outside of the run's time.
    pub(super) fn is_outside(&self) -> bool {
        !matches!(self, Self::Virtual)
    }

    pub(super) fn begin(&self) {
        if let Self::Wall { bell, .. } = self {
            bell.begin();
        }
    }

    /// Waits for `time`; false if something came from outside before.
    pub(super) fn reaches(&self, time: Duration) -> bool {
        let Self::Wall { bell, late } = self else { return true };
        if bell.wait_until(time) {
            return false;
        }
        let by = bell.now().saturating_sub(time);
        late.lock().unwrap_or_else(PoisonError::into_inner).push(by);
        true
    }

    /// How late 99 of 100 steps were at most; nothing where time waits for the run.
    pub(super) fn lateness(&self) -> Option<Duration> {
        let Self::Wall { late, .. } = self else { return None };
        let mut all = late.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable();
        let last = all.len().checked_sub(1)?;
        Some(all[last * 99 / 100])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_jumps_reaches_everything_at_once() {
        assert!(Pace::Virtual.reaches(Duration::MAX));
        assert_eq!(Pace::Record.lateness(), None);
    }

    #[test]
    fn the_clock_of_the_wall_is_waited_for_and_lateness_is_measured() {
        let bell = Arc::new(Bell::default());
        let pace = Pace::wall(Arc::clone(&bell));
        pace.begin();
        bell.ring();
        assert!(!pace.reaches(Duration::from_secs(600)));
        let soon = bell.now() + Duration::from_millis(2);
        assert!(pace.reaches(soon) && bell.now() >= soon);
        assert!(pace.lateness().is_some());
    }
}
