//! Checks this agent sends: STUN client procedures (RFC 8445 §7.2).

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{
    Attribute, Check as Integrity, Class, ErrorCode, Message, Method, Seal, TransactionId, View,
};

use rtcspec_wire::candidate::Priority;

use super::candidate::{CandidateType, LocalCandidate, numbered, priority};
use super::checklist::ChecklistState;
use super::context::Context;
use super::event::Output;
use super::nomination::ValidPair;
use super::pair::{PairId, PairState, pair_priority};
use super::respond::understood;
use super::role::Role;
use super::session::Session;
use crate::stun::{Due, Outgoing, Retransmit, Via};

/// A check in flight.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) pair: PairId,
    pub(super) base: SocketAddr,
    pub(super) address: SocketAddr,
    local: usize,
    remote: usize,
    bytes: Vec<u8>,
    pub(super) timer: Retransmit,
    /// The role the request claimed.
    role: Role,
    /// PRIORITY of the request.
    priority: Priority,
    /// The request bore USE-CANDIDATE.
    nominating: bool,
    /// RFC 8445 §7.3.1.4: cancelled, so its silence is no failure.
    cancelled: bool,
}

impl Check {
    /// RFC 8445 §7.3.1.4, §8.1.2: it is sent no more, and its silence is no failure.
    pub(super) fn cancel(&mut self) {
        self.timer.cancel();
        self.cancelled = true;
    }
}

impl Session {
    /// RFC 8445 §6.1.4.2 step 1. False if no triggered check can be sent.
    pub(super) fn send_triggered(&mut self, cx: &mut Context, now: Duration) -> bool {
        let gatherer = &self.gatherer;
        let next = self.checklist.next_triggered(|pair| pair.may_be_checked(gatherer));
        next.is_some_and(|id| self.send_check(cx, now, id))
    }

    /// RFC 8445 §6.1.4.2 steps 2 and 3. False if no ordinary check can be sent.
    pub(super) fn send_ordinary(&mut self, cx: &mut Context, now: Duration) -> bool {
        if self.checklist.state != ChecklistState::Running || self.remote.is_none() {
            return false;
        }
        let gatherer = &self.gatherer;
        let next = self.checklist.next_ordinary(|pair| pair.may_be_checked(gatherer));
        next.is_some_and(|id| self.send_check(cx, now, id))
    }

    /// When the next check can be sent, if there is one.
    pub(super) fn next_check_at(&self) -> Option<Duration> {
        let running = self.checklist.state == ChecklistState::Running;
        let gatherer = &self.gatherer;
        let can = self.remote.is_some()
            && self.checklist.can_send(running, |pair| pair.may_be_checked(gatherer));
        can.then(|| self.gatherer.pacer().free_at())
    }

    /// RFC 8445 §7.2.4.
    fn send_check(&mut self, cx: &mut Context, now: Duration, id: PairId) -> bool {
        let nominating = self.nominee == Some(id) && cx.role == Role::Controlling;
        let rto = self.check_rto();
        let Some(pair) = self.checklist.get_mut(id) else { return false };
        if !nominating {
            pair.state = PairState::InProgress;
        }
        let (base, address, local, remote) = (pair.base, pair.address, pair.local, pair.remote);
        let Some((transaction, bytes)) = self.request(cx, local, nominating) else { return false };
        let check = Check {
            pair: id,
            base,
            address,
            local,
            remote,
            bytes,
            timer: Retransmit::unreliable(now, rto),
            role: cx.role,
            priority: self.check_priority(local),
            nominating,
            cancelled: false,
        };
        self.transmit(cx, &check);
        self.checks.insert(transaction, check);
        true
    }

    /// RFC 8445 §14.3, with one checklist: Ta for each check that waits or is in progress, but
    /// never less than 500 ms. (The RFC's further factor N would make the RTO quadratic in the
    /// number of pairs; it allows other mechanisms that keep the minimum.)
    fn check_rto(&self) -> Duration {
        let active = u32::try_from(self.checklist.active()).unwrap_or(u32::MAX);
        (self.gatherer.pacer().ta() * active).max(Retransmit::MIN_RTO)
    }

