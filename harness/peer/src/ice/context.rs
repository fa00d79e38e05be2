//! What the sessions of one agent share.

use std::collections::VecDeque;

use rtcspec_wire::stun::TransactionId;

use super::config::Config;
use super::event::{Event, Output, State};
use super::role::Role;
use crate::rng::Rng;

/// Role, configuration, randomness and the queue of outputs.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) role: Role,
    /// RFC 8445 §16.1: 64 random bits.
    pub(super) tie_breaker: u64,
    pub(super) state: State,
    pub(super) out: VecDeque<Output>,
    rng: Rng,
}

impl Context {
    pub(super) fn new(config: Config, role: Role, rng: &Rng) -> Self {
        let mut rng = rng.fork("ice");
        Self { config, role, tie_breaker: rng.u64(), state: State::New, out: VecDeque::new(), rng }
    }

    pub(super) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Enters a state, and tells so if it is another one.
    pub(super) fn enter(&mut self, state: State) {
        if self.state != state && self.state != State::Closed {
            self.state = state;
            self.event(Event::State(state));
        }
    }

    pub(super) fn transaction_id(&mut self) -> TransactionId {
        TransactionId(self.rng.bytes())
    }

    pub(super) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// RFC 8445 §7.2.5.1, §7.3.1.1: takes the other role.
    pub(super) fn switch_role(&mut self) {
        self.role = self.role.other();
        self.event(Event::Role(self.role));
    }

    /// RFC 8445 §7.2.5.1: a 487 also asks for a new tie-breaker.
    pub(super) fn new_tie_breaker(&mut self) {
        self.tie_breaker = self.rng.u64();
    }
}
