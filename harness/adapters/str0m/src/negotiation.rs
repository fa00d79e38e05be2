//! Offer and answer in W3C steps over a stack that takes them whole.
//!
//! str0m makes an offer and keeps what it changes in a `SdpPendingOffer`; it takes an offer and
//! returns the answer in one step. So `setLocalDescription` only records, and an offer that was set
//! is given to str0m when the answer is asked for. Nothing is given to str0m twice, and rolling
//! back means not giving it.

use rtcspec_adapter_embed::{ChannelKey, Outcome, Refusal};
use rtcspec_control::{Candidate, Description, SdpType};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelConfig;

use crate::channels::Channels;
use crate::description::{LocalDescription, has_application, ufrag};

/// `signalingState`; str0m has no word for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signaling {
    #[default]
    Stable,
    HaveLocalOffer,
    HaveRemoteOffer,
    Closed,
}

impl Signaling {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::HaveLocalOffer => "have-local-offer",
            Self::HaveRemoteOffer => "have-remote-offer",
            Self::Closed => "closed",
        }
    }
}

/// An offer str0m made and has not heard the answer to.
#[derive(Debug)]
struct MadeOffer {
    text: String,
    pending: SdpPendingOffer,
    /// How many of the wanted channels it names.
    channels: usize,
    restart: bool,
}

/// An offer of the other side.
#[derive(Debug)]
enum TakenOffer {
    Set { offer: Box<SdpOffer>, application: bool, ufrag: String },
    Answered(String),
}

/// The state of offer and answer.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    pub(crate) signaling: Signaling,
    pub(crate) local: LocalDescription,
    stable_local: LocalDescription,
    made: Option<MadeOffer>,
    taken: Option<TakenOffer>,
    /// Channels no answered offer has a section for yet.
    wanted: Vec<(ChannelKey, ChannelConfig)>,
    /// An answered description has a data channel section.
    application: bool,
    restart: bool,
    /// Candidates of an offer str0m has not been given yet.
    early: Vec<str0m::Candidate>,
    /// User fragment of the other side that str0m knows; empty before the first.
    remote_ufrag: String,
}

impl Negotiation {
    /// Whether taking this answer restarts ICE.
    pub(crate) fn answer_restarts(&self) -> bool {
        self.made.as_ref().is_some_and(|made| made.restart)
    }

    /// Whether answering the offer that is set restarts ICE (RFC 8839 §4.4.1.1.1).
    pub(crate) fn offer_restarts(&self) -> bool {
        match &self.taken {
            Some(TakenOffer::Set { ufrag, .. }) => {
                !self.remote_ufrag.is_empty() && *ufrag != self.remote_ufrag
            }
            _ => false,
        }
    }

    pub(crate) fn want_restart(&mut self) {
        self.restart = true;
    }

    /// A new channel; true if an offer is needed for it.
    pub(crate) fn want_channel(
        &mut self,
        rtc: &mut Rtc,
        channels: &mut Channels,
        key: ChannelKey,
        config: ChannelConfig,
    ) -> bool {
        self.wanted.push((key, config));
        if self.application {
            self.add_wanted(rtc, channels);
        }
        !self.application
    }

    /// Adds the wanted channels to a connection that has their section already.
    fn add_wanted(&mut self, rtc: &mut Rtc, channels: &mut Channels) {
        if self.wanted.is_empty() {
            return;
        }
        let mut api = rtc.sdp_api();
        for (key, config) in self.wanted.drain(..) {
            channels.named(key, api.add_channel_with_config(config));
        }
        // There is a section for them, so there is no offer to send.
        drop(api.apply());
    }

    pub(crate) fn offer(
        &mut self,
        rtc: &mut Rtc,
        channels: &mut Channels,
        ice_restart: bool,
    ) -> Outcome<String> {
        if !matches!(self.signaling, Signaling::Stable | Signaling::HaveLocalOffer) {
            return Err(Refusal::state(self.signaling.word()));
        }
        let restart = self.restart || ice_restart;
        if let Some(made) = &self.made
            && !restart
            && made.channels == self.wanted.len()
        {
            return Ok(made.text.clone());
        }
        let mut api = rtc.sdp_api();
        for (key, config) in &self.wanted {
            channels.named(*key, api.add_channel_with_config(config.clone()));
        }
        if restart {
            api.ice_restart(true);
        }
        let Some((offer, pending)) = api.apply() else {
            return Err(Refusal::unsupported("offer without a change"));
        };
        self.restart = false;
        let text = offer.to_sdp_string();
        let channels = self.wanted.len();
        self.made = Some(MadeOffer { text: text.clone(), pending, channels, restart });
        Ok(text)
    }

    pub(crate) fn answer(&mut self, rtc: &mut Rtc, channels: &mut Channels) -> Outcome<String> {
        match self.taken.take() {
            None => Err(Refusal::state(self.signaling.word())),
            Some(TakenOffer::Answered(text)) => {
                self.taken = Some(TakenOffer::Answered(text.clone()));
                Ok(text)
            }
            Some(TakenOffer::Set { offer, application, ufrag }) => {
                let answer = rtc.sdp_api().accept_offer(*offer).map_err(refused)?;
                let text = answer.to_sdp_string();
                self.taken = Some(TakenOffer::Answered(text.clone()));
                self.application |= application;
                self.remote_ufrag = ufrag;
                if self.application {
                    self.add_wanted(rtc, channels);
                }
                for candidate in std::mem::take(&mut self.early) {
                    rtc.add_remote_candidate(candidate);
                }
                Ok(text)
            }
        }
    }