    /// RFC 8445 §7.1.1: the priority of the candidate that would be learned from the check.
    fn check_priority(&self, local: usize) -> Priority {
        let preference = self.locals.get(local).map_or(0, |c| c.local_preference);
        priority(CandidateType::PeerReflexive, preference)
    }

    /// A Binding request to the peer (RFC 8445 §7.1, §7.2.2), signed.
    pub(super) fn request(
        &self,
        cx: &mut Context,
        local: usize,
        nominating: bool,
    ) -> Option<(TransactionId, Vec<u8>)> {
        let remote = self.remote.as_ref()?;
        let id = cx.transaction_id();
        let username = [remote.parameters.credentials.ufrag.as_str(), &self.local.ufrag].join(":");
        let mut message = Message::request(Method::BINDING, id)
            .with(Attribute::Username(username))
            .with(Attribute::Priority(self.check_priority(local).number()))
            .with(cx.role.attribute(cx.tie_breaker));
        if nominating {
            message = message.with(Attribute::UseCandidate);
        }
        let bytes = message.encode(&Seal::none().integrity(&remote.key).fingerprint()).ok()?;
        Some((id, bytes))
    }

    fn transmit(&self, cx: &mut Context, check: &Check) {
        let Some(remote) = &self.remote else { return };
        cx.out.push_back(Output::Stun(Outgoing {
            local: check.base,
            remote: check.address,
            bytes: check.bytes.clone(),
            key: Some(remote.key.as_bytes().to_vec()),
            session: self.number,
            via: Via::Base,
        }));
    }

    /// Sends checks again and lets those fail whose time is over.
    pub(super) fn run_check_timers(&mut self, cx: &mut Context, now: Duration) {
        let due: Vec<TransactionId> =
            self.checks.iter().filter(|(_, c)| c.timer.wake() <= now).map(|(id, _)| *id).collect();
        for id in due {
            let Some(check) = self.checks.get_mut(&id) else { continue };
            match check.timer.poll(now) {
                Due::Nothing => {}
                Due::Resend => {
                    let check = check.clone();
                    self.transmit(cx, &check);
                }
                Due::TimedOut => {
                    if let Some(check) = self.checks.remove(&id) {
                        // RFC 8445 §7.2.5.2.3.
                        self.check_failed(cx, &check);
                    }
                }
            }
        }
    }

    /// [Cancels](Check::cancel) the checks of a pair, or all.
    pub(super) fn cancel_checks(&mut self, pair: Option<PairId>) {
        for check in self.checks.values_mut() {
            if pair.is_none_or(|id| check.pair == id) {
                check.cancel();
            }
        }
    }

