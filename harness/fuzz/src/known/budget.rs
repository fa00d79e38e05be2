//! What state machines may cost.

use std::time::Duration;

use crate::case::Budget;

/// Two associations, tables or negotiations, for a few seconds of their time.
pub(super) const MACHINE: Budget = Budget {
    bytes: 16 << 20,
    bytes_each: 0,
    time: Duration::from_millis(50),
    time_each: Duration::ZERO,
};

/// Handshakes with real cryptography.
pub(super) const SESSION: Budget =
    Budget { bytes: 256 << 20, time: Duration::from_secs(1), ..MACHINE };
