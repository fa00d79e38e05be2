//! Times of pcapng: ticks of an interface's own length, and an offset.

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    unit: Unit,
    offset: i64,
}

/// What a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Whole(u64),
    /// 10 to the power of this goes into a nanosecond.
    Parts(u32),
    /// 2 to the power of this goes into a second.
    Binary(u32),
}

impl Clock {
    /// From `if_tsresol` and `if_tsoffset`, which is in seconds.
    pub(super) const fn new(resolution: u8, offset: i64) -> Self {
        let power = (resolution & 0x7f) as u32;
        let unit = match (resolution & 0x80 != 0, power) {
            (true, _) => Unit::Binary(power),
            (false, 0..=9) => Unit::Whole(10_u64.pow(9 - power)),
            (false, _) => Unit::Parts(power - 9),
        };
        Self { unit, offset }
    }

    /// Nanoseconds since 1970; what does not fit is the nearest that does.
    #[inline]
    pub(super) fn nanos(self, ticks: u64) -> u64 {
        let nanos = match self.unit {
            Unit::Whole(unit) => ticks.saturating_mul(unit),
            // 10^20 is more than 64 bits hold: nothing of the ticks is left.
            Unit::Parts(power) => 10_u64.checked_pow(power).map_or(0, |unit| ticks / unit),
            Unit::Binary(power) => binary(ticks, power),
        };
        let offset = self.offset.unsigned_abs().saturating_mul(SECOND);
        if self.offset < 0 { nanos.saturating_sub(offset) } else { nanos.saturating_add(offset) }
    }
}

fn binary(ticks: u64, power: u32) -> u64 {
    let product = u128::from(ticks) * u128::from(SECOND);
    u64::try_from(product.checked_shr(power).unwrap_or(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_gives_nanoseconds() {
        for (resolution, ticks, nanos) in [
            (6, 1_000_001, 1_000_001_000),
            (9, 7, 7),
            (0, 2, 2_000_000_000),
            (3, 1, 1_000_000),
            (12, 5_000, 5),
            (0x80, 3, 3_000_000_000),
            (0x8a, 512, 500_000_000),
            (0xa0, 1 << 31, 500_000_000),
            (127, u64::MAX, 0),
            (0xff, u64::MAX, 0),
            (0, u64::MAX, u64::MAX),
        ] {
            assert_eq!(Clock::new(resolution, 0).nanos(ticks), nanos, "{resolution}");
        }
    }

    #[test]
    fn an_offset_counts_in_seconds() {
        assert_eq!(Clock::new(9, 2).nanos(5), 2_000_000_005);
        assert_eq!(Clock::new(9, -2).nanos(2_000_000_005), 5);
        assert_eq!(Clock::new(9, i64::MIN).nanos(5), 0);
        assert_eq!(Clock::new(9, i64::MAX).nanos(5), u64::MAX);
    }
}
