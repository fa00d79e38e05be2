//! One ICE session (generation): its state and how candidates become pairs.
//!
//! The duties that work on this state live in files of their own: checks we send (`check`),
//! requests we answer (`respond`), `nomination` and `consent`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{Key, TransactionId};

use super::candidate::{CandidateType, LocalCandidate, RemoteCandidate};
use super::check::Check;
use super::checklist::{Checklist, ChecklistState};
use super::consent::Consent;
use super::context::Context;
use super::credentials::{Credentials, RemoteParameters};
use super::event::{Event, Output, State};
use super::gather::{GatherEvent, GatherOutput, Gatherer};
use super::interfaces::is_link_local;
use super::nomination::ValidPair;
use super::pair::{Pair, PairId, PairState, pair_priority};
use super::respond::EarlyCheck;
use super::role::Role;
use crate::stun::Outgoing;
use crate::turn::PermissionState;

/// RFC 8863 §4: with the default timers of STUN a check takes 39.5 seconds to fail, and so long
/// a checklist must not fail for want of pairs.
pub(super) const PAC: Duration = Duration::from_millis(39_500);
/// How much longer a checklist is kept running for a peer that has not ended its candidates.
const MORE_TO_COME: Duration = Duration::from_secs(10);
/// RFC 8445 §8.3.1: how long candidates that were not selected live on.
const FREE_AFTER: Duration = Duration::from_secs(3);

/// The other side, once its description is known.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub(super) parameters: RemoteParameters,
    /// Its password as a key: checks to it and their answers are signed with it.
    pub(super) key: Key,
}

/// Where data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) base: SocketAddr,
    pub(super) address: SocketAddr,
    pub(super) priority: u64,
}

/// One generation of credentials with everything that happens under them.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) number: u64,
    pub(super) local: Credentials,
    pub(super) local_key: Key,
    pub(super) remote: Option<Remote>,
    pub(super) gatherer: Gatherer,
    pub(super) locals: Vec<LocalCandidate>,
    pub(super) remotes: Vec<RemoteCandidate>,
    /// RFC 8838 §13: the other side has no more candidates.
    pub(super) remote_complete: bool,
    pub(super) checklist: Checklist,
    pub(super) checks: BTreeMap<TransactionId, Check>,
    pub(super) early: Vec<EarlyCheck>,
    /// Peer-reflexive remote candidates learned at each base.
    pub(super) learned: BTreeMap<SocketAddr, usize>,
    pub(super) valid: Vec<ValidPair>,
    /// The pair this agent is nominating.
    pub(super) nominee: Option<PairId>,
    pub(super) selected: Option<Selected>,
    pub(super) consent: Option<Consent>,
    /// Before this time the checklist must not fail.
    pub(super) patient_until: Option<Duration>,
    /// When candidates that were not selected are freed.
    pub(super) free_at: Option<Duration>,
    /// The next slot is for a transaction with a server, if both kinds wait.
    servers_turn: bool,
}

impl Session {
    pub(super) fn new(
        number: u64,
        local: Credentials,
        gatherer: Gatherer,
        max_pairs: usize,
    ) -> Self {
        Self {
            number,
            local_key: local.key(),
            local,
            remote: None,
            gatherer,
            locals: Vec::new(),
            remotes: Vec::new(),
            remote_complete: false,
            checklist: Checklist::new(max_pairs),
            checks: BTreeMap::new(),
            early: Vec::new(),
            learned: BTreeMap::new(),
            valid: Vec::new(),
            nominee: None,
            selected: None,
            consent: None,
            patient_until: None,
            free_at: None,
            servers_turn: false,
        }
    }

    /// The other side's description is known: checks begin, and those that came early are taken
    /// up (RFC 8445 §7.3).
    pub(super) fn set_remote(
        &mut self,
        cx: &mut Context,
        now: Duration,
        parameters: RemoteParameters,
    ) {
        let key = parameters.credentials.key();
        self.remote = Some(Remote { parameters, key });
        // RFC 8863 §4: patience begins with the checks.
        self.patient_until = Some(now + PAC);
        if cx.state != State::Connected {
            cx.enter(State::Checking);
        }
        for early in std::mem::take(&mut self.early) {
            self.checked_by_peer(cx, now, early);
        }
    }

