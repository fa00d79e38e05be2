//! Numbers that wrap on the wire, counted on without wrap inside.

use rtcspec_wire::sctp::Tsn;

/// A TSN that does not wrap, so that it can be ordered and be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LongTsn(u64);

impl LongTsn {
    /// The count an initial TSN starts.
    pub(super) fn first(tsn: Tsn) -> Self {
        Self((1 << 32) | u64::from(tsn.0))
    }

    /// The count of a received TSN: the one nearest to this.
    pub(super) fn near(self, tsn: Tsn) -> Self {
        Self(nearest32(self.0, tsn.0))
    }

    /// As on the wire.
    pub(super) fn wire(self) -> Tsn {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low half is the number that wraps"
        )]
        Tsn(self.0 as u32)
    }

    /// As a plain key.
    pub(super) fn key(self) -> u64 {
        self.0
    }

    pub(super) fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }

    pub(super) fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// How far this lies after `earlier`; 0 if it does not.
    pub(super) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The long number nearest to `near` whose low 32 bits are `wire`.
pub(super) fn nearest32(near: u64, wire: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "serial difference"
    )]
    let difference = wire.wrapping_sub(near as u32) as i32;
    near.saturating_add_signed(i64::from(difference))
}

/// The long number nearest to `near` whose low 16 bits are `wire`; of two the one ahead: what lies
/// behind has come already.
pub(super) fn nearest16(near: u64, wire: u16) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "serial difference"
    )]
    let difference = wire.wrapping_sub(near as u16) as i16;
    let both_ways = difference == i16::MIN;
    let difference = i64::from(difference);
    near.saturating_add_signed(if both_ways { -difference } else { difference })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_goes_on_over_the_wrap_in_both_directions() {
        let last = LongTsn::first(Tsn(u32::MAX));
        let next = last.near(Tsn(0));
        assert!(next > last);
        assert_eq!(next.since(last), 1);
        assert_eq!(next.near(Tsn(u32::MAX)), last);
        assert_eq!(next.wire(), Tsn(0));
        assert_eq!(nearest16(0x1_0000, 0xffff), 0xffff);
        assert_eq!(nearest16(0x1_0000, 0x8001), 0x8001);
        assert_eq!(nearest16(0x1_0000, 0x8000), 0x1_8000);
    }
}
