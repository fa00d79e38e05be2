//! The retransmission timeout, RFC 9260 §6.3.1.

use std::time::Duration;

use super::Config;

#[derive(Clone, Debug)]
pub(super) struct Rto {
    smoothed: Option<Duration>,
    variation: Duration,
    current: Duration,
    min: Duration,
    max: Duration,
}

impl Rto {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            smoothed: None,
            variation: Duration::ZERO,
            current: config.rto_initial,
            min: config.rto_min,
            max: config.rto_max,
        }
    }

    pub(super) fn current(&self) -> Duration {
        self.current
    }

    /// A round trip was measured, of a packet sent once only (Karn's rule, C5).
    pub(super) fn measured(&mut self, rtt: Duration) {
        let smoothed = match self.smoothed {
            None => {
                self.variation = rtt / 2;
                rtt
            }
            Some(smoothed) => {
                // RTO.Beta is 1/4, RTO.Alpha 1/8.
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                (smoothed * 7 + rtt) / 8
            }
        };
        self.smoothed = Some(smoothed);
        self.current = (smoothed + self.variation * 4).clamp(self.min, self.max);
    }

    /// A timer ran out (E2).
    pub(super) fn back_off(&mut self) {
        self.current = (self.current * 2).min(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn first_measurement_sets_and_later_ones_smooth() {
        let config = Config { rto_min: MS * 10, ..Config::default() };
        let mut rto = Rto::new(&config);
        assert_eq!(rto.current(), Duration::from_secs(1));
        rto.measured(MS * 100);
        assert_eq!(rto.current(), MS * 300);
        rto.measured(MS * 100);
        // The variation fell from 50 to 37.5 ms.
        assert_eq!(rto.current(), MS * 250);
    }

    #[test]
    fn back_off_doubles_up_to_the_maximum_and_a_measurement_ends_it() {
        let mut rto = Rto::new(&Config::default());
        for _ in 0..10 {
            rto.back_off();
        }
        assert_eq!(rto.current(), Duration::from_secs(60));
        rto.measured(MS);
        assert_eq!(rto.current(), Duration::from_secs(1));
    }
}
