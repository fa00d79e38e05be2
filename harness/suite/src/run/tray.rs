//! One side's outgoing tray: how far its negotiation is, and what of it waits to be sent.

use rtcspec_control::{Candidate, Description};

/// One side's outgoing tray.
#[derive(Clone, Debug, Default)]
pub(super) struct Tray {
    /// Description that waits for gathering to complete.
    pub(super) waiting: Option<Description>,
    /// The description of this generation is on its way.
    pub(super) described: bool,
    /// Gathering of this generation is complete.
    pub(super) complete: bool,
    /// End-of-candidates was signalled.
    pub(super) ended: bool,
    /// Candidates that are held back.
    pub(super) held: Vec<Option<Candidate>>,
    /// Candidates refused because no remote description was set yet.
    pub(super) early: Vec<Option<Candidate>>,
    /// A remote description is set.
    pub(super) remote_set: bool,
    /// It has an offer out.
    pub(super) offering: bool,
    /// It was asked for an offer that is not out yet: a process takes its time.
    pub(super) making: Option<Making>,
    /// It was given an offer that it has not answered yet.
    pub(super) answering: bool,
    /// It was given an offer that it ignores, and what belongs to that.
    pub(super) ignoring: bool,
    /// An offer that is to be made once negotiation is stable.
    pub(super) wanted: Option<Wanted>,
    /// User fragments of the offer it made last.
    offered: Vec<String>,
    /// User fragments that both sides agreed on.
    standing: Vec<String>,
    /// User fragments of offers that were taken back.
    abandoned: Vec<String>,
}

/// How far an offer has come that is not out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// It is being made.
    Asked,
    /// It is being set.
    Set,
    /// It gave way to an offer of the other side: nothing comes of it.
    Overtaken,
}

/// An offer that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// With new ICE credentials.
    pub(super) ice_restart: bool,
    /// See [`super::actor::Then::SetOffer`].
    pub(super) glare: bool,
}

impl Tray {
    /// `negotiationneeded` of W3C WebRTC comes in the signalling state `stable` only, so an application
    /// does not offer while an offer of either side is out.
    pub(super) const fn is_stable(&self) -> bool {
        !self.offering && !self.answering && self.making.is_none()
    }

    /// Another description is about to be set.
    pub(super) fn new_generation(&mut self) {
        self.described = false;
        self.waiting = None;
    }

    /// It made an offer.
    pub(super) fn offers(&mut self, sdp: &str) {
        self.offered = user_fragments(sdp);
        // Credentials that were taken back may be offered again.
        let offered = &self.offered;
        self.abandoned.retain(|it| !offered.contains(it));
    }

    /// Its offer was answered, so what the offer has stands.
    pub(super) fn offer_stands(&mut self) {
        self.standing.clone_from(&self.offered);
    }

    /// Its answer stands.
    pub(super) fn answer_stands(&mut self, sdp: &str) {
        self.standing = user_fragments(sdp);
        let standing = &self.standing;
        self.abandoned.retain(|it| !standing.contains(it));
    }

    /// Its offer is taken back, and so are the candidates that were or will be found for it.
    pub(super) fn take_back(&mut self) {
        let standing = &self.standing;
        self.abandoned.extend(self.offered.drain(..).filter(|it| !standing.contains(it)));
        let mut held = std::mem::take(&mut self.held);
        held.retain(|it| !it.as_ref().is_some_and(|it| self.is_abandoned(it)));
        self.held = held;
    }

    /// Whether a candidate is of an offer that was taken back.
    pub(super) fn is_abandoned(&self, candidate: &Candidate) -> bool {
        candidate.username_fragment.as_ref().is_some_and(|it| self.abandoned.contains(it))
    }
}

fn user_fragments(sdp: &str) -> Vec<String> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ufrag: &str) -> Candidate {
        Candidate { username_fragment: Some(ufrag.to_owned()), ..Candidate::default() }
    }

    #[test]
    fn candidates_of_an_offer_that_was_taken_back_are_abandoned() {
        let mut tray = Tray::default();
        tray.offers("v=0\r\na=ice-ufrag:old\r\n");
        tray.offer_stands();
        tray.offers("v=0\r\na=ice-ufrag:new\r\n");
        tray.held = vec![Some(of("new")), None, Some(of("old"))];
        tray.take_back();
        assert_eq!(tray.held, [None, Some(of("old"))]);
        assert!(tray.is_abandoned(&of("new")));
        assert!(!tray.is_abandoned(&of("old")));
        assert!(!tray.is_abandoned(&Candidate::default()));
    }

    #[test]
    fn credentials_of_an_offer_that_gave_way_may_come_again() {
        let mut tray = Tray::default();
        tray.offers("a=ice-ufrag:same\n");
        tray.take_back();
        assert!(tray.is_abandoned(&of("same")));
        tray.offers("a=ice-ufrag:same\n");
        assert!(!tray.is_abandoned(&of("same")), "it is offered again");
        tray.take_back();
        tray.answer_stands("a=ice-ufrag:same\n");
        assert!(!tray.is_abandoned(&of("same")));
        tray.offers("a=ice-ufrag:same\n");
        tray.take_back();
        assert!(!tray.is_abandoned(&of("same")), "an offer without restart has what stands");
    }
}
