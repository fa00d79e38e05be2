//! Messages changed as they go by, each change kept as an edit for the file.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rtcspec_suite::cases::Improvise;
use rtcspec_suite::scenario::{Edit, Hex, TamperLayer};

use super::compile::{Inject, Plan, Tamper, Verb};
use crate::mutate::{Rng, Source};
use crate::target::{self, Target};

/// Longest message that comes of a change.
const MOST: usize = 4096;

/// Makes up what a plan leaves open.
#[derive(Debug)]
pub(super) struct Improviser {
    tampers: Vec<Tamper>,
    /// Injections by the number of their step.
    injects: BTreeMap<usize, Inject>,
    /// What was done to messages, by index into the plan's.
    pub(super) tampered: BTreeMap<usize, Vec<Edit>>,
    /// And to injected ones, by step.
    pub(super) injected: BTreeMap<usize, Vec<Edit>>,
    /// Descriptions as they were before.
    pub(super) descriptions: Vec<String>,
}

impl Improviser {
    pub(super) fn new(plan: &Plan) -> Self {
        let steps = plan.steps.iter().enumerate();
        let injects = steps.filter_map(|(index, step)| Some((index, step.inject?)));
        Self {
            tampers: plan.tampers.clone(),
            injects: injects.collect(),
            tampered: BTreeMap::new(),
            injected: BTreeMap::new(),
            descriptions: Vec::new(),
        }
    }
}

impl Improvise for Improviser {
    fn tamper(&mut self, index: usize, message: &[u8]) -> Option<Vec<Edit>> {
        let Tamper { layer, verb: Verb::Mutate { seed, .. }, .. } = *self.tampers.get(index)?
        else {
            return None;
        };
        if layer == TamperLayer::Sdp {
            self.descriptions.push(String::from_utf8_lossy(message).into_owned());
        }
        let edits = edits(message, &changed(layer, message, seed, false));
        self.tampered.insert(index, edits.clone());
        Some(edits)
    }

    fn inject(&mut self, index: usize, message: &[u8]) -> Option<Vec<Edit>> {
        let inject = *self.injects.get(&index)?;
        // Numbers of a sealed packet count from those of the session.
        let near = inject.seal && inject.layer == TamperLayer::Sctp;
        let edits = edits(message, &changed(inject.layer, message, inject.seed, near));
        self.injected.insert(index, edits.clone());
        Some(edits)
    }
}

/// A message as the mutator of its layer changes it; one seed in eight leaves it as it is.
fn changed(layer: TamperLayer, message: &[u8], seed: u16, near: bool) -> Vec<u8> {
    let mut bytes = message.to_vec();
    let mut rng = Rng::with_seed(u64::from(seed));
    if !seed.is_multiple_of(8) {
        let (target, dictionary) = (target_of(layer), dictionary(layer));
        let donors = templates(layer);
        let donor = if donors.is_empty() { message } else { donors[rng.usize(..donors.len())] };
        let most = message.len().max(MOST);
        let mut source = Source { rng: rng.fork(), donor, dictionary, most };
        (target.mutate)(&mut bytes, &mut source);
        bytes.truncate(most);
    }
    if near && rng.bool() {
        crate::mutate::sctp::bring_near(&mut bytes, &mut rng);
    }
    bytes
}

/// Whose mutator changes messages of a layer.
const fn target_of(layer: TamperLayer) -> &'static Target {
    match layer {
        TamperLayer::Sdp => &target::sdp::PARSE,
        TamperLayer::Candidate => &target::candidate::LINE,
        TamperLayer::Stun => &target::stun::PARSE,
        TamperLayer::Dtls => &target::dtls::RECORD,
        TamperLayer::Sctp => &target::sctp::PARSE,
        TamperLayer::Message => &target::dcep::PARSE,
    }
}

/// Its tokens, gathered once: those of STUN are picked from all types there are.
fn dictionary(layer: TamperLayer) -> &'static [Vec<u8>] {
    static ALL: OnceLock<BTreeMap<TamperLayer, Vec<Vec<u8>>>> = OnceLock::new();
    let gather = |layer: TamperLayer| (layer, (target_of(layer).dictionary)());
    let all = ALL.get_or_init(|| TamperLayer::ALL.into_iter().map(gather).collect());
    all.get(&layer).map_or(&[], Vec::as_slice)
}

/// The one edit that makes the second of the first; none if they are equal.
fn edits(before: &[u8], after: &[u8]) -> Vec<Edit> {
    let same =
        |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut before.iter().zip(after));
    let (rest, put) = (&before[head..], &after[head..]);
    let tail = same(&mut rest.iter().rev().zip(put.iter().rev()));
    let (cut, put) = (rest.len() - tail, &put[..put.len() - tail]);
    if cut == 0 && put.is_empty() {
        return Vec::new();
    }
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    vec![Edit { at: number(head), cut: number(cut), put: Hex(put.to_vec()), text: String::new() }]
}

/// A HEARTBEAT, which no capture has alone.
const HEARTBEAT: &[u8] = b"\x13\x88\x13\x88\0\0\0\x01\0\0\0\0\x04\0\0\x0c\0\x01\0\x08path";

/// What is injected if no message is copied, and what changed messages take parts from.
pub(super) fn templates(layer: TamperLayer) -> &'static [&'static [u8]] {
    macro_rules! seeds {
        ($($name:literal),* $(,)? $(; $other:expr)?) => {
            &[$($other,)? $(include_bytes!(concat!("../../../../../corpus/seeds/", $name)) as &[u8]),*]
        };
    }
    match layer {
        TamperLayer::Stun => seeds!(
            "stun/binding-request-15cae592.bin",
            "stun/binding-request-c9a04998.bin",
            "stun/binding-success-response-1ef3b94b.bin",
            "stun/binding-indication-d7664e81.bin",
            "stun/allocate-error-response-cabc7faa.bin",
        ),
        TamperLayer::Dtls => seeds!(
            "dtls-record/handshake-0c0ebe30.bin",
            "dtls-record/handshake-23c1ea9e.bin",
            "dtls-record/alert-4f65e694.bin",
            "dtls-record/change-cipher-spec-ae1afd4f.bin",
            "dtls-record/application-data-encrypted-125a3277.bin",
        ),
        TamperLayer::Sctp => seeds!(
            "sctp/abort-53c99b0a.bin",
            "sctp/cookie-ack-65431d09.bin",
            "sctp/cookie-echo-d3247219.bin",
            "sctp/data-0439ffe1.bin",
            "sctp/i-data-3bbe9659.bin",
            "sctp/init-40dc49a9.bin",
            "sctp/init-ack-0f109443.bin",
            "sctp/re-config-98e8e142.bin",
            "sctp/sack-98f2fbe4.bin",
            "sctp/sack-data-2a6a2c04.bin";
            HEARTBEAT
        ),
        TamperLayer::Message => seeds!("dcep/ack-26b25d45.bin", "dcep/open-6957ccca.bin"),
        TamperLayer::Sdp | TamperLayer::Candidate => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_makes_the_one_of_the_other() {
        for (before, after) in
            [("", ""), ("abc", "abc"), ("abc", ""), ("", "abc"), ("aXb", "aXXb"), ("abcd", "aYYd")]
        {
            let mut bytes = before.as_bytes().to_vec();
            let edits = edits(before.as_bytes(), after.as_bytes());
            edits.iter().for_each(|edit| edit.apply(&mut bytes));
            assert_eq!(bytes, after.as_bytes());
            assert_eq!(edits.is_empty(), before == after);
        }
    }
}
