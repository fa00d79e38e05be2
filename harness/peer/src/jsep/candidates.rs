//! Candidates by ICE generation.

use std::collections::VecDeque;

use rtcspec_wire::candidate::{Candidate, ComponentId};

use super::effect::Effect;
use super::error::Error;

/// Most candidates kept of one generation; an agent pairs far fewer (RFC 8445 §6.1.2.5).
const MAX_CANDIDATES: usize = 1024;

/// W3C `RTCIceCandidateInit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceCandidate {
    /// `candidate:...`, or empty for the end of candidates.
    pub candidate: String,
    /// `mid` of its media section.
    pub sdp_mid: Option<String>,
    /// Index of its media section.
    pub sdp_m_line_index: Option<u16>,
    /// ICE generation it belongs to.
    pub username_fragment: Option<String>,
}

/// The candidates of one generation of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Generation {
    ufrag: String,
    candidates: Vec<Candidate>,
    ended: bool,
    delivered: usize,
    end_delivered: bool,
}

impl Generation {
    fn new(ufrag: &str) -> Self {
        Self {
            ufrag: ufrag.to_owned(),
            candidates: Vec::new(),
            ended: false,
            delivered: 0,
            end_delivered: false,
        }
    }

    pub(super) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Adds a candidate once.
    pub(super) fn add(&mut self, candidate: Candidate) -> Result<(), Error> {
        if self.candidates.contains(&candidate) {
            return Ok(());
        }
        if self.candidates.len() >= MAX_CANDIDATES {
            return Err(Error::TooManyCandidates(MAX_CANDIDATES));
        }
        self.candidates.push(candidate);
        Ok(())
    }

    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// What was not delivered before.
    pub(super) fn deliver(&mut self, effects: &mut VecDeque<Effect>) {
        let new = self.candidates.get(self.delivered..).unwrap_or_default();
        // RFC 8445 §5.1.1.1: more than one component is for RTP with RTCP. Interop: pion and rtc
        // name it twice, as 1 and 2.
        let usable = new.iter().filter(|candidate| candidate.component == ComponentId::RTP);
        effects.extend(usable.map(|candidate| Effect::RemoteCandidate {
            ufrag: self.ufrag.clone(),
            candidate: Box::new(candidate.clone()),
        }));
        self.delivered = self.candidates.len();
        if self.ended && !self.end_delivered {
            self.end_delivered = true;
            effects.push_back(Effect::EndOfRemoteCandidates { ufrag: self.ufrag.clone() });
        }
    }
}

/// The generations of one side that its descriptions name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Generations(Vec<Generation>);

impl Generations {
    pub(super) fn get(&self, ufrag: &str) -> Option<&Generation> {
        self.0.iter().find(|generation| generation.ufrag == ufrag)
    }

    pub(super) fn get_mut(&mut self, ufrag: &str) -> Option<&mut Generation> {
        self.0.iter_mut().find(|generation| generation.ufrag == ufrag)
    }

    /// The generation, made if need be.
    pub(super) fn entry(&mut self, ufrag: &str) -> &mut Generation {
        let index = self.0.iter().position(|generation| generation.ufrag == ufrag);
        let index = index.unwrap_or_else(|| {
            self.0.push(Generation::new(ufrag));
            self.0.len() - 1
        });
        &mut self.0[index]
    }

    /// Forgets every generation that is not in use.
    pub(super) fn keep(&mut self, used: impl Fn(&str) -> bool) {
        self.0.retain(|generation| used(&generation.ufrag));
    }
}
