//! Consent to send (RFC 7675) and keepalives (RFC 8445 §11).

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{
    Check as Integrity, Class, ErrorCode, Message, Method, Seal, TransactionId, View,
};

use super::context::Context;
use super::event::{Output, State};
use super::role::Role;
use super::session::Session;
use crate::rng::Rng;
use crate::stun::{Outgoing, Via};

/// RFC 7675 §5.1: consent expires so long after the last answer.
const EXPIRY: Duration = Duration::from_secs(30);
/// RFC 7675 §5.1: the interval, of which each wait is 0.8 to 1.2 times.
const INTERVAL_MILLIS: u64 = 5000;
/// Without an answer for so long the agent calls itself disconnected; two checks may be lost.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(15);
/// Checks sent within the expiry time: answers to older ones come too late.
const MAX_OUTSTANDING: usize = 8;
/// RFC 8445 §11: Tr.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Consent on the selected pair.
#[derive(Clone, Debug)]
pub(super) struct Consent {
    next_at: Duration,
    answered_at: Duration,
    sent_at: Duration,
    /// Checks without an answer, and the role they claimed.
    outstanding: Vec<(TransactionId, Role)>,
    expired: bool,
}

impl Consent {
    /// Consent was given just now.
    pub(super) fn new(now: Duration, rng: &mut Rng) -> Self {
        Self {
            next_at: now + interval(rng),
            answered_at: now,
            sent_at: now,
            outstanding: Vec::new(),
            expired: false,
        }
    }

    /// True once nothing may be sent any more.
    pub(super) fn is_expired(&self) -> bool {
        self.expired
    }

    /// Something was sent on the pair.
    pub(super) fn sent(&mut self, now: Duration) {
        self.sent_at = now;
    }

    /// When something is to be done. A lite agent asks for no consent, it only keeps alive.
    pub(super) fn wake(&self, lite: bool) -> Duration {
        if self.expired {
            return Duration::MAX;
        }
        if lite {
            return self.sent_at + KEEPALIVE;
        }
        self.next_at.min(self.answered_at + EXPIRY)
    }
}

/// RFC 7675 §5.1: randomised, so that checks do not synchronise.
fn interval(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.range(INTERVAL_MILLIS * 8 / 10..INTERVAL_MILLIS * 12 / 10 + 1))
}

impl Session {
    /// Asks for consent, notes its absence, keeps the pair alive.
    pub(super) fn run_consent(&mut self, cx: &mut Context, now: Duration, speaks: bool) {
        let Some(consent) = self.consent.as_mut().filter(|consent| !consent.expired) else {
            return;
        };
        if cx.config.lite {
            if now >= consent.sent_at + KEEPALIVE {
                consent.sent(now);
                self.send_keepalive(cx);
            }
            return;
        }
        if now >= consent.answered_at + EXPIRY {
            // RFC 7675 §5.1: from here on nothing is sent; a late answer changes nothing.
            consent.expired = true;
            consent.outstanding.clear();
            if speaks {
                cx.enter(State::Failed);
            }
            return;
        }
        if now >= consent.next_at {
            consent.next_at = now + interval(cx.rng());
            if speaks && now >= consent.answered_at + DISCONNECTED_AFTER {
                cx.enter(State::Disconnected);
            }
            self.send_consent_check(cx, now);
        }
    }

    /// RFC 7675 §5.1: a Binding request of its own transaction, never retransmitted.
    fn send_consent_check(&mut self, cx: &mut Context, now: Duration) {
        let Some(selected) = self.selected else { return };
        let Some(local) = self.base_candidate(selected.base) else { return };
        let Some((id, bytes)) = self.request(cx, local, false) else { return };
        if let Some(consent) = &mut self.consent {
            consent.sent(now);
            consent.outstanding.push((id, cx.role));
            if consent.outstanding.len() > MAX_OUTSTANDING {
                consent.outstanding.remove(0);
            }
        }
        let key = self.remote.as_ref().map(|remote| remote.key.as_bytes().to_vec());
        cx.out.push_back(Output::Stun(Outgoing {
            local: selected.base,
            remote: selected.address,
            bytes,
            key,
            session: self.number,
            via: Via::Base,
        }));
    }

    /// RFC 8445 §11: a Binding indication without credentials.
    fn send_keepalive(&mut self, cx: &mut Context) {
        let Some(selected) = self.selected else { return };
        let indication = Message::indication(Method::BINDING, cx.transaction_id());
        let Ok(bytes) = indication.encode(&Seal::none().fingerprint()) else { return };
        cx.out.push_back(Output::Stun(Outgoing {
            local: selected.base,
            remote: selected.address,
            bytes,
            key: None,
            session: self.number,
            via: Via::Base,
        }));
    }

    /// An answer to a consent check. Only a signed success from where the check went counts.
    pub(super) fn consent_response(
        &mut self,
        cx: &mut Context,
        now: Duration,
        base: SocketAddr,
        from: SocketAddr,
        view: &View<'_>,
    ) {
        let (Some(consent), Some(remote)) = (self.consent.as_mut(), &self.remote) else { return };
        let symmetric = self.selected.is_some_and(|s| s.base == base && s.address == from);
        let signed = view.verify_integrity(&remote.key) == Integrity::Valid;
        let asked =
            consent.outstanding.iter().position(|(id, _)| Some(*id) == view.transaction_id());
        let Some(asked) = asked.filter(|_| !consent.expired && symmetric && signed) else { return };
        let (_, role) = consent.outstanding.remove(asked);
        let class = view.message_type().map(|ty| ty.class);
        let code = view.error_code().map(|error| error.code());
        if class == Some(Class::SuccessResponse) {
            consent.answered_at = now;
            if cx.state == State::Disconnected {
                cx.enter(State::Connected);
            }
        } else if code == Some(ErrorCode::ROLE_CONFLICT) {
            self.give_way(cx, role);
        }
    }
}
