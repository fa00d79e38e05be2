//! The signalling channel: descriptions and candidates, their order and their delays.

use std::time::Duration;

use rtcspec_control::{Candidate, Command, Description, ReplyBody, SdpType};
use rtcspec_trace::{Party, Signal, SignalBody};

use super::actor::Then;
use super::stage::{Due, Stage, index};
use super::tray::{Making, Tray, Wanted};
use crate::scenario::{CandidateOrder, File, Role};

const DEFAULT_DELAY: Duration = Duration::from_millis(10);
/// How much later than its candidates a description comes when they are to overtake it.
const OVERTAKEN: Duration = Duration::from_millis(50);
/// Between held-back candidates.
const ONE_BY_ONE: Duration = Duration::from_millis(1);

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    to: Party,
    what: Content,
    /// Its place in the list of signals.
    signal: usize,
}

#[derive(Clone, Debug)]
enum Content {
    Description(Description),
    Candidate(Option<Candidate>),
}

/// The signalling channel.
#[derive(Debug)]
pub(super) struct Post {
    delay: Duration,
    order: CandidateOrder,
    polite: Option<String>,
    third_party: bool,
    /// Whose answer is all that comes of an offer, so that everything must be in it.
    whole_to: Option<Party>,
    trays: [Tray; 2],
    /// Everything that was sent.
    pub(super) signals: Vec<Signal>,
}

impl Post {
    pub(super) fn new(file: &File) -> Self {
        let answerer =
            file.peer.iter().find(|(_, peer)| peer.role == Role::Answerer).map(|(name, _)| name);
        let signalling = &file.signalling;
        let polite = signalling.polite.as_ref().map(toml::Spanned::get_ref).or(answerer).cloned();
        Self {
            delay: signalling.delay.map_or(DEFAULT_DELAY, |delay| delay.0),
            order: signalling.candidates,
            polite,
            third_party: signalling.third_party,
            whole_to: None,
            trays: [Tray::default(), Tray::default()],
            signals: Vec::new(),
        }
    }

    /// What is described to a peer has all candidates in it.
    pub(super) fn offers_whole_to(&mut self, party: Party) {
        self.whole_to = Some(party);
    }

    /// How this side's candidates travel.
    fn order_of(&self, party: Party) -> CandidateOrder {
        if self.whole_to == Some(party.other()) {
            return CandidateOrder::InDescription;
        }
        match (self.order, party) {
            (CandidateOrder::HalfTrickle, Party::A) => CandidateOrder::InDescription,
            (CandidateOrder::HalfTrickle, Party::B) => CandidateOrder::Trickle,
            (order, _) => order,
        }
    }
}

