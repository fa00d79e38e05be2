//! Setting descriptions.

use rtcspec_wire::sdp::Session;

use super::answer;
use super::config::IceCredentials;
use super::description::{Description, SdpType};
use super::effect::Effect;
use super::error::{DescriptionError, Error};
use super::machine::Jsep;
use super::negotiation::{Section, Set};
use super::remote::RemoteSection;
use super::state::{Side, SignalingState};
use super::transport::{Sctp, Transport};
use crate::dtls::Role;

impl Jsep {
    /// `setLocalDescription`. An empty text stands for the description created last.
    ///
    /// # Errors
    /// [`Error::State`]; [`Error::Modified`] if the text is not the one created last.
    pub fn set_local(&mut self, description: &Description) -> Result<(), Error> {
        let kind = description.kind;
        let Some(next) = self.state.after(Side::Local, kind) else {
            return Err(Error::state(operation(Side::Local, kind), self.state));
        };
        if kind == SdpType::Rollback {
            return self.rollback();
        }
        let created = if kind == SdpType::Offer { &self.last_offer } else { &self.last_answer };
        let session = created.clone().ok_or(Error::Modified)?;
        if !description.sdp.is_empty() && description.sdp != session.print() {
            return Err(Error::Modified);
        }
        if kind == SdpType::Offer {
            self.save();
            let set = Set::offer(session, self.agreed().data_section());
            self.gather(&set);
            self.live.pending_local = Some(set);
            self.enter(next);
            return Ok(());
        }
        self.answer_locally(session, kind, next)
    }

    fn answer_locally(
        &mut self,
        session: Session,
        kind: SdpType,
        next: SignalingState,
    ) -> Result<(), Error> {
        let Some(offer) = self.live.pending_remote.clone() else {
            return Err(Error::state(operation(Side::Local, kind), self.state));
        };
        let set = Set { kind, ..Set::answer(session, &offer) };
        let remote =
            offer.data.map(|index| RemoteSection::read(&offer.session, index)).transpose()?;
        self.gather(&set);
        let setup = set.data_media().and_then(|media| media.attributes.setup());
        let transport = match (remote, set.data) {
            (Some(remote), Some(index)) => {
                let role = reverse(answer::role(index, setup)?);
                self.settle(index, &offer, remote, role, false)
            }
            _ => None,
        };
        self.answered(offer, set, Side::Local, next, transport);
        Ok(())
    }

    /// `setRemoteDescription`.
    ///
    /// # Errors
    /// [`Error::State`], [`Error::Syntax`], [`Error::Description`].
    pub fn set_remote(&mut self, description: &Description) -> Result<(), Error> {
        let kind = description.kind;
        let Some(next) = self.state.after(Side::Remote, kind) else {
            return Err(Error::state(operation(Side::Remote, kind), self.state));
        };
        if kind == SdpType::Rollback {
            return self.rollback();
        }
        // RFC 9429 §4.1.10.2: with an offer of ours open, theirs rolls ours back. webrtc-pc
        // §4.4.1.5 does that before it reads theirs, so that it stays rolled back on error.
        if kind == SdpType::Offer && self.state == SignalingState::HaveLocalOffer {
            self.rollback()?;
        }
        let session = description.sdp.parse()?;
        if kind == SdpType::Offer {
            return self.open_remote_offer(session, next);
        }
        self.answer_remotely(session, kind, next)
    }

    fn open_remote_offer(&mut self, session: Session, next: SignalingState) -> Result<(), Error> {
        self.check_offer(&session)?;
        let set = Set::offer(session, self.agreed().data_section());
        if let Some(index) = set.data {
            RemoteSection::read(&set.session, index)?;
        }
        self.save();
        self.take_candidates(&set);
        self.live.pending_remote = Some(set);
        self.last_offer = None;
        self.last_answer = None;
        self.enter(next);
        Ok(())
    }

