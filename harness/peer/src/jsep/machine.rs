//! The state machine: what it holds and what it creates.

use std::collections::VecDeque;

use rtcspec_wire::sdp::{Address, Origin, Session, Token, Word};

use super::answer;
use super::candidates::Generations;
use super::config::{Config, IceCredentials};
use super::description::Description;
use super::effect::Effect;
use super::error::Error;
use super::negotiation::{Negotiation, Set};
use super::offer;
use super::remote::{self, RemoteSection};
use super::section::{add_candidates, set_default_destination};
use super::state::{Side, SignalingState};
use super::transport::Transport;

/// RFC 9429 §7: the version of a first description.
const FIRST_VERSION: u64 = 1;

/// One side of a negotiation; see the module for how to use it.
#[derive(Clone, Debug)]
pub struct Jsep {
    pub(super) config: Config,
    pub(super) state: SignalingState,
    pub(super) live: Negotiation,
    /// What a rollback restores, while an offer is open.
    pub(super) stable: Option<Box<Negotiation>>,
    wants_data: bool,
    /// Credentials to be replaced by the next offer (webrtc-pc §4.7.1).
    pub(super) to_replace: Option<IceCredentials>,
    /// Credentials that were gathered with before the configuration of ICE changed.
    pub(super) outdated: Vec<IceCredentials>,
    /// New credentials that a created description has and no set one.
    pub(super) prepared: Option<IceCredentials>,
    pub(super) last_offer: Option<Session>,
    pub(super) last_answer: Option<Session>,
    last_created: Option<Session>,
    pub(super) local_candidates: Generations,
    pub(super) remote_candidates: Generations,
    pub(super) effects: VecDeque<Effect>,
    /// Number of the newest DTLS association.
    pub(super) associations: u32,
}

