//! Requests this agent answers: STUN server procedures (RFC 8445 §7.3).

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{
    Attribute, AttributeType, Check as Integrity, ErrorCode, Message, Method, Seal, TransactionId,
    View,
};

use super::candidate::{CandidateType, RemoteCandidate};
use super::checklist::ChecklistState;
use super::context::Context;
use super::event::Output;
use super::pair::PairState;
use super::role::{Claim, Conflict, Role, conflict};
use super::session::{PAC, Session};
use crate::stun::{Outgoing, Via};

/// Most checks that are kept while the other side's description is on its way.
const MAX_EARLY: usize = 32;

/// What is left to do about a check that was answered before the other side's description came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EarlyCheck {
    pub(super) base: SocketAddr,
    pub(super) from: SocketAddr,
    pub(super) priority: u32,
    pub(super) use_candidate: bool,
}

/// How a request is answered.
enum Answer {
    Success {
        priority: u32,
    },
    /// Errors found before the sender is known are not signed (RFC 8489 §9.1.3).
    Unsigned(u16),
    Signed(u16),
    UnknownAttributes(Vec<AttributeType>),
}

impl Session {
    /// Answers a Binding request, then acts on it. Returns true if the role has changed.
    pub(super) fn binding_request(
        &mut self,
        cx: &mut Context,
        now: Duration,
        base: SocketAddr,
        from: SocketAddr,
        view: &View<'_>,
    ) -> bool {
        let Some(id) = view.transaction_id() else { return false };
        // A base that is no candidate (RFC 8828: relay only) must not give itself away.
        if self.base_candidate(base).is_none() {
            return false;
        }
        let role = cx.role;
        let answer = self.judge(cx, view);
        self.answer(cx, id, base, from, &answer);
        if let Answer::Success { priority } = answer {
            let by_controlling = cx.role == Role::Controlled;
            let use_candidate = view.has(AttributeType::USE_CANDIDATE) && by_controlling;
            self.checked_by_peer(cx, now, EarlyCheck { base, from, priority, use_candidate });
        }
        role != cx.role
    }

    /// RFC 8489 §6.3.1, §9.1.3 and RFC 8445 §7.3.1.1, in this order.
    fn judge(&self, cx: &mut Context, view: &View<'_>) -> Answer {
        let integrity = view.verify_integrity(&self.local_key);
        let username = view.value(AttributeType::USERNAME);
        let (Some(username), false) = (username, integrity == Integrity::Absent) else {
            return Answer::Unsigned(ErrorCode::BAD_REQUEST);
        };
        if !self.is_for_us(username) || integrity == Integrity::Invalid {
            return Answer::Unsigned(ErrorCode::UNAUTHENTICATED);
        }
        let unknown: Vec<AttributeType> = view.not_understood(understood).collect();
        if !unknown.is_empty() {
            return Answer::UnknownAttributes(unknown);
        }
        // RFC 8445 §7.1.1: PRIORITY belongs into every check.
        let Some(priority) = view.priority() else {
            return Answer::Signed(ErrorCode::BAD_REQUEST);
        };
        // RFC 8445 §7.1.3: a sender is one or the other.
        if view.has(AttributeType::ICE_CONTROLLING) && view.has(AttributeType::ICE_CONTROLLED) {
            return Answer::Signed(ErrorCode::BAD_REQUEST);
        }
        let conflict = Claim::of(view).map(|claim| conflict(cx.role, cx.tie_breaker, claim));
        match conflict {
            Some(Conflict::Refuse) => Answer::Signed(ErrorCode::ROLE_CONFLICT),
            Some(Conflict::Switch) => {
                cx.switch_role();
                Answer::Success { priority }
            }
            Some(Conflict::None) | None => Answer::Success { priority },
        }
    }

    /// RFC 8445 §7.3: two values with a colon between them, the first our fragment.
    fn is_for_us(&self, username: &[u8]) -> bool {
        let fragment = username.strip_prefix(self.local.ufrag.as_bytes());
        fragment.is_some_and(|rest| rest.first() == Some(&b':'))
    }

    fn answer(
        &self,
        cx: &mut Context,
        id: TransactionId,
        base: SocketAddr,
        from: SocketAddr,
        answer: &Answer,
    ) {
        let error = |code| ErrorCode::new(code).map(|e| Message::error(Method::BINDING, id, e));
        let message = match answer {
            // RFC 8445 §7.3.1.2: for a relayed base, `from` is what the TURN server saw.
            Answer::Success { .. } => {
                Some(Message::success(Method::BINDING, id).with(Attribute::XorMappedAddress(from)))
            }
            Answer::Unsigned(code) | Answer::Signed(code) => error(*code),
            Answer::UnknownAttributes(types) => error(ErrorCode::UNKNOWN_ATTRIBUTE)
                .map(|message| message.with(Attribute::UnknownAttributes(types.clone()))),
        };
        let signed = !matches!(answer, Answer::Unsigned(_));
        let seal = if signed { Seal::none().integrity(&self.local_key) } else { Seal::none() };
        let Some(Ok(bytes)) = message.map(|message| message.encode(&seal.fingerprint())) else {
            return;
        };
        cx.out.push_back(Output::Stun(Outgoing {
            local: base,
            remote: from,
            bytes,
            key: signed.then(|| self.local_key.as_bytes().to_vec()),
            session: self.number,
            via: Via::Base,
        }));
    }