    /// Pairs a new remote candidate. A candidate known already changes nothing; one that was
    /// learned as peer-reflexive becomes what it is signalled as (RFC 8445 §7.3.1.3).
    pub(super) fn add_remote(&mut self, cx: &mut Context, now: Duration, new: RemoteCandidate) {
        let known = self.remotes.iter().position(|c| c.address == new.address);
        match known {
            Some(index) if self.remotes[index].kind == CandidateType::PeerReflexive => {
                self.reclassify(cx, index, new);
                // It was paired only where its check came; another way may be the one that works.
                self.pair_with_all(cx, now, index);
            }
            Some(_) => {}
            None => {
                self.remotes.push(new);
                self.pair_with_all(cx, now, self.remotes.len() - 1);
            }
        }
    }

    /// Pairs a remote candidate with every local one that it is not paired with yet.
    fn pair_with_all(&mut self, cx: &Context, now: Duration, remote: usize) {
        let combinations = (0..self.locals.len()).map(|local| (local, remote)).collect();
        self.form_pairs(cx, now, combinations);
    }

    /// RFC 8445 §7.3.1.3, RFC 8838 §11, point 4 A: the pairs of the candidate stay and take on its
    /// signalled foundation and priority.
    fn reclassify(&mut self, cx: &Context, index: usize, new: RemoteCandidate) {
        let ids: Vec<PairId> =
            self.checklist.iter().filter(|(_, p)| p.remote == index).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.foundation.1.clone_from(&new.foundation);
                pair.priorities.1 = new.priority;
                pair.priority = pair_priority(cx.role, pair.priorities.0, new.priority);
                pair.is_relayed |= new.kind == CandidateType::Relayed;
            }
        }
        for valid in self.valid.iter_mut().filter(|valid| valid.remote == index) {
            valid.priorities.1 = new.priority;
            valid.priority = pair_priority(cx.role, valid.priorities.0, new.priority);
            valid.is_relayed |= new.kind == CandidateType::Relayed;
        }
        self.remotes[index] = new;
    }

    /// RFC 8445 §6.1.2.2: pairs candidates, best first.
    pub(super) fn form_pairs(
        &mut self,
        cx: &Context,
        now: Duration,
        combinations: Vec<(usize, usize)>,
    ) {
        // RFC 8445 §6.2: a lite agent checks nothing. After the conclusion nothing is paired.
        if cx.config.lite || self.checklist.state == ChecklistState::Completed {
            return;
        }
        let mut pairs: Vec<Pair> = combinations
            .into_iter()
            .filter_map(|(local, remote)| self.pair(cx, local, remote))
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.priority));
        for pair in pairs {
            let (base, ip) = (pair.base, pair.address.ip());
            if self.checklist.insert(pair).is_some() {
                // RFC 8445 §7.2.1: a permission comes before the first check.
                self.permit(base, ip);
                // RFC 8863 §4: patience counts from the last thing there was to be tried.
                self.patient_until = self.patient_until.max(Some(now + PAC));
                if self.checklist.state == ChecklistState::Failed {
                    self.checklist.state = ChecklistState::Running;
                }
            }
        }
    }

    /// The pair of two candidates, if they can be paired.
    pub(super) fn pair(&self, cx: &Context, local: usize, remote: usize) -> Option<Pair> {
        let (ours, theirs) = (self.locals.get(local)?, self.remotes.get(remote)?);
        // RFC 8445 §6.1.2.4: a reflexive candidate is replaced by its base, which is a candidate
        // itself, so the pair would be redundant with that of the base.
        let is_base = matches!(ours.kind, CandidateType::Host | CandidateType::Relayed);
        // RFC 8445 §6.1.2.2: equal families; link-local addresses only among themselves.
        let (a, b) = (ours.address.ip(), theirs.address.ip());
        let fits = a.is_ipv4() == b.is_ipv4() && is_link_local(a) == is_link_local(b);
        let relayed = CandidateType::Relayed;
        // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.3.2: no server is to learn of it.
        let would_tell = ours.kind == relayed && theirs.name.is_some();
        if !is_base || !fits || would_tell {
            return None;
        }
        let priorities = (ours.priority.number(), theirs.priority);
        Some(Pair {
            local,
            remote,
            base: ours.base,
            address: theirs.address,
            foundation: (ours.foundation.to_string(), theirs.foundation.clone()),
            priorities,
            priority: pair_priority(cx.role, priorities.0, priorities.1),
            state: PairState::Frozen,
            is_relayed: ours.kind == relayed || theirs.kind == relayed,
            nominated_by_peer: false,
        })
    }

    /// A restart begins: nothing is checked here any more. What was being checked waits, so that it
    /// is checked again if the restart is taken back.
    pub(super) fn suspend(&mut self) {
        self.cancel_checks(None);
        self.nominee = None;
        let checked = |pair: &Pair| pair.state == PairState::InProgress;
        let ids: Vec<PairId> =
            self.checklist.iter().filter(|(_, pair)| checked(pair)).map(|(id, _)| id).collect();
        for id in ids {
            self.checklist.trigger(id);
        }
    }

    /// Takes in what the gatherer has to say.
    pub(super) fn collect(&mut self, cx: &mut Context, now: Duration) {
        while let Some(output) = self.gatherer.poll() {
            match output {
                GatherOutput::Transmit(transmit) => cx.out.push_back(Output::Transmit(transmit)),
                GatherOutput::Stun(message) => {
                    let session = self.number;
                    cx.out.push_back(Output::Stun(Outgoing { session, ..message }));
                }
                GatherOutput::Event(event) => self.gathered(cx, now, event),
            }
        }
    }

    fn gathered(&mut self, cx: &mut Context, now: Duration, event: GatherEvent) {
        let ufrag = || self.local.ufrag.clone();
        match event {
            GatherEvent::Candidate(candidate) => {
                cx.event(Event::Candidate { candidate: candidate.clone(), ufrag: ufrag() });
                self.locals.push(candidate);
                let local = self.locals.len() - 1;
                let combinations = (0..self.remotes.len()).map(|remote| (local, remote)).collect();
                self.form_pairs(cx, now, combinations);
            }
            GatherEvent::Complete => cx.event(Event::GatheringComplete { ufrag: ufrag() }),
            GatherEvent::Error { url, code, reason } => {
                cx.event(Event::CandidateError { url, code, reason });
            }
            GatherEvent::Permission { base, ip, state } => {
                if matches!(state, PermissionState::Refused(_)) {
                    self.refused(base, ip);
                }
            }
            GatherEvent::Lost { base } => self.lost(cx, base),
        }
    }

    /// Asks for a permission; where it was refused before, or its allocation is gone, nothing more
    /// is to be waited for.
    pub(super) fn permit(&mut self, base: SocketAddr, ip: std::net::IpAddr) {
        self.gatherer.permit(base, ip);
        if matches!(self.gatherer.permission(base, ip), None | Some(PermissionState::Refused(_))) {
            self.refused(base, ip);
        }
    }

    /// A TURN server does not let a peer through: the pairs with it fail, no others.
    fn refused(&mut self, base: SocketAddr, ip: std::net::IpAddr) {
        let hit = |pair: &Pair| pair.base == base && pair.address.ip() == ip;
        let ids: Vec<PairId> =
            self.checklist.iter().filter(|(_, pair)| hit(pair)).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(pair) = self.checklist.get_mut(id) {
                pair.state = PairState::Failed;
            }
        }
    }

    /// RFC 8445 §5.1.1.4: a base has gone away, and what was built on it.
    fn lost(&mut self, cx: &mut Context, base: SocketAddr) {
        self.checklist.remove_base(base);
        self.checks.retain(|_, check| check.base != base);
        self.valid.retain(|valid| valid.base != base);
        // What is nominated may have gone with it: another pair is to be.
        self.nominee = self.nominee.filter(|pair| self.checklist.get(*pair).is_some());
        if self.selected.is_some_and(|selected| selected.base == base) {
            cx.enter(State::Disconnected);
        }
    }

    /// The index of the base candidate with this address.
    pub(super) fn base_candidate(&self, base: SocketAddr) -> Option<usize> {
        self.locals.iter().position(|candidate| {
            candidate.address == base
                && matches!(candidate.kind, CandidateType::Host | CandidateType::Relayed)
        })
    }

    /// When [`advance`](Self::advance) wants to be called next. `checks` is true for the session
    /// whose checklist is still worked on.
    pub(super) fn wake(&self, cx: &Context, checks: bool) -> Option<Duration> {
        let mut wakes = vec![self.gatherer.wake(), self.free_at];
        if let Some(consent) = &self.consent {
            wakes.push(Some(consent.wake(cx.config.lite)));
        }
        wakes.extend(self.checks.values().map(|check| Some(check.timer.wake())));
        if checks {
            wakes.push(self.next_check_at());
            wakes.push(self.nomination(cx).map(|(_, at)| at));
            wakes.push(self.failure_at(cx));
        }
        wakes.into_iter().flatten().min()
    }

    /// Time has come to `now`. `speaks` is true if the loss of consent here is the agent's: while
    /// a newer session is being checked it is not.
    pub(super) fn advance(&mut self, cx: &mut Context, now: Duration, checks: bool, speaks: bool) {
        self.gatherer.run_timers(now);
        self.collect(cx, now);
        self.run_check_timers(cx, now);
        self.run_consent(cx, now, speaks);
        if self.free_at.is_some_and(|at| now >= at) {
            self.free(now);
        }
        if checks {
            self.nominate(cx, now);
        }
        while self.gatherer.pacer_mut().is_free(now) && self.start_transaction(cx, now, checks) {
            self.gatherer.pacer_mut().take(now);
        }
        if checks && self.failure_at(cx).is_some_and(|at| now >= at) {
            self.fail(cx);
        }
        self.collect(cx, now);
    }

    /// Starts one transaction. Checks and transactions with servers take turns, so that neither
    /// holds back the other; triggered checks go before ordinary ones.
    fn start_transaction(&mut self, cx: &mut Context, now: Duration, checks: bool) -> bool {
        self.servers_turn = !self.servers_turn;
        let server_first = self.servers_turn && self.gatherer.start_next(now);
        server_first
            || (checks && (self.send_triggered(cx, now) || self.send_ordinary(cx, now)))
            || self.gatherer.start_next(now)
    }

    /// RFC 8445 §8.3.1.
    fn free(&mut self, now: Duration) {
        self.free_at = None;
        if let Some(selected) = self.selected {
            self.gatherer.keep_only(now, selected.base, selected.address);
        }
    }

    /// A pair was selected: the rest is freed in a while.
    pub(super) fn free_later(&mut self, now: Duration) {
        self.free_at = Some(now + FREE_AFTER);
    }

    /// When the checklist has failed, if nothing else happens (RFC 8445 §7.2.5.4, RFC 8863 §4):
    /// nothing is open, nothing more is being gathered, and patience is over. A controlling agent
    /// nominates what is valid; a controlled one cannot wait for ever for that to happen.
    fn failure_at(&self, cx: &Context) -> Option<Duration> {
        let hopeless = self.checklist.state == ChecklistState::Running
            && self.selected.is_none()
            && (self.valid.is_empty() || cx.role == Role::Controlled)
            && !self.checklist.has_open()
            && self.gatherer.is_complete()
            && !cx.config.lite;
        // RFC 8838 §13: as long as the other side has not said so, there may be more to come.
        let grace = if self.remote_complete { Duration::ZERO } else { MORE_TO_COME };
        self.patient_until.filter(|_| hopeless).map(|at| at + grace)
    }

    /// The checklist has failed.
    pub(super) fn fail(&mut self, cx: &mut Context) {
        self.checklist.state = ChecklistState::Failed;
        cx.enter(State::Failed);
    }
}
