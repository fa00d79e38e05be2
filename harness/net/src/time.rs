use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Nanoseconds: a point in time since the run began, or a span of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ns(pub u64);

impl Ns {
    /// The run's beginning; an empty span.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// A number of microseconds.
    pub const fn micros(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }

    /// A number of milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }

    /// A number of seconds.
    pub const fn secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
}

impl Add for Ns {
    type Output = Self;

    /// Saturates at [`Ns::NEVER`].
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Ns {
    type Output = Self;

    /// Saturates at [`Ns::ZERO`].
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<Duration> for Ns {
    /// Spans beyond 584 years become [`Ns::NEVER`].
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Ns> for Duration {
    fn from(ns: Ns) -> Self {
        Self::from_nanos(ns.0)
    }
}

impl fmt::Display for Ns {
    /// Seconds with as many decimals as needed: `0.02s`, `300s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if rest == 0 {
            return write!(f, "{whole}s");
        }
        let decimals = format!("{rest:09}");
        write!(f, "{whole}.{}s", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_survives_the_round_trip() {
        let duration = Duration::from_nanos(1_234_567_890_123);
        assert_eq!(Duration::from(Ns::from(duration)), duration);
        assert_eq!(Ns::from(Duration::MAX), Ns::NEVER);
    }

    #[test]
    fn display_shows_seconds_without_trailing_zeros() {
        assert_eq!(Ns::millis(20).to_string(), "0.02s");
        assert_eq!(Ns::secs(300).to_string(), "300s");
        assert_eq!(Ns(1).to_string(), "0.000000001s");
    }
}