impl Stage<'_> {
    /// A peer offers, once no other offer is out.
    pub(super) fn offer(&mut self, party: Party, ice_restart: bool, glare: bool) {
        let now = self.now;
        let tray = &mut self.post.trays[index(party)];
        if !tray.is_stable() {
            // One offer does for all that waited, as one `negotiationneeded` does.
            let restarts = ice_restart || tray.wanted.is_some_and(|wanted| wanted.ice_restart);
            tray.wanted = Some(Wanted { ice_restart: restarts, glare });
            return;
        }
        let actor = self.actor(party);
        let pc = actor.pc.clone();
        actor.submit(now, Command::Offer { pc, ice_restart }, Then::SetOffer { glare });
        self.post.trays[index(party)].making = Some(Making::Asked);
    }

    /// A peer offers and takes it back.
    pub(super) fn offer_and_roll_back(&mut self, party: Party) {
        let now = self.now;
        let actor = self.actor(party);
        let pc = actor.pc.clone();
        actor.submit(now, Command::Offer { pc, ice_restart: false }, Then::RollBack);
    }

    /// What comes after a command was carried out.
    pub(super) fn answered(&mut self, party: Party, then: Then, body: ReplyBody) {
        let now = self.now;
        if matches!(then, Then::SetOffer { .. } | Then::SignalOffer { .. })
            && self.post.trays[index(party)].making.take() == Some(Making::Overtaken)
        {
            return;
        }
        let sdp = match body {
            ReplyBody::Sdp(sdp) => sdp,
            ReplyBody::Done {} => String::new(),
            // Errors and refusals are in the actor's log; the exchange ends here.
            _ => return self.refused(party, then),
        };
        let pc = self.actor(party).pc.clone();
        let local = |kind, sdp| Command::Local { pc: pc.clone(), desc: Description { kind, sdp } };
        match then {
            Then::Nothing | Then::KeepIfRefused(_) => {}
            Then::SetOffer { glare } => {
                self.post.trays[index(party)].new_generation();
                self.post.trays[index(party)].offers(&sdp);
                let command = local(SdpType::Offer, sdp);
                self.actor(party).submit(now, command, Then::SignalOffer { glare });
                self.post.trays[index(party)].making = Some(Making::Set);
            }
            Then::SignalOffer { .. } => {
                self.post.trays[index(party)].offering = true;
                self.describe(party, Description { kind: SdpType::Offer, sdp });
            }
            Then::RollBack => {
                let offer = local(SdpType::Offer, sdp);
                let rollback = local(SdpType::Rollback, String::new());
                self.actor(party).submit(now, offer, Then::Nothing);
                self.actor(party).submit(now, rollback, Then::Nothing);
            }
            Then::Answer => {
                self.remote_is_set(party);
                self.actor(party).submit(now, Command::Answer { pc }, Then::SetAnswer);
            }
            Then::SetAnswer => {
                self.post.trays[index(party)].new_generation();
                let command = local(SdpType::Answer, sdp);
                self.actor(party).submit(now, command, Then::SignalAnswer);
            }
            Then::SignalAnswer => {
                self.post.trays[index(party)].answer_stands(&sdp);
                self.describe(party, Description { kind: SdpType::Answer, sdp });
                self.post.trays[index(party)].answering = false;
                self.offer_if_wanted(party);
            }
            Then::Settled => {
                self.remote_is_set(party);
                self.offer_if_wanted(party);
            }
        }
    }

    /// A command was not carried out.
    fn refused(&mut self, party: Party, then: Then) {
        let tray = &mut self.post.trays[index(party)];
        match then {
            Then::KeepIfRefused(candidate) => tray.early.push(*candidate),
            Then::Answer | Then::SetAnswer | Then::SignalAnswer => {
                tray.answering = false;
                self.offer_if_wanted(party);
            }
            Then::SetOffer { .. } | Then::SignalOffer { .. } => self.offer_if_wanted(party),
            Then::Nothing | Then::RollBack | Then::Settled => {}
        }
    }

    /// Negotiation is stable again: makes the offer that waited for that.
    fn offer_if_wanted(&mut self, party: Party) {
        if let Some(Wanted { ice_restart, glare }) = self.post.trays[index(party)].wanted.take() {
            self.offer(party, ice_restart, glare);
        }
    }

    /// Sends a description, or holds it back until all candidates are known.
    fn describe(&mut self, party: Party, description: Description) {
        let order = self.post.order_of(party);
        let tray = &mut self.post.trays[index(party)];
        tray.described = true;
        if order == CandidateOrder::InDescription && !tray.complete {
            tray.waiting = Some(description);
            return;
        }
        let delay = match order {
            CandidateOrder::BeforeDescription => self.post.delay + OVERTAKEN,
            _ => self.post.delay,
        };
        let description = match order {
            CandidateOrder::InDescription => {
                with_candidates(description, &std::mem::take(&mut tray.held))
            }
            _ => description,
        };
        self.mail(party, Content::Description(description), delay);
        if !matches!(order, CandidateOrder::Reversed | CandidateOrder::AfterGathering) {
            self.release(party);
        }
    }

    /// A peer found a candidate, or the last one.
    pub(super) fn local_candidate(&mut self, party: Party, candidate: Option<Candidate>) {
        if candidate.as_ref().is_some_and(|it| self.post.trays[index(party)].is_abandoned(it)) {
            return;
        }
        if let Some(candidate) = &candidate {
            self.watch.candidate(party, &candidate.candidate);
        }
        let end = candidate.as_ref().is_none_or(|candidate| candidate.candidate.is_empty());
        let tray = &mut self.post.trays[index(party)];
        if !end {
            // Gathering has begun anew, as after an ICE restart.
            tray.complete = false;
            tray.ended = false;
            tray.held.push(candidate);
        }
        if end {
            self.gathering_complete(party);
            return;
        }
        let order = self.post.order_of(party);
        let described = self.post.trays[index(party)].described;
        let at_once = matches!(
            order,
            CandidateOrder::Trickle
                | CandidateOrder::Duplicated
                | CandidateOrder::BeforeDescription
        );
        if at_once && described {
            self.release(party);
        }
    }

    /// A peer has found all its candidates.
    pub(super) fn gathering_complete(&mut self, party: Party) {
        let order = self.post.order_of(party);
        let tray = &mut self.post.trays[index(party)];
        tray.complete = true;
        if let Some(description) = tray.waiting.take() {
            self.describe(party, description);
            return;
        }
        if order == CandidateOrder::InDescription || tray.ended {
            return;
        }
        tray.ended = true;
        if order == CandidateOrder::Reversed {
            tray.held.reverse();
        }
        tray.held.push(None);
        if tray.described {
            self.release(party);
        }
    }

    /// Sends the candidates that are held back.
    fn release(&mut self, party: Party) {
        let order = self.post.order_of(party);
        let held = std::mem::take(&mut self.post.trays[index(party)].held);
        let spaced = matches!(order, CandidateOrder::Reversed | CandidateOrder::AfterGathering);
        let mut delay = self.post.delay;
        for candidate in held {
            if spaced {
                delay += ONE_BY_ONE;
            }
            let twice = order == CandidateOrder::Duplicated && candidate.is_some();
            self.mail(party, Content::Candidate(candidate.clone()), delay);
            if twice {
                self.mail(party, Content::Candidate(candidate), delay);
            }
        }
    }

    fn mail(&mut self, from: Party, what: Content, delay: Duration) {
        let what = match self.net.outer_address(self.file, from) {
            Some((own, outer)) => announced(what, &own, &outer),
            None => what,
        };
        let body = match &what {
            Content::Description(description) => SignalBody::Description {
                kind: description.kind.word().to_owned(),
                sdp: description.sdp.clone(),
            },
            Content::Candidate(candidate) => {
                let candidate = candidate.clone().unwrap_or_default();
                SignalBody::Candidate {
                    candidate: candidate.candidate,
                    mid: candidate.sdp_mid,
                    ufrag: candidate.username_fragment,
                }
            }
        };
        let sent = self.now;
        self.post.signals.push(Signal { sent, arrived: None, from, body, refused: None });
        let signal = self.post.signals.len() - 1;
        self.at(sent + delay, Due::Mail(Mail { to: from.other(), what, signal }));
    }

    /// A signalling message arrives.
    pub(super) fn deliver(&mut self, mail: Mail) {
        let now = self.now;
        self.post.signals[mail.signal].arrived = Some(now);
        match mail.what {
            Content::Description(description) => self.deliver_description(mail.to, description),
            Content::Candidate(candidate) => self.deliver_candidate(mail.to, candidate),
        }
    }

    fn deliver_description(&mut self, to: Party, desc: Description) {
        let now = self.now;
        let desc = match self.post.third_party && self.post.trays[index(to)].offering {
            true => as_answer(desc, to),
            false => desc,
        };
        for line in desc.sdp.lines().filter_map(|line| line.strip_prefix("a=")) {
            if line.starts_with("candidate:") {
                self.watch.candidate(to.other(), line);
            }
        }
        let polite = self.post.polite.as_ref() == Some(&self.actors[index(to)].name);
        let tray = &mut self.post.trays[index(to)];
        let pc = self.actors[index(to)].pc.clone();
        if desc.kind != SdpType::Offer {
            tray.offering = false;
            tray.ignoring = false;
            tray.offer_stands();
            self.actor(to).submit(now, Command::Remote { pc, desc }, Then::Settled);
            return;
        }
        // `makingOffer` of perfect negotiation.
        let making = tray.making.filter(|_| self.post.polite.is_some());
        tray.ignoring = (tray.offering || making.is_some()) && !polite;
        if tray.ignoring {
            // Perfect negotiation: the impolite side ignores an offer that collides with its own.
            return;
        }
        if making.is_some() {
            tray.making = Some(Making::Overtaken);
        }
        if tray.offering || making == Some(Making::Set) {
            tray.offering = false;
            tray.take_back();
            let rollback = Description { kind: SdpType::Rollback, sdp: String::new() };
            let command = Command::Local { pc: pc.clone(), desc: rollback };
            self.actor(to).submit(now, command, Then::Nothing);
        }
        self.post.trays[index(to)].answering = true;
        self.actor(to).submit(now, Command::Remote { pc, desc }, Then::Answer);
    }

    /// A peer may keep a candidate that comes before its description or refuse it, as W3C
    /// `addIceCandidate` does; a refused one is given again once the description is set, as every
    /// application does.
    fn deliver_candidate(&mut self, to: Party, candidate: Option<Candidate>) {
        let now = self.now;
        if self.post.trays[index(to)].ignoring {
            return;
        }
        let then = if self.post.trays[index(to)].remote_set {
            Then::Nothing
        } else {
            Then::KeepIfRefused(Box::new(candidate.clone()))
        };
        let actor = self.actor(to);
        let pc = actor.pc.clone();
        actor.submit(now, Command::Candidate { pc, candidate }, then);
    }

    fn remote_is_set(&mut self, party: Party) {
        let tray = &mut self.post.trays[index(party)];
        tray.remote_set = true;
        for candidate in std::mem::take(&mut tray.early) {
            self.deliver_candidate(party, candidate);
        }
    }
}

