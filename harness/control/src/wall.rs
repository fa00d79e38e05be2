//! The clock on the wall, and that of the processor: for processes, which live in no other time.
//! Nothing a run in virtual time puts out depends on them.

use std::time::{Duration, Instant};

/// What time it is.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a process has its own clock, and is waited for by it"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Processor time that this process has taken: a machine that does other things, or has stopped the
/// process, does not count.
#[must_use]
pub fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_spends_time() {
        let (before, begun) = (spent(), now());
        while spent() == before && begun.elapsed() < Duration::from_secs(60) {
            std::hint::spin_loop();
        }
        assert!(spent() > before);
    }
}
