//! Time of the run as the `Instant` the library wants.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a run's start is to DTLS, in Unix time: 2096-10-02, lest it be taken for a real one.
///
/// The library writes the Unix time of an `Instant` into the first bytes of a DTLS 1.2 hello
/// (RFC 5246 §7.4.1.2), so the start of every run has to be the same Unix time. The odd fraction
/// keeps the turn of the second away from the round times at which things happen in virtual time.
const START: Duration = Duration::new(4_000_000_000, 437_219_300);

/// The library reports a timer it does not have as one in the far future.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The instant that stands for a time of the run.
pub(super) fn instant(now: Duration) -> Instant {
    start() + now
}

/// The time of the run an instant stands for; `None` if it is never reached.
pub(super) fn run_time(instant: Instant) -> Option<Duration> {
    Some(instant.saturating_duration_since(start())).filter(|time| *time < NEVER)
}

/// The instant that stands for the start of every run of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant cannot be made otherwise; the real time cancels out in both readings"
)]
pub(super) fn start() -> Instant {
    static RUN_START: OnceLock<Instant> = OnceLock::new();
    *RUN_START.get_or_init(|| {
        let (instant, unix) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH));
        let ahead = START.saturating_sub(unix.unwrap_or_default());
        instant.checked_add(ahead).unwrap_or(instant)
    })
}