    /// An ICMP error about a check (RFC 8445 §7.2.5.2.2). A nominating check is given its
    /// retransmissions: its pair has worked before.
    pub(super) fn unreachable(&mut self, cx: &mut Context, base: SocketAddr, address: SocketAddr) {
        let hit = |c: &Check| c.base == base && c.address == address && !c.nominating;
        let ids: Vec<TransactionId> =
            self.checks.iter().filter(|(_, check)| hit(check)).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(check) = self.checks.remove(&id) {
                self.check_failed(cx, &check);
            }
        }
    }

    /// Processes a Binding response (RFC 8445 §7.2.5). False if it answers no check.
    pub(super) fn check_response(
        &mut self,
        cx: &mut Context,
        now: Duration,
        base: SocketAddr,
        from: SocketAddr,
        view: &View<'_>,
    ) -> bool {
        let Some(id) = view.transaction_id() else { return false };
        let (Some(check), Some(remote)) = (self.checks.get(&id), &self.remote) else {
            return false;
        };
        // RFC 8489 §9.1.4: what is not signed with the password counts as never received.
        if view.verify_integrity(&remote.key) != Integrity::Valid {
            return true;
        }
        let symmetric = check.base == base && check.address == from;
        let Some(check) = self.checks.remove(&id) else { return true };
        let is_success = view.message_type().is_some_and(|ty| ty.class == Class::SuccessResponse);
        let code = view.error_code().map(|error| error.code());
        // RFC 8489 §6.3.3: a success with an attribute one has to understand, but does not, is
        // a failure.
        let is_understood = view.not_understood(understood).next().is_none();
        match view.xor_mapped_address() {
            // RFC 8445 §7.2.5.1: before all else, wherever the answer came from. Behind a NAT that
            // maps by address a conflict may show itself on no other way.
            _ if !is_success && code == Some(ErrorCode::ROLE_CONFLICT) => {
                self.role_conflict(cx, &check);
            }
            // RFC 8445 §7.2.5.2.1.
            _ if !symmetric => self.check_failed(cx, &check),
            Some(mapped) if is_success && is_understood => {
                self.check_succeeded(cx, now, &check, mapped);
            }
            // RFC 8445 §7.2.5.2.4.
            _ => self.check_failed(cx, &check),
        }
        true
    }

    /// RFC 8445 §7.2.5.1.
    fn role_conflict(&mut self, cx: &mut Context, check: &Check) {
        self.give_way(cx, check.role);
        self.checklist.trigger(check.pair);
    }

    /// RFC 8445 §7.2.5.1: a 487 to a request that claimed `role`, a check or one for consent, ends
    /// that role and its tie-breaker.
    pub(super) fn give_way(&mut self, cx: &mut Context, role: Role) {
        if role == cx.role {
            cx.switch_role();
            self.role_switched(cx);
        }
        cx.new_tie_breaker();
    }

    /// Pair priorities and nomination follow the role (RFC 8445 §7.2.5.1).
    pub(super) fn role_switched(&mut self, cx: &Context) {
        self.nominee = None;
        self.checklist.recompute(cx.role);
        self.recompute_valid(cx.role);
    }

    /// RFC 8445 §7.2.5.2. Cancelled checks say nothing about their pair.
    fn check_failed(&mut self, cx: &mut Context, check: &Check) {
        if check.cancelled {
            return;
        }
        let Some(pair) = self.checklist.get_mut(check.pair) else { return };
        pair.state = PairState::Failed;
        let was_nominated = check.nominating || std::mem::take(&mut pair.nominated_by_peer);
        if was_nominated {
            self.nomination_failed(cx, check.pair);
        }
    }

    /// RFC 8445 §7.2.5.3.
    fn check_succeeded(
        &mut self,
        cx: &mut Context,
        now: Duration,
        check: &Check,
        mapped: SocketAddr,
    ) {
        let local = self.mapped_candidate(check, mapped);
        self.checklist.succeeded(check.pair);
        let (Some(ours), Some(theirs)) = (self.locals.get(local), self.remotes.get(check.remote))
        else {
            return;
        };
        let relayed = CandidateType::Relayed;
        let priorities = (ours.priority.number(), theirs.priority);
        let valid = ValidPair {
            pair: check.pair,
            local,
            remote: check.remote,
            base: check.base,
            address: check.address,
            priorities,
            priority: pair_priority(cx.role, priorities.0, priorities.1),
            is_relayed: ours.kind == relayed || theirs.kind == relayed,
            since: now,
        };
        self.add_valid(valid);
        let by_peer = self
            .checklist
            .get_mut(check.pair)
            .is_some_and(|pair| std::mem::take(&mut pair.nominated_by_peer));
        // RFC 8445 §7.2.5.3.4.
        let nominated = match cx.role {
            Role::Controlling => check.nominating && check.role == cx.role,
            Role::Controlled => by_peer,
        };
        if nominated {
            self.nominated(cx, now, check.pair);
        } else {
            self.nominate(cx, now);
        }
    }

    /// RFC 8445 §7.2.5.3.1: the local candidate with the mapped address; a new one is
    /// peer-reflexive.
    fn mapped_candidate(&mut self, check: &Check, mapped: SocketAddr) -> usize {
        if let Some(known) = self.locals.iter().position(|c| c.address == mapped) {
            return known;
        }
        let preference = self.locals.get(check.local).map_or(0, |c| c.local_preference);
        self.locals.push(LocalCandidate {
            kind: CandidateType::PeerReflexive,
            address: mapped,
            base: check.base,
            related: Some(check.base),
            priority: check.priority,
            foundation: numbered("p", self.locals.len()),
            local_preference: preference,
            server: None,
            relay_transport: None,
        });
        self.locals.len() - 1
    }
}
