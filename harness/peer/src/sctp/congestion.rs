//! The congestion window, RFC 9260 §7.2.

use std::time::Duration;

use super::serial::LongTsn;

#[derive(Clone, Debug)]
pub(super) struct Congestion {
    mtu: usize,
    window: usize,
    threshold: usize,
    partial_bytes_acked: usize,
    /// Fast recovery lasts until this TSN is acknowledged.
    recovery_exit: Option<LongTsn>,
    last_sent: Duration,
}

impl Congestion {
    pub(super) fn new(mtu: usize) -> Self {
        Self {
            mtu,
            // §7.2.1: the initial window.
            window: (4 * mtu).min((2 * mtu).max(4404)),
            threshold: usize::MAX,
            partial_bytes_acked: 0,
            recovery_exit: None,
            last_sent: Duration::ZERO,
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    pub(super) fn in_recovery(&self) -> bool {
        self.recovery_exit.is_some()
    }

    /// New data was acknowledged: `bytes` in all, with `flight` in flight before.
    pub(super) fn acknowledged(
        &mut self,
        bytes: usize,
        flight: usize,
        advanced: bool,
        cumulative: LongTsn,
    ) {
        let fully_used = flight >= self.window;
        if self.window <= self.threshold {
            // §7.2.1: slow start grows only when the window was used, the cumulative TSN moved and
            // no fast recovery is on.
            if fully_used && advanced && !self.in_recovery() {
                self.window += bytes.min(self.mtu);
            }
        } else if advanced {
            self.avoid(bytes, fully_used);
        }
        if self.recovery_exit.is_some_and(|exit| cumulative >= exit) {
            self.recovery_exit = None;
        }
    }

    /// §7.2.2: one MTU per window.
    fn avoid(&mut self, bytes: usize, fully_used: bool) {
        self.partial_bytes_acked += bytes;
        if self.partial_bytes_acked >= self.window {
            if fully_used {
                self.partial_bytes_acked -= self.window;
                if !self.in_recovery() {
                    self.window += self.mtu;
                }
            } else {
                self.partial_bytes_acked = self.window;
            }
        }
    }

    /// Nothing is in flight any more.
    pub(super) fn drained(&mut self) {
        self.partial_bytes_acked = 0;
    }

    /// §7.2.4: fast retransmission begins; `highest` is the highest TSN sent.
    pub(super) fn loss_reported(&mut self, highest: LongTsn) {
        if self.in_recovery() {
            return;
        }
        self.threshold = (self.window / 2).max(4 * self.mtu);
        self.window = self.threshold;
        self.partial_bytes_acked = 0;
        self.recovery_exit = Some(highest);
    }

    /// §7.2.3: T3-rtx ran out.
    pub(super) fn timed_out(&mut self) {
        self.threshold = (self.window / 2).max(4 * self.mtu);
        self.window = self.mtu;
        self.partial_bytes_acked = 0;
        self.recovery_exit = None;
    }

    /// Data is sent; `idle_unit` is the RTO. §7.2.1: an idle path forgets half its window per RTO.
    pub(super) fn sent(&mut self, now: Duration, flight: usize, idle_unit: Duration) {
        let mut idle = now.saturating_sub(self.last_sent);
        if flight == 0 && !idle_unit.is_zero() {
            while idle > idle_unit && self.window > 4 * self.mtu {
                self.window = (self.window / 2).max(4 * self.mtu);
                idle -= idle_unit;
            }
        }
        self.last_sent = now;
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::Tsn;

    use super::*;

    fn tsn(count: u64) -> LongTsn {
        LongTsn::first(Tsn(0)).plus(count)
    }

    #[test]
    fn slow_start_grows_only_when_the_window_was_used() {
        let mut window = Congestion::new(1000);
        assert_eq!(window.window(), 4000);
        window.acknowledged(2000, 3999, true, tsn(2));
        assert_eq!(window.window(), 4000);
        window.acknowledged(2000, 4000, true, tsn(4));
        assert_eq!(window.window(), 5000);
    }

    #[test]
    fn avoidance_grows_one_mtu_per_window() {
        let mut window = Congestion::new(1000);
        window.timed_out();
        assert_eq!((window.window(), window.threshold), (1000, 4000));
        while window.window() <= 4000 {
            window.acknowledged(1000, window.window(), true, tsn(1));
        }
        assert_eq!(window.window(), 5000);
        for _ in 0..4 {
            window.acknowledged(1000, 5000, true, tsn(1));
            assert_eq!(window.window(), 5000);
        }
        window.acknowledged(1000, 5000, true, tsn(1));
        assert_eq!(window.window(), 6000);
    }

    #[test]
    fn fast_recovery_halves_once_and_ends_with_its_highest_tsn() {
        let mut window = Congestion::new(1000);
        window.window = 20_000;
        window.loss_reported(tsn(9));
        window.loss_reported(tsn(12));
        assert_eq!(window.window(), 10_000);
        window.acknowledged(1000, 20_000, true, tsn(8));
        assert!(window.in_recovery());
        window.acknowledged(1000, 20_000, true, tsn(9));
        assert!(!window.in_recovery());
    }

    #[test]
    fn idle_path_forgets_half_its_window_per_timeout() {
        let mut window = Congestion::new(1000);
        window.window = 32_000;
        let unit = Duration::from_secs(1);
        window.sent(unit * 2 + unit / 2, 0, unit);
        assert_eq!(window.window(), 8000);
    }
}