    // RFC 9429 §5.8, RFC 3264 §8: sections are never taken away, moved or turned into others,
    // unless rejected before.
    fn check_offer(&self, session: &Session) -> Result<(), DescriptionError> {
        let agreed = &self.agreed().sections;
        let (expected, found) = (agreed.len(), session.media.len());
        if found < expected {
            return Err(DescriptionError::SectionCount { expected, found });
        }
        let sections = agreed.iter().zip(&session.media).enumerate();
        for (index, (known, offered)) in sections.filter(|(_, (known, _))| known.accepted) {
            if known.line.kind != offered.line.kind {
                return Err(DescriptionError::SectionChanged(index));
            }
            let left_out = offered.is_rejected() && offered.mid().is_none();
            if known.mid.as_ref() != offered.mid() && !left_out {
                return Err(DescriptionError::MidChanged(index));
            }
        }
        let mut bundled = session.bundle_groups().flat_map(|group| &group.mids);
        match bundled.find(|mid| session.media_by_mid(mid).is_none()) {
            Some(mid) => Err(DescriptionError::UnknownBundleMid(mid.to_string())),
            None => Ok(()),
        }
    }

    fn answer_remotely(
        &mut self,
        session: Session,
        kind: SdpType,
        next: SignalingState,
    ) -> Result<(), Error> {
        let Some(offer) = self.live.pending_local.clone() else {
            return Err(Error::state(operation(Side::Remote, kind), self.state));
        };
        answer::check(&offer.session, &session)?;
        let set = Set { kind, ..Set::answer(session, &offer) };
        let transport = match set.data {
            None => None,
            Some(index) => {
                let remote = RemoteSection::read(&set.session, index)?;
                let role = answer::role(index, remote.setup)?;
                self.settle(index, &offer, remote, role, true)
            }
        };
        self.take_candidates(&set);
        self.answered(offer, set, Side::Remote, next, transport);
        Ok(())
    }

    /// What an answer settles. `ours` says whether the offer is ours.
    fn settle(
        &self,
        section: usize,
        offer: &Set,
        remote: RemoteSection,
        dtls_role: Role,
        ours: bool,
    ) -> Option<Transport> {
        let known = self.live.transport.as_ref();
        // RFC 8842 §5.1: another tls-id, certificate or role is another association.
        let same_association = known.filter(|known| {
            known.dtls_role == dtls_role
                && known.tls_id == remote.tls_id
                && known.fingerprints == remote.fingerprints
        });
        // RFC 8445 §6.1.1: the offerer controls, unless exactly one side is lite; §9 keeps the
        // roles over a restart.
        let controlling = match (self.config.ice_lite, remote.ice.lite) {
            (true, false) => false,
            (false, true) => true,
            _ => known.map_or(ours, |known| known.controlling),
        };
        Some(Transport {
            section,
            mid: offer.session.media.get(section)?.mid().cloned(),
            local: self.live.local_ice.clone()?,
            controlling,
            dtls_role,
            association: same_association.map_or(self.associations + 1, |known| known.association),
            fingerprints: remote.fingerprints,
            tls_id: remote.tls_id,
            sctp: Sctp {
                local_port: self.config.sctp_port,
                remote_port: remote.sctp_port,
                max_message_size: remote.max_message_size,
                remote_init: remote.sctp_init.filter(|_| self.config.sctp_init.is_some()),
            },
            remote: remote.ice,
        })
    }

    fn answered(
        &mut self,
        offer: Set,
        answer: Set,
        side: Side,
        next: SignalingState,
        transport: Option<Transport>,
    ) {
        let is_final = answer.kind == SdpType::Answer;
        self.live.sections = agree(&offer.session, transport.as_ref().map(|used| used.section));
        let (local, remote) = match side {
            Side::Local => (answer, offer),
            Side::Remote => (offer, answer),
        };
        if is_final {
            self.live.current_local = Some(local);
            self.live.current_remote = Some(remote);
            self.live.pending_local = None;
            self.live.pending_remote = None;
            self.stable = None;
        } else {
            self.live.pending_local = Some(local);
            self.live.pending_remote = Some(remote);
        }
        self.enter(next);
        self.use_transport(transport, is_final);
        if is_final {
            self.settled();
        }
        self.deliver();
    }

