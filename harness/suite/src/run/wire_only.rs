//! Scenarios with a peer that only answers an offer and tells nothing: what of them it can play.
//!
//! What the scenario makes it say, an echo says for it: the other side says it first. Without an echo
//! that is left out, and so is what it would have been judged by.

use rtcspec_control::{Feature, Hello};
use rtcspec_trace::Party;

use super::play::roles;
use crate::scenario::{CandidateOrder, Expect, File, Role, Step, Variant};
use crate::verdict::{Finding, Layer, Verdict};

/// A peer of a run that only answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireOnly<'a> {
    pub(super) party: Party,
    name: &'a str,
    trickles: bool,
    /// What it gives back.
    echoes: Echoes,
}

/// What a peer gives back of what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echoes {
    pub(super) strings: bool,
    pub(super) bytes: bool,
}

impl Echoes {
    pub(super) fn of(hello: &Hello) -> Self {
        Self { strings: hello.has(Feature::Echo), bytes: hello.has(Feature::EchoBytes) }
    }

    /// Whether it gives back anything.
    pub(super) fn any(self) -> bool {
        self.strings || self.bytes
    }
}

impl<'a> WireOnly<'a> {
    /// Who of the two is one.
    pub(super) fn of(file: &'a File, party: Party, hello: &Hello) -> Option<Self> {
        let (offerer, answerer) = roles(file);
        hello.has(Feature::WireOnly).then(|| Self {
            party,
            name: if party == Party::A { offerer } else { answerer },
            trickles: hello.has(Feature::Trickle),
            echoes: Echoes::of(hello),
        })
    }

    /// Whether what is offered to it must be complete.
    pub(super) fn takes_whole_offers(self) -> bool {
        !self.trickles
    }

    /// Why a scenario cannot be played with it: what it cannot be asked for, in words.
    pub(super) fn beyond(self, file: &File, other: &Hello) -> Vec<String> {
        let mut beyond: Vec<String> = Vec::new();
        if file.peer.get(self.name).is_some_and(|peer| peer.role == Role::Offerer) {
            beyond.push("an offer".to_owned());
        }
        if !other.has(Feature::KeyLog) {
            beyond.push("keys from the other peer, to read what happens".to_owned());
        }
        let plain = [CandidateOrder::Trickle, CandidateOrder::HalfTrickle];
        let whole = plain.into_iter().chain([CandidateOrder::InDescription]);
        if !self.trickles && !whole.into_iter().any(|order| order == file.signalling.candidates) {
            beyond.push("candidates one by one".to_owned());
        }
        beyond.extend(file.steps.iter().filter_map(|step| self.step(step.get_ref())));
        let told = |expect: &Expect| {
            let state = expect.state.as_ref().map(|state| &state.peer);
            let consent = expect.consent_lost.as_ref().map(|lost| &lost.peer);
            let mut peers = state.into_iter().chain(consent);
            peers.any(|peer| peer.get_ref() == self.name)
        };
        if file.expect.iter().any(|expect| told(expect.get_ref())) {
            beyond.push("its states".to_owned());
        }
        beyond.sort_unstable();
        beyond.dedup();
        beyond
    }

    fn step(self, step: &Step) -> Option<String> {
        let mine = |peer: Option<&toml::Spanned<String>>| {
            peer.is_some_and(|peer| peer.get_ref() == self.name)
        };
        let channel = step.channel.as_ref();
        let word = if step.restart.is_some() || step.glare.is_some() || step.rollback.is_some() {
            "a second offer"
        } else if mine(step.close.as_ref()) {
            "to close its connection"
        } else if mine(step.close_channel.as_ref().map(|close| &close.from)) {
            "to close a channel"
        } else if mine(channel.map(|channel| &channel.from)) {
            "to open a channel"
        } else if channel.is_some_and(|channel| channel.negotiated.is_some()) {
            "a channel without DCEP"
        } else if mine(step.moving.as_ref().map(|moving| &moving.peer)) {
            "to move"
        } else if self.says(step)
            && self.echoes.any()
            && step.send.as_ref().is_some_and(is_bytes)
            && !self.echoes.bytes
        {
            "an echo of bytes"
        } else if self.says(step)
            && self.echoes.any()
            && step.send.as_ref().is_some_and(is_text)
            && !self.echoes.strings
        {
            "an echo of strings"
        } else if self.says(step) && !self.echoes.any() && step.name.is_some() {
            "a message that others wait for"
        } else {
            return None;
        };
        Some(word.to_owned())
    }

    /// Whether a step makes it say something.
    fn says(self, step: &Step) -> bool {
        let sender = step.send.as_ref().map(|send| &send.from);
        let sender = sender.or(step.stream.as_ref().map(|stream| &stream.from));
        sender.is_some_and(|from| from.get_ref() == self.name)
    }

    /// The scenario without what it would have to say, and what is not known for that; nothing if it
    /// is played as it is.
    pub(super) fn reduced(self, variant: &Variant) -> Option<(Variant, Finding)> {
        let file = &variant.file;
        if self.echoes.any() || !file.steps.iter().any(|step| self.says(step.get_ref())) {
            return None;
        }
        let mut file = file.clone();
        let streams: Vec<String> = file
            .steps
            .iter()
            .map(toml::Spanned::get_ref)
            .filter(|step| self.says(step))
            .filter_map(|step| step.stream.as_ref().map(|stream| stream.name.clone()))
            .collect();
        file.steps.retain(|step| !self.says(step.get_ref()));
        for expect in &mut file.expect {
            let expect = expect.get_mut();
            let from_it = |to: &str| to != self.name;
            if expect.delivered.as_ref().is_some_and(|it| from_it(it.to.get_ref())) {
                expect.delivered = None;
            }
            if expect.resumed.as_ref().is_some_and(|it| streams.contains(&it.stream)) {
                expect.resumed = None;
            }
        }
        let finding = Finding {
            verdict: Verdict::Info,
            requirement: format!("{} says what the scenario makes it say", self.name),
            expected: "messages of its own".to_owned(),
            actual: "not looked at: nobody can make it say something".to_owned(),
            layer: Layer::Control,
            lines: Vec::new(),
        };
        Some((Variant { file, ..variant.clone() }, finding))
    }
}

/// What a scenario does not care about can be either.
fn is_text(send: &crate::scenario::Send) -> bool {
    send.text.is_some()
}

fn is_bytes(send: &crate::scenario::Send) -> bool {
    send.base64.is_some()
}