impl Jsep {
    /// Starts in state stable with nothing negotiated.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            state: SignalingState::Stable,
            live: Negotiation::default(),
            stable: None,
            wants_data: false,
            to_replace: None,
            outdated: Vec::new(),
            prepared: None,
            last_offer: None,
            last_answer: None,
            last_created: None,
            local_candidates: Generations::default(),
            remote_candidates: Generations::default(),
            effects: VecDeque::new(),
            associations: 0,
        }
    }

    /// What the owner of the transports has to do next; to be drained after every call, also after
    /// one that returned an error.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// `signalingState`.
    #[must_use]
    pub fn state(&self) -> SignalingState {
        self.state
    }

    /// What the last answer settled, if data was accepted.
    #[must_use]
    pub fn transport(&self) -> Option<&Transport> {
        self.live.transport.as_ref()
    }

    /// Index and mid of the section local candidates are signalled for.
    #[must_use]
    pub fn local_section(&self) -> Option<(usize, Option<&Token>)> {
        let local = self.live.local()?;
        Some((local.data?, local.data_media()?.mid()))
    }

    /// `localDescription`, with the candidates gathered so far.
    #[must_use]
    pub fn local_description(&self) -> Option<Description> {
        self.live.local().map(|set| self.render(set, Side::Local))
    }

    /// `remoteDescription`, with the candidates trickled so far.
    #[must_use]
    pub fn remote_description(&self) -> Option<Description> {
        self.live.remote().map(|set| self.render(set, Side::Remote))
    }

    /// `currentLocalDescription`.
    #[must_use]
    pub fn current_local_description(&self) -> Option<Description> {
        self.live.current_local.as_ref().map(|set| self.render(set, Side::Local))
    }

    /// `currentRemoteDescription`.
    #[must_use]
    pub fn current_remote_description(&self) -> Option<Description> {
        self.live.current_remote.as_ref().map(|set| self.render(set, Side::Remote))
    }

    /// A data channel was created: from now on offers have a data section.
    pub fn want_data(&mut self) {
        self.wants_data = true;
    }

    /// `restartIce`: the next offer has new credentials, even if an offer in between is rolled
    /// back.
    pub fn restart_ice(&mut self) {
        self.to_replace = self.agreed().local_ice.clone();
    }

    /// Servers or policy of ICE have changed: the next offer has new credentials (RFC 9429 §3.5.1).
    /// Unlike after [`Jsep::restart_ice`], it is not needed for that (webrtc-pc §4.7.3).
    pub fn outdate_ice(&mut self) {
        let in_use = [&self.live, self.agreed()].map(|negotiation| negotiation.local_ice.clone());
        self.outdated = in_use.into_iter().flatten().collect();
    }

    /// Whether a new offer is needed (webrtc-pc §4.7.3). Only meaningful in state stable.
    #[must_use]
    pub fn negotiation_needed(&self) -> bool {
        let data_is_missing = self.wants_data && !self.agreed().has_negotiated_data();
        self.state != SignalingState::Closed && (data_is_missing || self.to_replace.is_some())
    }

    /// Ends the negotiation for good.
    pub fn close(&mut self) {
        self.enter(SignalingState::Closed);
    }

    /// `createOffer`. `fresh` makes new ICE credentials, if new ones are due.
    ///
    /// # Errors
    /// [`Error::State`] unless stable or with a local offer open.
    pub fn create_offer(
        &mut self,
        ice_restart: bool,
        fresh: impl FnOnce() -> IceCredentials,
    ) -> Result<String, Error> {
        if !matches!(self.state, SignalingState::Stable | SignalingState::HaveLocalOffer) {
            return Err(Error::state("create an offer", self.state));
        }
        let has_data = self.agreed().has_data() || self.wants_data;
        let ice = has_data.then(|| self.offer_credentials(ice_restart, fresh));
        let mut session = self.blank();
        session.media = offer::sections(&self.config, self.agreed(), self.wants_data, ice.as_ref());
        let mut set = Set::offer(session, None);
        let bundled = set.data_media().and_then(|media| media.mid().cloned());
        offer::add_session_attributes(&self.config, &mut set.session, bundled);
        self.complete(&mut set, Side::Local);
        let session = self.number(set.session);
        let text = session.print();
        self.last_offer = Some(session);
        Ok(text)
    }

    fn offer_credentials(
        &mut self,
        ice_restart: bool,
        fresh: impl FnOnce() -> IceCredentials,
    ) -> IceCredentials {
        let in_use = self.live.local_ice.clone();
        // Credentials of an open offer that is a restart already need no replacing.
        let replaced = in_use.is_some() && in_use != self.agreed().local_ice;
        let outdated = in_use.as_ref().is_some_and(|ice| self.outdated.contains(ice));
        let restart = ice_restart || outdated || (self.to_replace.is_some() && !replaced);
        match in_use {
            Some(ice) if !restart => ice,
            _ => self.prepared.get_or_insert_with(fresh).clone(),
        }
    }

    /// `createAnswer`. `fresh` makes new ICE credentials, if new ones are due.
    ///
    /// # Errors
    /// [`Error::State`] unless a remote offer is open.
    pub fn create_answer(
        &mut self,
        fresh: impl FnOnce() -> IceCredentials,
    ) -> Result<String, Error> {
        use SignalingState::{HaveLocalPranswer, HaveRemoteOffer};
        let open = matches!(self.state, HaveRemoteOffer | HaveLocalPranswer);
        let Some(offered) = self.live.pending_remote.clone().filter(|_| open) else {
            return Err(Error::state("create an answer", self.state));
        };
        let mut session = self.blank();
        session.media = match offered.data {
            Some(index) => {
                let remote = RemoteSection::read(&offered.session, index)?;
                let ice = self.answer_credentials(&remote.ice.credentials, fresh);
                let in_use = self.live.transport.as_ref().map(|transport| transport.dtls_role);
                let setup = answer::setup(remote.setup, in_use, self.config.answer_role);
                let data = (index, &remote);
                answer::sections(&self.config, &offered.session, data, &ice, setup)
            }
            None => answer::reject_all(&offered.session),
        };
        let bundled = answer::bundled(&offered);
        offer::add_session_attributes(&self.config, &mut session, bundled);
        let mut set = Set::answer(session, &offered);
        self.complete(&mut set, Side::Local);
        let session = self.number(set.session);
        let text = session.print();
        self.last_answer = Some(session);
        Ok(text)
    }

    // RFC 8839 §4.4.1.1.1: an answer has new credentials when the offer has, and only then.
    fn answer_credentials(
        &mut self,
        offered: &IceCredentials,
        fresh: impl FnOnce() -> IceCredentials,
    ) -> IceCredentials {
        let known = self.agreed().transport.as_ref().map(|known| &known.remote.credentials);
        let restarted = known.is_some_and(|known| known != offered);
        let provisional = self.state == SignalingState::HaveLocalPranswer;
        match self.live.local_ice.clone() {
            Some(ice) if provisional || !restarted => ice,
            _ => self.prepared.get_or_insert_with(fresh).clone(),
        }
    }

    /// What the last final answer agreed.
    pub(super) fn agreed(&self) -> &Negotiation {
        self.stable.as_deref().unwrap_or(&self.live)
    }

    pub(super) fn enter(&mut self, state: SignalingState) {
        if self.state != state {
            self.state = state;
            self.effects.push_back(Effect::SignalingState(state));
        }
    }

    /// A description of ours without sections.
    fn blank(&self) -> Session {
        Session::new(Origin {
            username: Word::new("-").expect("invariant: a dash is a word"),
            session_id: self.config.session_id,
            session_version: FIRST_VERSION,
            // RFC 9429 §5.2.1: the address says nothing.
            address: Address::unspecified(),
        })
    }

    /// RFC 9429 §5.2.2: the version rises by one with every created description that differs from
    /// the one created before, set or not.
    fn number(&mut self, mut session: Session) -> Session {
        if let Some(last) = &self.last_created {
            session.origin.session_version = last.origin.session_version;
            if session != *last {
                session.origin.session_version += 1;
            }
        }
        self.last_created = Some(session.clone());
        session
    }

    fn render(&self, set: &Set, side: Side) -> Description {
        let mut set = set.clone();
        self.complete(&mut set, side);
        Description::new(set.kind, set.session.print())
    }

    /// Adds the candidates known by now.
    fn complete(&self, set: &mut Set, side: Side) {
        let generations = match side {
            Side::Local => &self.local_candidates,
            Side::Remote => &self.remote_candidates,
        };
        let ufrag = set.data.and_then(|index| remote::ufrag(&set.session, index));
        let generation = ufrag.and_then(|ufrag| generations.get(&ufrag));
        let has_ended = set.session.attributes.has("end-of-candidates");
        if let (Some(generation), Some(media)) = (generation, set.data_media_mut()) {
            add_candidates(media, generation, has_ended);
            if side == Side::Local {
                set_default_destination(media, generation);
            }
        }
    }
}