    fn use_transport(&mut self, transport: Option<Transport>, is_final: bool) {
        let before = std::mem::replace(&mut self.live.transport, transport);
        match &self.live.transport {
            Some(transport) if before.as_ref() != Some(transport) => {
                self.associations = self.associations.max(transport.association);
                self.effects.push_back(Effect::Use(Box::new(transport.clone())));
            }
            None if is_final && self.live.local_ice.take().is_some() => {
                self.effects.push_back(Effect::Unused);
            }
            _ => {}
        }
    }

    /// Takes the open offer back, as a description of type rollback does from either side.
    ///
    /// # Errors
    /// [`Error::State`] unless an offer is open and unanswered.
    pub fn rollback(&mut self) -> Result<(), Error> {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer};
        let open = matches!(self.state, HaveLocalOffer | HaveRemoteOffer);
        let Some(stable) = self.stable.take_if(|_| open) else {
            return Err(Error::state("roll back", self.state));
        };
        if let Some(ice) = &self.live.local_ice
            && stable.local_ice.as_ref() != Some(ice)
        {
            self.effects.push_back(Effect::Discard(ice.clone()));
        }
        self.live = *stable;
        self.enter(SignalingState::Stable);
        self.settled();
        Ok(())
    }

    /// Before an offer opens: keeps what a rollback restores, or goes back to it when one offer
    /// replaces another.
    fn save(&mut self) {
        match &self.stable {
            None => self.stable = Some(Box::new(self.live.clone())),
            Some(stable) => {
                // An offer of ours that replaces ours keeps its generation.
                let local_ice = self.live.local_ice.take();
                self.live = (**stable).clone();
                self.live.local_ice = local_ice;
            }
        }
    }

    /// Starts a generation if the description has credentials of its own.
    fn gather(&mut self, set: &Set) {
        let ice = set.data_media().and_then(|media| {
            let (ufrag, pwd) = (media.attributes.ice_ufrag()?, media.attributes.ice_pwd()?);
            Some(IceCredentials { ufrag: ufrag.clone(), pwd: pwd.clone() })
        });
        let Some(ice) = ice.filter(|ice| self.live.local_ice.as_ref() != Some(ice)) else {
            return;
        };
        let replaced = self.live.local_ice.replace(ice.clone());
        let in_use = self.agreed().local_ice.clone();
        if let Some(replaced) = replaced.filter(|old| in_use.as_ref() != Some(old)) {
            self.effects.push_back(Effect::Discard(replaced));
        }
        self.prepared = None;
        self.local_candidates.entry(&ice.ufrag);
        self.effects.push_back(Effect::Gather(ice));
    }

    /// Nothing is open any more.
    fn settled(&mut self) {
        self.last_offer = None;
        self.last_answer = None;
        self.prepared = None;
        if self.to_replace != self.live.local_ice {
            self.to_replace = None;
        }
        self.outdated.retain(|ice| self.live.local_ice.as_ref() == Some(ice));
        let local = self.live.current_local.as_ref().and_then(Set::data_ufrag);
        let remote = self.live.current_remote.as_ref().and_then(Set::data_ufrag);
        self.local_candidates.keep(|ufrag| local.as_deref() == Some(ufrag));
        self.remote_candidates.keep(|ufrag| remote.as_deref() == Some(ufrag));
    }
}

/// The sections an answered offer leaves behind.
fn agree(offer: &Session, data: Option<usize>) -> Vec<Section> {
    let sections = offer.media.iter().enumerate();
    let section = sections.map(|(index, media)| Section {
        line: media.line.clone(),
        mid: media.mid().cloned(),
        accepted: data == Some(index),
    });
    section.collect()
}

fn reverse(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

fn operation(side: Side, kind: SdpType) -> &'static str {
    match (side, kind) {
        (_, SdpType::Rollback) => "roll back",
        (Side::Local, SdpType::Offer) => "set a local offer",
        (Side::Local, SdpType::Answer) => "set a local answer",
        (Side::Local, SdpType::Pranswer) => "set a local pranswer",
        (Side::Remote, SdpType::Offer) => "set a remote offer",
        (Side::Remote, SdpType::Answer) => "set a remote answer",
        (Side::Remote, SdpType::Pranswer) => "set a remote pranswer",
    }
}
