//! Candidates of both sides.

use rtcspec_wire::candidate::{Candidate, CandidateView};

use super::candidates::IceCandidate;
use super::error::Error;
use super::machine::Jsep;
use super::negotiation::Set;
use super::remote;
use super::state::SignalingState;

impl Jsep {
    /// `addIceCandidate`. Candidates of a generation that is not in use yet are kept until an
    /// answer puts it to use.
    ///
    /// # Errors
    /// [`Error::NoSection`], [`Error::NoRemoteDescription`], [`Error::UnknownSection`],
    /// [`Error::UnknownGeneration`], [`Error::Candidate`], [`Error::TooManyCandidates`].
    pub fn add_ice_candidate(&mut self, candidate: &IceCandidate) -> Result<(), Error> {
        // Interop: pion signals an empty mid and means the index.
        let mid = candidate.sdp_mid.as_deref().filter(|mid| !mid.is_empty());
        let index = candidate.sdp_m_line_index.map(usize::from);
        let is_end = candidate.candidate.is_empty();
        if mid.is_none() && index.is_none() && !is_end {
            return Err(Error::NoSection);
        }
        if self.live.remote().is_none() || self.state == SignalingState::Closed {
            return Err(Error::NoRemoteDescription);
        }
        let parsed = match is_end {
            true => None,
            false => Some(CandidateView::new(&candidate.candidate).parse()?),
        };
        let named = parsed.as_ref().and_then(|parsed| parsed.extension("ufrag"));
        let ufrag = candidate.username_fragment.as_deref().or(named);
        let Some(ufrag) = self.generation_of(mid, index, ufrag)? else { return Ok(()) };
        let generation = self.remote_candidates.entry(&ufrag);
        match parsed {
            Some(parsed) => generation.add(parsed)?,
            None => generation.end(),
        }
        self.deliver();
        Ok(())
    }

    /// The generation a trickled candidate belongs to; `None` if it is of no use to data.
    fn generation_of(
        &self,
        mid: Option<&str>,
        index: Option<usize>,
        ufrag: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let mut known_section = false;
        let sets = [&self.live.pending_remote, &self.live.current_remote];
        for set in sets.into_iter().flatten() {
            let Some(section) = section_of(set, mid, index) else { continue };
            known_section = true;
            let of_section = remote::ufrag(&set.session, section);
            if ufrag.is_none() || of_section.as_deref() == ufrag {
                // A bundled section shares the transport, and with it the generation, of data.
                return Ok(of_section.filter(|found| set.data_ufrag().as_ref() == Some(found)));
            }
        }
        match ufrag {
            Some(ufrag) if known_section => Err(Error::UnknownGeneration(ufrag.to_owned())),
            _ => {
                let index = index.map(|index| index.to_string()).unwrap_or_default();
                Err(Error::UnknownSection(mid.map_or(index, str::to_owned)))
            }
        }
    }

    /// Puts a gathered candidate into the local descriptions of its generation and returns what
    /// to signal; `None` if the generation was discarded.
    pub fn add_local_candidate(
        &mut self,
        ufrag: &str,
        candidate: Candidate,
    ) -> Option<IceCandidate> {
        let signalled = self.signalled(ufrag, candidate.to_string())?;
        self.local_candidates.entry(ufrag).add(candidate).ok()?;
        Some(signalled)
    }

    /// All candidates of this generation are gathered. Returns what to signal; `None` if the
    /// generation was discarded.
    pub fn end_of_local_candidates(&mut self, ufrag: &str) -> Option<IceCandidate> {
        let signalled = self.signalled(ufrag, String::new())?;
        self.local_candidates.entry(ufrag).end();
        Some(signalled)
    }

    fn signalled(&self, ufrag: &str, candidate: String) -> Option<IceCandidate> {
        let sets = [&self.live.pending_local, &self.live.current_local];
        let has_generation = |set: &&Set| set.data_ufrag().as_deref() == Some(ufrag);
        let set = sets.into_iter().flatten().find(has_generation)?;
        Some(IceCandidate {
            candidate,
            sdp_mid: set.data_media()?.mid().map(ToString::to_string),
            sdp_m_line_index: u16::try_from(set.data?).ok(),
            username_fragment: Some(ufrag.to_owned()),
        })
    }

    /// Takes the candidates a remote description carries for the data transport.
    pub(super) fn take_candidates(&mut self, set: &Set) {
        let Some(ufrag) = set.data_ufrag() else { return };
        let generation = self.remote_candidates.entry(&ufrag);
        for (index, media) in set.session.media.iter().enumerate() {
            if remote::ufrag(&set.session, index).as_ref() != Some(&ufrag) {
                continue;
            }
            for candidate in media.attributes.candidates() {
                // More than any agent can use are not worth refusing the description for.
                let _ = generation.add(candidate.clone());
            }
            if media.attributes.has("end-of-candidates") {
                generation.end();
            }
        }
        // RFC 8840 §8.2: at session level it ends the candidates of every section.
        if set.session.attributes.has("end-of-candidates") {
            generation.end();
        }
    }

    /// Hands on the candidates of the generation in use.
    pub(super) fn deliver(&mut self) {
        let Some(transport) = &self.live.transport else { return };
        let ufrag = transport.remote.credentials.ufrag.as_str();
        if let Some(generation) = self.remote_candidates.get_mut(ufrag) {
            generation.deliver(&mut self.effects);
        }
    }
}

fn section_of(set: &Set, mid: Option<&str>, index: Option<usize>) -> Option<usize> {
    match (mid, index) {
        (Some(mid), _) => set.session.media_by_mid(mid).map(|(index, _)| index),
        (None, Some(index)) => Some(index).filter(|index| *index < set.session.media.len()),
        // The end of candidates may leave the section out: it means all of them.
        (None, None) => set.data,
    }
}