/// What a peer signals, with the address its deployment is reached by in place of its own.
fn announced(what: Content, own: &str, outer: &str) -> Content {
    let told = |text: &str| text.replace(&format!(" {own} "), &format!(" {outer} "));
    match what {
        Content::Description(mut description) => {
            description.sdp = told(&description.sdp);
            Content::Description(description)
        }
        Content::Candidate(Some(mut candidate)) => {
            candidate.candidate = told(&candidate.candidate);
            Content::Candidate(Some(candidate))
        }
        Content::Candidate(None) => Content::Candidate(None),
    }
}

/// An offer as a third party passes it on: the answer to the offer of the peer it is given to. The
/// first peer's DTLS role becomes active, the other's passive (RFC 8842 §5.3).
fn as_answer(offer: Description, to: Party) -> Description {
    let role = if to == Party::A { "a=setup:passive" } else { "a=setup:active" };
    let sdp = offer.sdp.replace("a=setup:actpass", role);
    Description { kind: SdpType::Answer, sdp }
}

/// Adds candidate lines to the first media section, as `localDescription` has them once gathering
/// is complete.
fn with_candidates(description: Description, candidates: &[Option<Candidate>]) -> Description {
    let mut sdp = description.sdp;
    for candidate in candidates.iter().flatten() {
        let line = format!("a={}", candidate.candidate);
        if !sdp.contains(&line) {
            sdp.push_str(&line);
            sdp.push_str("\r\n");
        }
    }
    if !sdp.contains("a=end-of-candidates") {
        sdp.push_str("a=end-of-candidates\r\n");
    }
    Description { kind: description.kind, sdp }
}
