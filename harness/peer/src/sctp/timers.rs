//! The timers of an association, by name.

use std::time::Duration;

/// RFC 9260 names T1 to T5; the others have names here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// T1-init: INIT is sent again.
    T1Init,
    /// T1-cookie: COOKIE ECHO is sent again.
    T1Cookie,
    /// T2-shutdown: SHUTDOWN or SHUTDOWN ACK is sent again.
    T2Shutdown,
    /// T3-rtx: data is sent again.
    T3Rtx,
    /// T5-shutdown-guard: the shutdown has taken too long.
    T5ShutdownGuard,
    /// An acknowledgement has waited long enough.
    Sack,
    /// A HEARTBEAT is due or its answer is late.
    Heartbeat,
    /// A RE-CONFIG is sent again.
    Reconfig,
}

impl Timer {
    const ALL: [Self; 8] = [
        Self::T1Init,
        Self::T1Cookie,
        Self::T2Shutdown,
        Self::T3Rtx,
        Self::T5ShutdownGuard,
        Self::Sack,
        Self::Heartbeat,
        Self::Reconfig,
    ];
}

#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    due: [Option<Duration>; Timer::ALL.len()],
}

impl Timers {
    pub(super) fn start(&mut self, timer: Timer, due: Duration) {
        self.due[timer as usize] = Some(due);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub(super) fn is_running(&self, timer: Timer) -> bool {
        self.due[timer as usize].is_some()
    }

    /// When the next one runs out.
    pub(super) fn next(&self) -> Option<Duration> {
        self.due.iter().flatten().min().copied()
    }

    /// Stops and gives the earliest that has run out.
    pub(super) fn expired(&mut self, now: Duration) -> Option<Timer> {
        let due = |timer: &Timer| self.due[*timer as usize].filter(|due| *due <= now);
        let timer = Timer::ALL.into_iter().filter(|timer| due(timer).is_some()).min_by_key(due)?;
        self.stop(timer);
        Some(timer)
    }
}