    /// What follows an accepted check (RFC 8445 §7.3.1.3 to §7.3.1.5, §7.3.2).
    pub(super) fn checked_by_peer(&mut self, cx: &mut Context, now: Duration, check: EarlyCheck) {
        if self.remote.is_none() {
            self.keep(check);
            return;
        }
        let Some(local) = self.base_candidate(check.base) else { return };
        if !self.valid.is_empty() {
            // The peer is alive and may still nominate what is valid.
            self.patient_until = self.patient_until.max(Some(now + PAC));
        }
        let completed = self.checklist.state == ChecklistState::Completed;
        // RFC 8445 §8.1.2: after the conclusion requests are answered and no more; except that a
        // controlling agent of RFC 5245 may nominate again.
        if completed && !check.use_candidate {
            return;
        }
        let Some(remote) = self.learn(cx, check) else { return };
        if cx.config.lite {
            if check.use_candidate {
                self.nominated_lite(cx, now, local, remote);
            }
            return;
        }
        self.trigger_check(cx, now, check, (local, remote));
    }

    /// RFC 8445 §7.3: the remaining steps wait for the other side's description.
    fn keep(&mut self, check: EarlyCheck) {
        let same = |kept: &&mut EarlyCheck| kept.base == check.base && kept.from == check.from;
        if let Some(kept) = self.early.iter_mut().find(same) {
            kept.use_candidate |= check.use_candidate;
        } else if self.early.len() < MAX_EARLY {
            self.early.push(check);
        }
    }

    /// RFC 8445 §7.3.1.3: the remote candidate a check came from, peer-reflexive if it is new.
    /// `None` if too many were learned.
    fn learn(&mut self, cx: &Context, check: EarlyCheck) -> Option<usize> {
        if let Some(known) = self.remotes.iter().position(|c| c.address == check.from) {
            return Some(known);
        }
        // Each base has its own allowance: a flood at one does not shut out the others.
        let learned = self.learned.entry(check.base).or_default();
        if *learned >= cx.config.max_peer_reflexive {
            return None;
        }
        *learned += 1;
        let kind = CandidateType::PeerReflexive;
        // A colon cannot stand in a signalled foundation, so this is different from all of them.
        let foundation = format!("prflx:{}", self.remotes.len());
        let (address, priority) = (check.from, check.priority);
        let name = None;
        self.remotes.push(RemoteCandidate { kind, address, priority, foundation, name });
        Some(self.remotes.len() - 1)
    }

    /// RFC 8445 §7.3.1.4 and §7.3.1.5.
    fn trigger_check(
        &mut self,
        cx: &mut Context,
        now: Duration,
        check: EarlyCheck,
        (local, remote): (usize, usize),
    ) {
        let pair = self.pair(cx, local, remote);
        let known = self.checklist.find(check.base, check.from);
        let Some(id) = known.or_else(|| self.checklist.insert(pair?)) else { return };
        let Some(pair) = self.checklist.get_mut(id) else { return };
        if pair.state == PairState::Succeeded {
            if check.use_candidate {
                self.nominated(cx, now, id);
            }
            return;
        }
        pair.nominated_by_peer |= check.use_candidate;
        if pair.state == PairState::InProgress {
            self.cancel_checks(Some(id));
        }
        self.checklist.trigger(id);
        self.permit(check.base, check.from.ip());
    }
}

/// What an agent understands of the attributes that must be: those of STUN itself (RFC 8489 §18.3),
/// also where they are not expected (RFC 8489 §6.3), and those of ICE (RFC 8445 §16.1).
pub(super) const fn understood(ty: AttributeType) -> bool {
    matches!(
        ty,
        AttributeType::MAPPED_ADDRESS
            | AttributeType::USERNAME
            | AttributeType::MESSAGE_INTEGRITY
            | AttributeType::ERROR_CODE
            | AttributeType::UNKNOWN_ATTRIBUTES
            | AttributeType::REALM
            | AttributeType::NONCE
            | AttributeType::MESSAGE_INTEGRITY_SHA256
            | AttributeType::PASSWORD_ALGORITHM
            | AttributeType::USERHASH
            | AttributeType::XOR_MAPPED_ADDRESS
            | AttributeType::PRIORITY
            | AttributeType::USE_CANDIDATE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whatever had a name was taken for understood, also what is not for ICE.
    #[test]
    fn attributes_of_turn_and_of_classic_stun_are_not_understood_in_a_check() {
        let check = Message::request(Method::BINDING, TransactionId([7; 12]))
            .with(Attribute::Username("a:b".to_owned()))
            .with(Attribute::Priority(1))
            .with(Attribute::UseCandidate)
            .with(Attribute::Realm("of another mechanism".to_owned()))
            .with(Attribute::Lifetime(600))
            .with(Attribute::ChangeRequest { ip: true, port: true })
            .with(Attribute::IceControlling(1));
        let bytes = check.encode(&Seal::none().fingerprint()).unwrap();
        let found: Vec<AttributeType> = View::new(&bytes).not_understood(understood).collect();
        assert_eq!(found, [AttributeType::LIFETIME, AttributeType::CHANGE_REQUEST]);
    }
}
