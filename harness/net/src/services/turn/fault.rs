//! Misbehaviour on request.

use std::collections::BTreeMap;

use rtcspec_wire::stun::Method;

use crate::Ns;

/// One way in which a server misbehaves, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refuses the `nth` authenticated request of a method (the first is 1) with 438 and a new
    /// nonce, and takes the old nonce from no one any more.
    StaleNonce {
        /// The method.
        method: Method,
        /// Which one.
        nth: u32,
    },
    /// Refuses the `nth` authenticated request of a method with an error code, for instance 437.
    Refuse {
        /// The method.
        method: Method,
        /// Which one.
        nth: u32,
        /// The code, 300 to 699.
        code: u16,
    },
    /// Forgets all allocations, as after a restart.
    LoseAllocations {
        /// When.
        at: Ns,
    },
    /// Neither answers nor relays, but remembers.
    Silent {
        /// From when on.
        from: Ns,
        /// Until when.
        until: Ns,
    },
}

/// What to do with a request instead of serving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    StaleNonce,
    Refuse(u16),
}

/// Which faults are still to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    requests: BTreeMap<Method, u32>,
}

impl Faults {
    pub(super) fn new(list: Vec<Fault>) -> Self {
        Self { list, requests: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Counts an authenticated request and says whether it is one to be refused.
    pub(super) fn on_request(&mut self, method: Method) -> Option<Mischief> {
        let count = self.requests.entry(method).or_default();
        *count = count.saturating_add(1);
        self.list.iter().find_map(|fault| match *fault {
            Fault::StaleNonce { method: of, nth } if of == method && nth == *count => {
                Some(Mischief::StaleNonce)
            }
            Fault::Refuse { method: of, nth, code } if of == method && nth == *count => {
                Some(Mischief::Refuse(code))
            }
            _ => None,
        })
    }

    pub(super) fn is_silent(&self, now: Ns) -> bool {
        self.list.iter().any(
            |fault| matches!(*fault, Fault::Silent { from, until } if from <= now && now < until),
        )
    }

    /// When allocations get lost next.
    pub(super) fn next_loss(&self) -> Option<Ns> {
        let losses = self.list.iter().filter_map(|fault| match *fault {
            Fault::LoseAllocations { at } => Some(at),
            _ => None,
        });
        losses.min()
    }

    /// True if allocations get lost now; the fault is spent then.
    pub(super) fn loses_allocations(&mut self, now: Ns) -> bool {
        let before = self.list.len();
        self.list.retain(|fault| !matches!(*fault, Fault::LoseAllocations { at } if at <= now));
        self.list.len() < before
    }
}
