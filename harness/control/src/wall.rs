//! The clock on the wall: for processes, which live in no other time. Nothing a run in virtual time
//! puts out depends on it.

use std::time::Instant;

/// What time it is.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a process has its own clock, and is waited for by it"
)]
pub fn now() -> Instant {
    Instant::now()
}