    pub(crate) fn set_local(&mut self, description: &Description) -> Outcome<()> {
        match description.kind {
            SdpType::Offer => self.set_local_offer(description),
            SdpType::Answer => self.set_local_answer(description),
            SdpType::Pranswer => Err(Refusal::unsupported("pranswer")),
            SdpType::Rollback if self.signaling == Signaling::HaveLocalOffer => {
                self.made = None;
                self.local = self.stable_local.clone();
                self.signaling = Signaling::Stable;
                Ok(())
            }
            SdpType::Rollback => Err(Refusal::state(self.signaling.word())),
        }
    }

    fn set_local_offer(&mut self, description: &Description) -> Outcome<()> {
        if !matches!(self.signaling, Signaling::Stable | Signaling::HaveLocalOffer) {
            return Err(Refusal::state(self.signaling.word()));
        }
        let made = self.made.as_ref().map(|made| &made.text);
        self.local.text = check_unchanged(description, made)?;
        self.signaling = Signaling::HaveLocalOffer;
        Ok(())
    }

    fn set_local_answer(&mut self, description: &Description) -> Outcome<()> {
        let made = match &self.taken {
            Some(TakenOffer::Answered(text)) => Some(text),
            _ => None,
        };
        if self.signaling != Signaling::HaveRemoteOffer {
            return Err(Refusal::state(self.signaling.word()));
        }
        self.local.text = check_unchanged(description, made)?;
        self.taken = None;
        self.stable_local = self.local.clone();
        self.signaling = Signaling::Stable;
        Ok(())
    }

    pub(crate) fn set_remote(&mut self, rtc: &mut Rtc, description: &Description) -> Outcome<()> {
        match description.kind {
            SdpType::Offer => self.set_remote_offer(description),
            SdpType::Answer => self.set_remote_answer(rtc, description),
            SdpType::Pranswer => Err(Refusal::unsupported("pranswer")),
            SdpType::Rollback => match self.taken.take() {
                Some(TakenOffer::Set { .. }) => {
                    self.early.clear();
                    self.signaling = Signaling::Stable;
                    Ok(())
                }
                Some(answered @ TakenOffer::Answered(_)) => {
                    self.taken = Some(answered);
                    Err(Refusal::unsupported("rollback of an offer that was answered"))
                }
                None => Err(Refusal::state(self.signaling.word())),
            },
        }
    }

    /// In `have-local-offer` this rolls our own offer back, as str0m does when it accepts one.
    fn set_remote_offer(&mut self, description: &Description) -> Outcome<()> {
        if self.signaling == Signaling::Closed {
            return Err(Refusal::state("closed"));
        }
        if matches!(self.taken, Some(TakenOffer::Answered(_))) {
            return Err(Refusal::unsupported("a second offer before the answer is set"));
        }
        let offer = SdpOffer::from_sdp_string(&description.sdp).map_err(unparsable)?;
        self.made = None;
        self.local = self.stable_local.clone();
        let application = has_application(&description.sdp);
        let ufrag = ufrag(&description.sdp).to_owned();
        self.taken = Some(TakenOffer::Set { offer: Box::new(offer), application, ufrag });
        self.signaling = Signaling::HaveRemoteOffer;
        Ok(())
    }

    fn set_remote_answer(&mut self, rtc: &mut Rtc, description: &Description) -> Outcome<()> {
        if self.signaling != Signaling::HaveLocalOffer {
            return Err(Refusal::state(self.signaling.word()));
        }
        let answer = SdpAnswer::from_sdp_string(&description.sdp).map_err(unparsable)?;
        let made = self.made.take().ok_or_else(|| Refusal::state("no offer of ours is pending"))?;
        rtc.sdp_api().accept_answer(made.pending, answer).map_err(refused)?;
        self.application |= has_application(&description.sdp);
        self.remote_ufrag = ufrag(&description.sdp).to_owned();
        self.wanted.drain(..made.channels);
        self.stable_local = self.local.clone();
        self.signaling = Signaling::Stable;
        Ok(())
    }

    /// `addIceCandidate`: one for an offer str0m was not given yet waits for it.
    pub(crate) fn remote_candidate(&mut self, rtc: &mut Rtc, candidate: &Candidate) -> Outcome<()> {
        // One that is refused is refused alone: the answer does not hang on it.
        let candidate = str0m::Candidate::from_sdp_string(&candidate.candidate)
            .map_err(|error| Refusal::error("OperationError", error))?;
        if matches!(self.taken, Some(TakenOffer::Set { .. })) {
            self.early.push(candidate);
        } else {
            rtc.add_remote_candidate(candidate);
        }
        Ok(())
    }
}

/// str0m cannot change what it wrote; an empty text means what it wrote last.
fn check_unchanged(description: &Description, made: Option<&String>) -> Outcome<String> {
    match made {
        Some(made) if description.sdp == *made || description.sdp.is_empty() => Ok(made.clone()),
        Some(_) => Err(Refusal::error("InvalidModificationError", "str0m did not write this")),
        None => Err(Refusal::state("str0m made no such description")),
    }
}

/// str0m's parser tells where it stopped by an address in memory, which no report can repeat.
fn unparsable(error: impl std::fmt::Display) -> Refusal {
    let message: Vec<String> = error
        .to_string()
        .lines()
        .map(|line| line.split("PointerOffset(").next().unwrap_or_default().trim_end().to_owned())
        .collect();
    Refusal::error("OperationError", message.join(" ").trim_end())
}

fn refused(error: str0m::RtcError) -> Refusal {
    let name = match &error {
        str0m::RtcError::ChangesOutOfOrder => "InvalidStateError",
        str0m::RtcError::RemoteSdp(_) | str0m::RtcError::Sdp(_) => "InvalidAccessError",
        _ => "OperationError",
    };
    Refusal::error(name, error)
}
