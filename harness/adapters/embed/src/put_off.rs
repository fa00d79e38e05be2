//! A stack's timer that stays in the past however often it fires.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(1);
const MOST: Duration = Duration::from_secs(1);

/// Does without such a timer for a while, each time twice as long: a stack whose timer stays in the
/// past would have a virtual minute last a real one.
#[derive(Debug)]
pub(crate) struct PutOff {
    until: Duration,
    next: Duration,
}

impl PutOff {
    pub(crate) const fn new() -> Self {
        Self { until: Duration::ZERO, next: FIRST }
    }

    /// When a timer that is set to `at` counts as due.
    pub(crate) fn due(&mut self, now: Duration, at: Duration) -> Duration {
        if at > now {
            // It has moved.
            *self = Self::new();
        }
        at.max(self.until)
    }

    /// It fired at this instant as often as anybody can want.
    pub(crate) fn longer(&mut self, now: Duration) {
        self.until = now + self.next;
        self.next = (self.next * 2).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(60);

    /// Found by `rtcspec fuzz session --peer str0m`: after a DTLS handshake that ran out of time its
    /// timer stays in the past, and a session of five minutes took longer than that.
    #[test]
    fn a_timer_that_stays_in_the_past_is_done_without_longer_each_time() {
        let (mut put_off, mut now, mut times) = (PutOff::new(), NOW, 0);
        while now < NOW + Duration::from_secs(300) {
            put_off.longer(now);
            now = put_off.due(now, NOW);
            times += 1;
        }
        // Ten times within 1,023 ms, then once a second.
        assert_eq!(times, 10 + 299);
    }

    #[test]
    fn a_timer_that_has_moved_is_put_off_no_more() {
        let mut put_off = PutOff::new();
        (0..8).for_each(|_| put_off.longer(NOW));
        let later = NOW + Duration::from_millis(3);
        assert_eq!(put_off.due(NOW, NOW), NOW + Duration::from_millis(128));
        assert_eq!(put_off.due(NOW, later), later);
        put_off.longer(later);
        assert_eq!(put_off.due(later, NOW), later + FIRST);
    }
}
