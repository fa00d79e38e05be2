//! The agent: generations of sessions, and the way in and out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::stun::{Class, Fingerprint, Method, View};

use super::candidate::{LocalCandidate, RemoteCandidate};
use super::config::Config;
use super::context::Context;
use super::credentials::{Credentials, RemoteParameters};
use super::event::{Event, Output, State};
use super::gather::{Datagram, GatherConfig, Gatherer};
use super::role::Role;
use super::session::{Selected, Session};
use super::trickle::{Trickled, Waiting};
use crate::io::Receive;
use crate::rng::Rng;
use crate::stun::Outgoing;

/// How long a session that was replaced still takes in data and answers checks: the other side
/// may not have changed over yet.
const OVERLAP: Duration = Duration::from_secs(5);

/// Connection names of one session; each has its own range.
const CONNS_PER_SESSION: u64 = 1 << 12;

/// Why data was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no valid pair yet, or its base is gone.
    #[error("send data: no valid pair")]
    NoPair,
    /// RFC 7675 §5.1: consent has expired.
    #[error("send data: consent has expired")]
    NoConsent,
}

/// Why a remote description was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// RFC 8445 §9: the other side has restarted ICE, so this side has to restart as well.
    #[error("apply the remote description: its credentials changed, restart first")]
    Restarted,
}

/// What a session that is not the newest is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is the newest, or data goes over its pair.
    Active,
    /// Data goes elsewhere; it listens for a while.
    Overlapping { until: Duration },
    /// It gives back its allocations.
    Closing { until: Duration },
    /// It has given back everything; kept because there is always one.
    Over,
}

/// An ICE agent for one component of one data stream (RFC 8445), sans-IO.
///
/// After every call drain [`Agent::poll`] and read [`Agent::wake`].
#[derive(Debug)]
pub struct Agent {
    cx: Context,
    rng: Rng,
    /// Oldest first; the last is the one being negotiated.
    sessions: Vec<(Phase, Session)>,
    made: u64,
    waiting: Waiting,
    /// The other side has been known once: the role is determined.
    has_role: bool,
}

impl Agent {
    /// An agent with credentials, that neither gathers nor checks yet.
    #[must_use]
    pub fn new(config: Config, role: Role, rng: &Rng) -> Self {
        let mut agent = Self {
            cx: Context::new(config, role, rng),
            rng: rng.fork("ice sessions"),
            sessions: Vec::new(),
            made: 0,
            waiting: Waiting::default(),
            has_role: false,
        };
        agent.push_session();
        agent
    }

