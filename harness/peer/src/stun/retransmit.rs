//! When a request is sent again and when it has failed (RFC 8489 §6.2.1, §6.2.2).

use std::time::Duration;

/// RFC 8489 §6.2.1: number of times a request is sent over UDP.
const RC: u32 = 7;
/// RFC 8489 §6.2.1: the wait after the last sending, in initial RTOs.
const RM: u32 = 16;
/// RFC 8489 §6.2.2: how long a request over a reliable transport may take.
const TI: Duration = Duration::from_millis(39_500);

/// What is to be done about a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Send the request again.
    Resend,
    /// It has failed.
    TimedOut,
}

/// The timer of one transaction, started when its request is sent for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retransmit {
    interval: Duration,
    sendings_left: u32,
    resend_at: Duration,
    fails_at: Duration,
}

impl Retransmit {
    /// RFC 8445 §14.3: the smallest RTO.
    pub const MIN_RTO: Duration = Duration::from_millis(500);

    /// Over UDP: sendings at 0, 1, 3, 7, 15, 31 and 63 RTO, failure at 79 RTO.
    #[must_use]
    pub fn unreliable(now: Duration, rto: Duration) -> Self {
        // The last of Rc sendings leaves after 2^(Rc-1) - 1 intervals of RTO.
        let last = rto * ((1 << (RC - 1)) - 1);
        Self {
            interval: rto,
            sendings_left: RC - 1,
            resend_at: now + rto,
            fails_at: now + last + rto * RM,
        }
    }

    /// Over TCP or TLS: one sending, failure after Ti.
    #[must_use]
    pub fn reliable(now: Duration) -> Self {
        Self { interval: TI, sendings_left: 0, resend_at: now + TI, fails_at: now + TI }
    }

    /// RFC 8445 §7.3.1.4: cancels; nothing more is sent, but a response is still waited for.
    pub fn cancel(&mut self) {
        self.sendings_left = 0;
    }

    /// When [`poll`](Self::poll) has something to say.
    #[must_use]
    pub fn wake(&self) -> Duration {
        if self.sendings_left > 0 { self.resend_at } else { self.fails_at }
    }

    /// What is due; a `Resend` counts as done.
    pub fn poll(&mut self, now: Duration) -> Due {
        if now >= self.fails_at {
            Due::TimedOut
        } else if self.sendings_left > 0 && now >= self.resend_at {
            self.sendings_left -= 1;
            self.interval *= 2;
            self.resend_at += self.interval;
            Due::Resend
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(mut timer: Retransmit) -> (Vec<u128>, u128) {
        let mut resends = Vec::new();
        loop {
            let at = timer.wake();
            match timer.poll(at) {
                Due::Resend => resends.push(at.as_millis()),
                Due::TimedOut => return (resends, at.as_millis()),
                Due::Nothing => panic!("woken for nothing at {at:?}"),
            }
        }
    }

    #[test]
    fn request_over_udp_is_sent_seven_times_and_fails_after_39500_ms() {
        // RFC 8489 §6.2.1: the example schedule for an RTO of 500 ms.
        let (resends, failed) =
            history(Retransmit::unreliable(Duration::ZERO, Retransmit::MIN_RTO));
        assert_eq!(resends, [500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!(failed, 39500);
    }

    #[test]
    fn cancelled_request_is_not_sent_again_but_waits_as_long() {
        let mut timer = Retransmit::unreliable(Duration::ZERO, Retransmit::MIN_RTO);
        timer.cancel();
        assert_eq!(history(timer), (vec![], 39500));
    }

    #[test]
    fn request_over_tcp_is_sent_once() {
        assert_eq!(history(Retransmit::reliable(Duration::ZERO)), (vec![], 39500));
    }
}
