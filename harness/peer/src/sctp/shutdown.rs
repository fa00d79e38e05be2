//! The end of an association: RFC 9260 §9.

use std::time::Duration;

use rtcspec_wire::sctp::{Abort, Cause, Chunk, Shutdown, ShutdownComplete, Tsn};

use super::association::State;
use super::timers::Timer;
use super::{Association, Closed};

impl Association {
    /// Ends the association once everything sent is acknowledged; nothing more can be sent.
    pub fn shutdown(&mut self, now: Duration) {
        self.enter(now);
        match self.state {
            State::Established => {
                self.state = State::ShutdownPending;
                self.go_on_shutting_down();
            }
            State::CookieWait | State::CookieEchoed => self.close(Closed::Shutdown),
            _ => {}
        }
    }

    /// Ends the association at once and tells the peer why.
    pub fn abort(&mut self, now: Duration, cause: Cause) {
        self.enter(now);
        if self.state == State::Closed {
            return;
        }
        if self.peer.tag.0 != 0 {
            let abort = Abort { reflected_tag: false, causes: vec![cause] };
            self.standalone.clear();
            self.queue_standalone(self.peer.tag, Chunk::Abort(abort));
        }
        self.close(Closed::Aborted);
    }

    /// Takes the next step of a shutdown once nothing is left to send or to be acknowledged.
    pub(super) fn go_on_shutting_down(&mut self) {
        if !matches!(self.state, State::ShutdownPending | State::ShutdownReceived) {
            return;
        }
        // What has expired is not waited for.
        self.outbound.peek(self.now);
        if !self.is_drained() {
            return;
        }
        if self.state == State::ShutdownReceived {
            self.send_shutdown_ack();
            return;
        }
        self.state = State::ShutdownSent;
        // RFC 9260 §9.2: five times RTO.Max for all of it.
        self.start_timer(Timer::T5ShutdownGuard, self.config.rto_max * 5);
        self.repeat_shutdown();
    }

    /// SHUTDOWN, again with every packet of data the peer still sends (RFC 9260 §9.2).
    pub(super) fn repeat_shutdown(&mut self) {
        let cumulative_tsn_ack = self.received.cumulative().wire();
        self.control.retain(|chunk| !matches!(chunk, Chunk::Shutdown(_)));
        self.control.push_back(Chunk::Shutdown(Shutdown { cumulative_tsn_ack }));
        self.received.acknowledge_now();
        self.start_timer(Timer::T2Shutdown, self.rto.current());
    }

    fn send_shutdown_ack(&mut self) {
        self.state = State::ShutdownAckSent;
        self.control.push_back(Chunk::ShutdownAck);
        self.start_timer(Timer::T2Shutdown, self.rto.current());
        if !self.timers.is_running(Timer::T5ShutdownGuard) {
            self.start_timer(Timer::T5ShutdownGuard, self.config.rto_max * 5);
        }
    }

    pub(super) fn received_shutdown(&mut self, cumulative: Tsn) {
        match self.state {
            State::Established | State::ShutdownPending | State::ShutdownReceived => {
                self.state = State::ShutdownReceived;
                match self.outstanding.acknowledge_up_to(self.now, cumulative) {
                    Some(done) => self.after_acknowledgement(done.advanced),
                    // Old, or of what was never sent: it tells nothing, and a FORWARD TSN for it
                    // would be answered by another SHUTDOWN at once, and so on.
                    None => self.go_on_shutting_down(),
                }
            }
            // RFC 9260 §9.2: both sides asked for it.
            State::ShutdownSent => self.send_shutdown_ack(),
            _ => {}
        }
    }

    pub(super) fn received_shutdown_ack(&mut self) {
        if matches!(self.state, State::ShutdownSent | State::ShutdownAckSent) {
            let complete = ShutdownComplete { reflected_tag: false };
            self.queue_standalone(self.peer.tag, Chunk::ShutdownComplete(complete));
            self.close(Closed::Shutdown);
        }
    }

    pub(super) fn received_shutdown_complete(&mut self) {
        if self.state == State::ShutdownAckSent {
            self.close(Closed::Shutdown);
        }
    }

    pub(super) fn shutdown_timed_out(&mut self) {
        if !self.count_error() {
            return;
        }
        self.rto.back_off();
        match self.state {
            State::ShutdownSent => self.repeat_shutdown(),
            State::ShutdownAckSent => self.send_shutdown_ack(),
            _ => {}
        }
    }

    pub(super) fn shutdown_took_too_long(&mut self) {
        let cause = Cause::ProtocolViolation(b"shutdown took too long".to_vec());
        let abort = Abort { reflected_tag: false, causes: vec![cause] };
        self.queue_standalone(self.peer.tag, Chunk::Abort(abort));
        self.close(Closed::Unreachable);
    }
}