    /// The credentials to signal.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        &self.current().local
    }

    /// The credentials of the other side, once known.
    #[must_use]
    pub fn remote_credentials(&self) -> Option<&Credentials> {
        self.current().remote.as_ref().map(|remote| &remote.parameters.credentials)
    }

    /// The candidates to signal that are known so far.
    #[must_use]
    pub fn local_candidates(&self) -> &[LocalCandidate] {
        self.current().gatherer.candidates()
    }

    /// True once all local candidates are known.
    #[must_use]
    pub fn is_gathering_complete(&self) -> bool {
        self.current().gatherer.is_complete()
    }

    /// True once gathering has begun.
    #[must_use]
    pub fn is_gathering(&self) -> bool {
        self.current().gatherer.is_started()
    }

    /// This agent's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.cx.role
    }

    /// The state of the newest session, or of the pair data goes over.
    #[must_use]
    pub fn state(&self) -> State {
        self.cx.state
    }

    /// Where data goes, base and remote address.
    #[must_use]
    pub fn selected(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.carrier().and_then(|session| session.selected).map(|s| (s.base, s.address))
    }

    /// Whether a local address is a socket of this agent.
    #[must_use]
    pub fn owns(&self, local: SocketAddr) -> bool {
        let input = Receive::Unreachable { local, remote: local };
        self.sessions.iter().any(|(_, session)| session.gatherer.owns(&input))
    }

    /// Takes credentials that signalling has made for the newest generation. Does nothing once it
    /// has begun to gather: its credentials may be known by then.
    pub fn set_local_credentials(&mut self, credentials: Credentials) {
        let (_, session) = self.current_mut();
        if !session.gatherer.is_started() {
            session.local_key = credentials.key();
            session.local = credentials;
        }
    }

    /// Takes a role, as signalling determines it (RFC 8445 §6.1.1). Changes nothing once the other
    /// side has been known: roles outlast a restart, and conflicts are settled by checks.
    pub fn set_role(&mut self, role: Role) {
        if !self.has_role {
            self.cx.role = role;
        }
    }

    /// Replaces interfaces, servers and policy for the generations to come.
    pub fn set_gather_config(&mut self, config: GatherConfig) {
        self.cx.config.gather = config;
    }

    /// Begins to gather.
    pub fn gather(&mut self, now: Duration) {
        let (cx, session) = self.current_mut();
        session.gatherer.start(now);
        session.collect(cx, now);
        self.advance(now);
    }

    /// The machine's addresses are these now. Candidates and pairs whose address is gone are
    /// dropped; new addresses are gathered from, by a restart's new generation too.
    pub fn set_interfaces(&mut self, now: Duration, addresses: Vec<IpAddr>) {
        self.cx.config.gather.interfaces.clone_from(&addresses);
        for (phase, session) in &mut self.sessions {
            // A session that was replaced can only lose.
            let gathers = *phase == Phase::Active;
            let has = |ip: &IpAddr| session.gatherer.sockets().any(|socket| socket.ip() == *ip);
            let usable = addresses.iter().copied().filter(|ip| gathers || has(ip)).collect();
            session.gatherer.set_interfaces(now, usable);
            session.collect(&mut self.cx, now);
        }
        self.advance(now);
    }

    /// True if these credentials differ from those known: the other side has restarted ICE.
    #[must_use]
    pub fn is_remote_restart(&self, credentials: &Credentials) -> bool {
        self.remote_credentials().is_some_and(|known| known != credentials)
    }

    /// The other side's description is known; checks begin.
    ///
    /// # Errors
    /// Its credentials are not those it had: [`Agent::restart`] comes first.
    pub fn set_remote(
        &mut self,
        now: Duration,
        parameters: RemoteParameters,
    ) -> Result<(), RemoteError> {
        if self.is_remote_restart(&parameters.credentials) {
            return Err(RemoteError::Restarted);
        }
        if self.remote_credentials().is_some() {
            return Ok(());
        }
        // RFC 8445 §6.1.1: a full agent controls towards a lite one.
        if parameters.lite != self.cx.config.lite {
            let lite = self.cx.config.lite;
            self.cx.role = if lite { Role::Controlled } else { Role::Controlling };
        }
        self.has_role = true;
        self.end_former(now);
        let ufrag = parameters.credentials.ufrag.clone();
        let trickled = self.waiting.take(&ufrag);
        let (cx, session) = self.current_mut();
        session.set_remote(cx, now, parameters);
        for what in trickled {
            session.trickled(cx, now, what);
        }
        self.advance(now);
        Ok(())
    }

    /// A candidate of the other side. `ufrag` names its generation; a candidate of one that is not
    /// known yet waits for its description, one of a generation that was replaced is dropped.
    pub fn add_remote_candidate(
        &mut self,
        now: Duration,
        candidate: RemoteCandidate,
        ufrag: Option<&str>,
    ) {
        self.trickled(now, Trickled::Candidate(candidate), ufrag);
    }

    /// The other side has no more candidates in a generation (RFC 8838 §13).
    pub fn end_of_remote_candidates(&mut self, now: Duration, ufrag: Option<&str>) {
        self.trickled(now, Trickled::End, ufrag);
    }

    /// Restarts ICE (RFC 8445 §9): new credentials, new candidates. Data keeps going over the old
    /// pair until a new one is selected. Without a pair the old session stays until the other side
    /// answers: the restart may be taken back before.
    pub fn restart(&mut self, now: Duration) -> &Credentials {
        if self.current().remote.is_some() {
            let (_, session) = self.current_mut();
            session.suspend();
        } else {
            self.end_newest(now);
        }
        self.push_session();
        self.local_credentials()
    }

    /// Takes a restart back, as long as the other side has not answered it. False if there is
    /// nothing to take back.
    pub fn rollback_restart(&mut self, now: Duration) -> bool {
        let live = |(phase, _): &(Phase, Session)| *phase == Phase::Active;
        let has_old = self.sessions.iter().rev().skip(1).any(live);
        if !has_old || self.current().remote.is_some() {
            return false;
        }
        self.end_newest(now);
        self.advance(now);
        true
    }

    /// Sends data on the selected pair (RFC 8445 §12.1); before there is one, on the best valid
    /// pair.
    ///
    /// # Errors
    /// No pair is valid, or consent has expired.
    pub fn send(&mut self, now: Duration, data: &[u8]) -> Result<(), SendError> {
        let Some(index) = self.carrier_index() else { return Err(SendError::NoPair) };
        let Some((_, session)) = self.sessions.get_mut(index) else {
            return Err(SendError::NoPair);
        };
        let sent = session.send_data(now, data);
        session.collect(&mut self.cx, now);
        sent
    }

    /// Takes what the network brings: [`Agent::open`] and [`Agent::handle`] in one.
    pub fn receive(&mut self, now: Duration, input: Receive) {
        for datagram in self.open(now, input) {
            self.handle(now, &datagram);
        }
        self.advance(now);
    }

    /// First half of [`Agent::receive`]: takes what comes from servers, and frees datagrams of
    /// peers from TURN. A tamper layer may alter them before [`Agent::handle`].
    pub fn open(&mut self, now: Duration, input: Receive) -> Vec<Datagram> {
        if let Receive::Unreachable { local, remote } = input {
            for (_, session) in &mut self.sessions {
                session.unreachable(&mut self.cx, local, remote);
                session.gatherer.receive(now, Receive::Unreachable { local, remote });
                session.collect(&mut self.cx, now);
            }
            return Vec::new();
        }
        let owner = self.sessions.iter_mut().find(|(_, session)| session.gatherer.owns(&input));
        let Some((_, session)) = owner else { return Vec::new() };
        let datagrams = session.gatherer.receive(now, input);
        session.collect(&mut self.cx, now);
        datagrams
    }

    /// Second half of [`Agent::receive`]: a datagram at one of our bases. Call [`Agent::advance`]
    /// after the last one.
    pub fn handle(&mut self, now: Duration, datagram: &Datagram) {
        // RFC 7675 §5.2: answers would be consent of an agent that is gone.
        if self.cx.state == State::Closed {
            return;
        }
        let Datagram { base, remote, data } = datagram;
        let owner = self.sessions.iter().position(|(_, session)| session.gatherer.has_base(*base));
        let Some(index) = owner else { return };
        // RFC 7983 §7: a first byte of 0 to 3 is STUN, and if it is not valid STUN it is nothing.
        let Some(first) = data.first() else { return };
        if *first < 4 {
            self.stun(now, index, datagram);
            return;
        }
        // RFC 8445 §12.2: data is taken from any candidate of the other side, and from where a
        // check came before the description: the first flight of DTLS may be right behind it.
        let (_, session) = &self.sessions[index];
        if session.remotes.iter().any(|candidate| candidate.address == *remote)
            || session.early.iter().any(|early| early.from == *remote)
        {
            self.cx.event(Event::Data(data.clone()));
        }
    }

    /// The key a STUN message from the network is signed with, for a tamper layer: the local
    /// password for requests, the remote one for responses (RFC 8445 §7.2.2).
    #[must_use]
    pub fn key_of(&self, datagram: &Datagram) -> Option<Vec<u8>> {
        let mut sessions = self.sessions.iter().map(|(_, session)| session);
        let session = sessions.find(|session| session.gatherer.has_base(datagram.base))?;
        let ty = View::new(&datagram.data).message_type()?;
        let key = match ty.class {
            Class::Request => Some(&session.local_key),
            Class::Indication => None,
            Class::SuccessResponse | Class::ErrorResponse => {
                session.remote.as_ref().map(|remote| &remote.key)
            }
        };
        key.map(|key| key.as_bytes().to_vec())
    }

    /// Sends a STUN message that came out of [`Agent::poll`], or what replaces it.
    pub fn forward(&mut self, now: Duration, message: Outgoing) {
        let owner = self.sessions.iter_mut().find(|(_, s)| s.number == message.session);
        if let Some((_, session)) = owner {
            session.gatherer.forward(now, message);
            session.collect(&mut self.cx, now);
        }
    }

    /// Sends a datagram from any base of this agent to anyone, past all of ICE. False if there is
    /// no such base.
    pub fn inject(
        &mut self,
        now: Duration,
        base: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> bool {
        let owner = self.sessions.iter_mut().find(|(_, s)| s.gatherer.has_base(base));
        owner.is_some_and(|(_, session)| {
            let sent = session.gatherer.send(now, base, remote, data);
            session.collect(&mut self.cx, now);
            sent
        })
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.cx.out.pop_front()
    }

    /// When [`Agent::advance`] wants to be called next.
    #[must_use]
    pub fn wake(&self) -> Option<Duration> {
        let last = self.sessions.len().saturating_sub(1);
        let of = |(index, (phase, session)): (usize, &(Phase, Session))| {
            let until = match phase {
                Phase::Active => None,
                Phase::Overlapping { until } | Phase::Closing { until } => Some(*until),
                Phase::Over => return None,
            };
            let wake = session.wake(&self.cx, index == last && self.cx.state != State::Closed);
            wake.into_iter().chain(until).min()
        };
        self.sessions.iter().enumerate().filter_map(of).min()
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Duration) {
        let last = self.sessions.len().saturating_sub(1);
        let newest_is_checked = self.current().remote.is_some();
        for (index, (_, session)) in self.sessions.iter_mut().enumerate() {
            let checks = index == last && self.cx.state != State::Closed;
            session.advance(&mut self.cx, now, checks, checks || !newest_is_checked);
        }
        self.retire(now);
    }

    /// Ends everything: allocations are given back, nothing else is sent any more.
    pub fn close(&mut self, now: Duration) {
        self.cx.enter(State::Closed);
        for (phase, session) in &mut self.sessions {
            *phase = session.end(&mut self.cx, now);
        }
    }

    /// The newest session is of no use: the one before it is the newest.
    fn end_newest(&mut self, now: Duration) {
        if let Some((_, mut session)) = self.sessions.pop() {
            let phase = session.end(&mut self.cx, now);
            self.sessions.insert(0, (phase, session));
        }
    }

    /// The other side has answered a restart: there is no way back to sessions without a pair.
    fn end_former(&mut self, now: Duration) {
        let former = self.sessions.len().saturating_sub(1);
        for (phase, session) in self.sessions.iter_mut().take(former) {
            if *phase == Phase::Active && session.selected.is_none() {
                *phase = session.end(&mut self.cx, now);
            }
        }
    }

    fn push_session(&mut self) {
        let number = self.made;
        self.made += 1;
        let rng = self.rng.fork_nth("session", number);
        let credentials = Credentials::random(&mut rng.fork("credentials"));
        let mut config = self.cx.config.gather.clone();
        config.first_conn += number * CONNS_PER_SESSION;
        if self.cx.config.lite {
            // RFC 8445 §5.2: host candidates only.
            config.servers.clear();
        }
        let mut gatherer = Gatherer::new(config, rng.fork("gather"));
        for (_, session) in &self.sessions {
            gatherer.avoid(session.gatherer.sockets());
        }
        let session = Session::new(number, credentials, gatherer, self.cx.config.max_pairs);
        self.sessions.push((Phase::Active, session));
    }

    fn current(&self) -> &Session {
        let (_, session) = self.sessions.last().expect("invariant: one session is always there");
        session
    }

    fn current_mut(&mut self) -> (&mut Context, &mut Session) {
        let last = self.sessions.last_mut();
        let (_, session) = last.expect("invariant: one session is always there");
        (&mut self.cx, session)
    }

    /// The session data goes over: the newest with a selected pair, else the newest.
    fn carrier_index(&self) -> Option<usize> {
        let selected = self.sessions.iter().rposition(|(_, session)| session.selected.is_some());
        selected.or(self.sessions.len().checked_sub(1))
    }

    fn carrier(&self) -> Option<&Session> {
        self.sessions.get(self.carrier_index()?).map(|(_, session)| session)
    }

    fn trickled(&mut self, now: Duration, what: Trickled, ufrag: Option<&str>) {
        let current = self.remote_credentials().map(|credentials| credentials.ufrag.clone());
        let former = self.sessions.len().saturating_sub(1);
        let is_from = |session: &Session| ufrag.is_some_and(|ufrag| session.is_from(ufrag));
        let old = self.sessions.iter().take(former).rposition(|(_, session)| is_from(session));
        match (current, old) {
            // As long as a restart is unanswered there is a way back to the session before it.
            (None, Some(index)) => {
                let (phase, session) = &mut self.sessions[index];
                if *phase == Phase::Active {
                    session.trickled(&mut self.cx, now, what);
                    self.advance(now);
                }
            }
            (Some(_), Some(_)) => {}
            (Some(current), None) if ufrag.is_none_or(|ufrag| ufrag == current) => {
                let (cx, session) = self.current_mut();
                session.trickled(cx, now, what);
                self.advance(now);
            }
            _ => self.waiting.keep(ufrag, what),
        }
    }

    fn stun(&mut self, now: Duration, index: usize, datagram: &Datagram) {
        let Datagram { base, remote, data } = datagram;
        let view = View::new(data);
        // RFC 8445 §7.2.4, RFC 8489 §6.3: without a FINGERPRINT that fits it is not for ICE.
        if view.check().is_err() || view.fingerprint() != Fingerprint::Valid {
            return;
        }
        let Some(ty) = view.message_type().filter(|ty| ty.method == Method::BINDING) else {
            return;
        };
        let (cx, (_, session)) = (&mut self.cx, &mut self.sessions[index]);
        match ty.class {
            Class::Request => {
                if session.binding_request(cx, now, *base, *remote, &view) {
                    for (_, session) in &mut self.sessions {
                        session.role_switched(&self.cx);
                    }
                }
            }
            // RFC 8445 §11: a keepalive has no effect.
            Class::Indication => {}
            Class::SuccessResponse | Class::ErrorResponse => {
                if !session.check_response(cx, now, *base, *remote, &view) {
                    session.consent_response(cx, now, *base, *remote, &view);
                }
            }
        }
    }

    /// Lets go of sessions that a newer one has replaced (RFC 8445 §9).
    fn retire(&mut self, now: Duration) {
        let Some(newest) = self.sessions.iter().rposition(|(_, s)| s.selected.is_some()) else {
            self.drop_closed(now);
            return;
        };
        for (phase, session) in self.sessions.iter_mut().take(newest) {
            match *phase {
                Phase::Active => {
                    session.consent = None;
                    *phase = Phase::Overlapping { until: now + OVERLAP };
                }
                Phase::Overlapping { until } if now >= until => {
                    *phase = session.end(&mut self.cx, now);
                }
                _ => {}
            }
        }
        self.drop_closed(now);
    }

    /// Drops what has given back its allocations; the newest stays, to answer questions.
    fn drop_closed(&mut self, now: Duration) {
        if let Some((phase, session)) = self.sessions.last_mut()
            && phase.is_over(session, now)
        {
            *phase = Phase::Over;
        }
        self.sessions.retain(|(phase, session)| !phase.is_over(session, now));
    }
}

