//! The hostile side of a case.

use std::fmt;
use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Tamper};

use super::log::Log;
use super::ruling::{Ruling, Seen};
use crate::scenario::Inject;

/// What a case does, and how it judges what came of it.
///
/// Its [`Tamper`] hooks work on what the hostile side sends and receives anyway;
/// [`Hostile::strike`] sends something besides, once, half a second after the first channel is
/// open.
pub trait Hostile: Tamper {
    /// What to send once the session is up. The log holds all that was sent and received so far,
    /// to build on.
    fn strike(&mut self, now: Duration, log: &Log) -> Vec<Injection> {
        let _ = (now, log);
        Vec::new()
    }

    /// What step number `index` of the script has it send; nothing, if it cannot be had.
    fn injection(&mut self, index: usize, inject: &Inject, log: &Log) -> Option<Injection> {
        let _ = (index, inject, log);
        None
    }

    /// What came of it, beside the expectations of the scenario.
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let _ = seen;
        Vec::new()
    }

    /// Whether the session may be over, so that the probe counts for nothing.
    fn may_end(&self, seen: &Seen<'_>) -> bool {
        let _ = seen;
        false
    }
}

impl fmt::Debug for dyn Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hostile")
    }
}

/// Does nothing: the scenario alone is the case.
#[derive(Debug)]
pub(super) struct Harmless;

impl Tamper for Harmless {}

impl Hostile for Harmless {}
