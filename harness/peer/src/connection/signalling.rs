//! Offer and answer, and what they mean for ICE, DTLS and SCTP.

use std::time::Duration;

use super::error::Error;
use super::event::Event;
use super::peer::Peer;
use super::secure::Agreement;
use crate::ice::{self, Credentials, RemoteParameters};
use crate::jsep::{
    Description, Effect, IceCandidate, IceCredentials, SdpType, SignalingState, Transport,
};
use crate::rng::Rng;

/// A description as the stack made it and as a tamper hook left it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tampered {
    pub(super) made: String,
    pub(super) told: String,
}

impl Peer {
    /// `createOffer`.
    ///
    /// # Errors
    /// `InvalidStateError` while an offer of the other side is open, or after the end.
    pub fn create_offer(&mut self, now: Duration, ice_restart: bool) -> Result<String, Error> {
        let fresh = || credentials(&mut self.credentials);
        let made = self.jsep.create_offer(ice_restart, fresh)?;
        Ok(self.told(now, made))
    }

    /// `createAnswer`.
    ///
    /// # Errors
    /// `InvalidStateError` unless an offer of the other side is open.
    pub fn create_answer(&mut self, now: Duration) -> Result<String, Error> {
        let fresh = || credentials(&mut self.credentials);
        let made = self.jsep.create_answer(fresh)?;
        Ok(self.told(now, made))
    }

    /// `setLocalDescription`. An empty text means the description created last.
    ///
    /// # Errors
    /// `InvalidStateError`; `InvalidModificationError` if the text is not the one created last.
    pub fn set_local_description(
        &mut self,
        now: Duration,
        kind: SdpType,
        sdp: &str,
    ) -> Result<(), Error> {
        // What a hook edited for the other side is not an edit to the peer itself.
        let sdp = if sdp == self.tampered.told { &self.tampered.made } else { sdp };
        self.jsep.set_local(&Description::new(kind, sdp.to_owned()))?;
        self.settle(now);
        Ok(())
    }

    /// `setRemoteDescription`.
    ///
    /// # Errors
    /// `InvalidStateError`; `OperationError` for what is no SDP; `InvalidAccessError` for SDP that
    /// breaks the rules of offer and answer.
    pub fn set_remote_description(
        &mut self,
        now: Duration,
        kind: SdpType,
        sdp: &str,
    ) -> Result<(), Error> {
        let mut sdp = sdp.to_owned();
        self.tamper.received_sdp(now, &mut sdp);
        let set = self.jsep.set_remote(&Description::new(kind, sdp));
        // A refused offer may have rolled ours back all the same.
        self.settle(now);
        Ok(set?)
    }

    /// `localDescription`, with the candidates gathered so far.
    pub fn local_description(&mut self, now: Duration) -> Option<String> {
        let mut sdp = self.jsep.local_description()?.sdp;
        self.tamper.sdp(now, &mut sdp);
        Some(sdp)
    }

    /// `addIceCandidate`; `None` ends the candidates of the generation in use.
    ///
    /// # Errors
    /// `InvalidStateError` before a remote description; `TypeError` for a candidate without a media
    /// section; `OperationError` for one that is malformed or of an unknown section or generation.
    pub fn add_ice_candidate(
        &mut self,
        now: Duration,
        candidate: Option<IceCandidate>,
    ) -> Result<(), Error> {
        self.refuse_if_closed()?;
        self.jsep.add_ice_candidate(&candidate.unwrap_or_default())?;
        self.settle(now);
        Ok(())
    }

    /// `restartIce`: the next offer has new credentials.
    pub fn restart_ice(&mut self, now: Duration) {
        self.jsep.restart_ice();
        self.settle(now);
    }

    /// What a hook makes of a description before the other side sees it.
    fn told(&mut self, now: Duration, made: String) -> String {
        let mut told = made.clone();
        self.tamper.sdp(now, &mut told);
        self.tampered = Tampered { made, told: told.clone() };
        told
    }

    /// Does the next thing a step of the negotiation asks for; false if there is none.
    pub(super) fn turn_jsep(&mut self, now: Duration) -> bool {
        let Some(effect) = self.jsep.poll_effect() else { return false };
        match effect {
            Effect::SignalingState(state) => {
                // RFC 8445 §6.1.1: whoever offers controls. Checks may come before the answer and
                // are to be answered in that role.
                if state == SignalingState::HaveLocalOffer && !self.config.ice_lite {
                    self.agent.set_role(ice::Role::Controlling);
                }
                self.events.push_back(Event::SignalingState(state));
            }
            Effect::Gather(credentials) => self.gather(now, &credentials),
            Effect::Discard(_) => drop(self.agent.rollback_restart(now)),
            Effect::Use(transport) => self.use_transport(now, &transport),
            Effect::RemoteCandidate { ufrag, candidate } => {
                self.remote_candidate(now, ufrag, *candidate);
            }
            Effect::EndOfRemoteCandidates { ufrag } => {
                self.agent.end_of_remote_candidates(now, Some(&ufrag));
            }
            Effect::Unused => self.disconnect(now),
        }
        true
    }

    /// RFC 9429 §3.5.1: gathering begins with `setLocalDescription`.
    fn gather(&mut self, now: Duration, credentials: &IceCredentials) {
        if self.agent.is_gathering() || self.reconfigured {
            self.reconfigured = false;
            self.agent.restart(now);
        }
        self.agent.set_local_credentials(to_ice(credentials));
        self.agent.gather(now);
    }

    fn use_transport(&mut self, now: Duration, transport: &Transport) {
        // Nothing revives a closed connection.
        if self.is_closed() {
            return;
        }
        let role =
            if transport.controlling { ice::Role::Controlling } else { ice::Role::Controlled };
        self.agent.set_role(role);
        let agreement = Agreement {
            association: transport.association,
            role: transport.dtls_role,
            peer: transport.fingerprints.iter().cloned().collect(),
        };
        if self.secure.agree(agreement) {
            self.data.lost();
        }
        self.data.agree(&transport.sctp);
        let remote = RemoteParameters {
            credentials: to_ice(&transport.remote.credentials),
            lite: transport.remote.lite,
        };
        if let Err(error) = self.agent.set_remote(now, remote) {
            self.events.push_back(Event::Error { channel: None, reason: error.to_string() });
        }
    }
}

fn to_ice(credentials: &IceCredentials) -> Credentials {
    Credentials { ufrag: credentials.ufrag.to_string(), password: credentials.pwd.to_string() }
}

/// New credentials for signalling.
fn credentials(rng: &mut Rng) -> IceCredentials {
    let Credentials { ufrag, password } = Credentials::random(rng);
    IceCredentials::new(&ufrag, &password)
        .expect("invariant: credentials are made of ice-char, in the lengths of RFC 8839")
}
