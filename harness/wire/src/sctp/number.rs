//! Numbers with a meaning, and the serial arithmetic of RFC 9260 §1.6.

use std::fmt;

/// Gives a number that wraps the comparison of RFC 1982.
macro_rules! serial_number {
    ($(#[$doc:meta])* $name:ident, $int:ty, $signed:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub $int);

        impl $name {
            /// The number after this one; wraps.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }

            /// The number before this one; wraps.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.wrapping_sub(1))
            }

            /// The number `count` after this one; wraps.
            #[must_use]
            pub const fn plus(self, count: $int) -> Self {
                Self(self.0.wrapping_add(count))
            }

            /// How far this number lies after `earlier`, going upwards and around.
            #[must_use]
            pub const fn since(self, earlier: Self) -> $int {
                self.0.wrapping_sub(earlier.0)
            }

            /// Whether this number comes before `other` (RFC 1982 §3.2). Two numbers half the
            /// number space apart are ordered neither way there; here the answer is `true` both ways.
            #[must_use]
            #[expect(clippy::cast_possible_wrap, reason = "the sign of the difference is the answer")]
            pub const fn is_before(self, other: Self) -> bool {
                (self.0.wrapping_sub(other.0) as $signed) < 0
            }

            /// Whether this number comes after `other` (RFC 1982 §3.2).
            #[must_use]
            pub const fn is_after(self, other: Self) -> bool {
                other.is_before(self)
            }

            /// Whether this number equals `other` or comes before it.
            #[must_use]
            pub const fn is_at_or_before(self, other: Self) -> bool {
                self.0 == other.0 || self.is_before(other)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

serial_number!(
    /// Transmission sequence number (RFC 9260 §1.6).
    Tsn, u32, i32
);
serial_number!(
    /// Stream sequence number (RFC 9260 §1.6).
    Ssn, u16, i16
);
serial_number!(
    /// Message identifier of I-DATA (RFC 8260 §2.1).
    Mid, u32, i32
);
serial_number!(
    /// Fragment sequence number of I-DATA (RFC 8260 §2.1).
    Fsn, u32, i32
);
serial_number!(
    /// Re-configuration request sequence number (RFC 6525 §4.1).
    RequestSequence, u32, i32
);

/// Stream identifier (RFC 9260 §1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u16);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Verification tag (RFC 9260 §8.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerificationTag(pub u32);

impl VerificationTag {
    /// The tag of a packet that carries an INIT (RFC 9260 §8.5.1).
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for VerificationTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Payload protocol identifier (RFC 9260 §3.3.1; the values are RFC 8831 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppid(pub u32);

impl Ppid {
    /// WebRTC DCEP.
    pub const DCEP: Self = Self(50);
    /// WebRTC String.
    pub const STRING: Self = Self(51);
    /// WebRTC Binary Partial (deprecated).
    pub const BINARY_PARTIAL: Self = Self(52);
    /// WebRTC Binary.
    pub const BINARY: Self = Self(53);
    /// WebRTC String Partial (deprecated).
    pub const STRING_PARTIAL: Self = Self(54);
    /// WebRTC String Empty.
    pub const STRING_EMPTY: Self = Self(56);
    /// WebRTC Binary Empty.
    pub const BINARY_EMPTY: Self = Self(57);
}

impl fmt::Display for Ppid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The big-endian 16-bit number at `at`.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*two))
}

/// The big-endian 32-bit number at `at`.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tsn_after_the_largest_is_zero_and_comes_after_it() {
        let last = Tsn(u32::MAX);
        assert_eq!(last.next(), Tsn(0));
        assert!(last.is_before(Tsn(0)));
        assert!(Tsn(0).is_after(last));
        assert_eq!(Tsn(4).since(Tsn(u32::MAX - 1)), 6);
    }

    #[test]
    fn ssn_compares_across_its_wrap() {
        assert!(Ssn(65_535).is_before(Ssn(0)));
        assert!(!Ssn(0).is_before(Ssn(65_535)));
        assert!(Ssn(3).is_at_or_before(Ssn(3)));
        assert_eq!(Ssn(0).previous(), Ssn(65_535));
    }
}