impl Phase {
    fn is_over(self, session: &Session, now: Duration) -> bool {
        match self {
            Self::Closing { until } => now >= until || session.gatherer.is_closed(),
            Self::Active | Self::Overlapping { .. } | Self::Over => false,
        }
    }
}

impl Session {
    fn trickled(&mut self, cx: &mut Context, now: Duration, what: Trickled) {
        match what {
            Trickled::Candidate(candidate) => self.add_remote(cx, now, candidate),
            Trickled::End => self.remote_complete = true,
        }
    }

    fn is_from(&self, ufrag: &str) -> bool {
        let remote = self.remote.as_ref();
        remote.is_some_and(|remote| remote.parameters.credentials.ufrag == ufrag)
    }

    fn send_data(&mut self, now: Duration, data: &[u8]) -> Result<(), SendError> {
        let best = self.valid.iter().max_by_key(|valid| valid.priority);
        let best =
            best.map(|v| Selected { base: v.base, address: v.address, priority: v.priority });
        let pair = self.selected.or(best).ok_or(SendError::NoPair)?;
        if let Some(consent) = &mut self.consent {
            if consent.is_expired() {
                return Err(SendError::NoConsent);
            }
            consent.sent(now);
        }
        if self.gatherer.send(now, pair.base, pair.address, data) {
            Ok(())
        } else {
            Err(SendError::NoPair)
        }
    }

    /// Gives everything back: nothing more is checked or sent.
    fn end(&mut self, cx: &mut Context, now: Duration) -> Phase {
        self.stop();
        self.gatherer.close(now);
        self.collect(cx, now);
        Phase::Closing { until: now + OVERLAP }
    }

    fn stop(&mut self) {
        self.checks.clear();
        self.consent = None;
        self.selected = None;
        self.valid.clear();
        self.free_at = None;
    }
}
