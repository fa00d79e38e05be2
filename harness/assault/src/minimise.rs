//! A finding made small: fewer sessions, fewer inputs, fewer bytes, each try over fresh sessions with
//! a fresh process.

use std::time::Instant;

use rtcspec_control::wall;
use rtcspec_fuzz::mutate::elements::Shape;

use crate::campaign::{Settings, replay};
use crate::cause::Kind;
use crate::input::{Input, Plan};
use crate::layer::Layer;
use crate::memory;
use crate::session::Seen;

/// Sessions of one kind by which a leak is judged.
pub(crate) const REPEAT: u32 = (memory::WARM_UP + memory::LEAST + 6) as u32;
/// Earlier sessions that are tried with the last one.
const EARLIER: usize = 12;
/// Inputs whose bytes are made fewer.
const FEW: usize = 3;

/// A finding as small as time allowed.
#[derive(Clone, Debug)]
pub(crate) struct Small {
    pub(crate) plans: Vec<Plan>,
    /// How often the plans are played.
    pub(crate) repeat: u32,
    /// Whether the plans show it again.
    pub(crate) reproduced: bool,
}

struct Search<'a> {
    settings: &'a Settings,
    seen: &'a Seen,
    repeat: u32,
    until: Instant,
}

/// Makes a finding small, which these sessions of one process ended with.
pub(crate) fn minimise(settings: &Settings, plans: &[Plan], seen: &Seen, repeat: u32) -> Small {
    let until = wall::now() + settings.minimise;
    let search = Search { settings, seen, repeat, until };
    let last = plans[plans.len().saturating_sub(1)..].to_vec();
    let all = plans[plans.len().saturating_sub(EARLIER)..].to_vec();
    let tries = [&last, &last, &all];
    let Some(begin) = tries.into_iter().find(|plans| search.shows(plans)).cloned() else {
        return Small { plans: all, repeat, reproduced: false };
    };
    let mut plans = search.fewer_sessions(begin);
    for at in 0..plans.len() {
        search.fewer_inputs(&mut plans, at);
    }
    if seen.kind != Kind::Leak && plans.iter().map(|plan| plan.inputs.len()).sum::<usize>() <= FEW {
        search.fewer_bytes(&mut plans);
    }
    Small { plans, repeat, reproduced: true }
}

impl Search<'_> {
    fn shows(&self, plans: &[Plan]) -> bool {
        if wall::now() > self.until {
            return false;
        }
        let seen = replay(&self.settings.launch, self.settings.ground, plans, self.repeat);
        seen.is_ok_and(|seen| seen.iter().any(|other| other.is_like(self.seen)))
    }

    /// Sessions at the end alone, then without one after the other.
    fn fewer_sessions(&self, mut plans: Vec<Plan>) -> Vec<Plan> {
        let mut at = 0;
        while plans.len() > 1 && at < plans.len() {
            let mut fewer = plans.clone();
            fewer.remove(at);
            if self.shows(&fewer) {
                plans = fewer;
            } else {
                at += 1;
            }
        }
        plans
    }

    /// The last inputs alone, then without ever smaller parts.
    fn fewer_inputs(&self, plans: &mut [Plan], at: usize) {
        let mut try_with = |inputs: Vec<Input>| {
            let kept = std::mem::replace(&mut plans[at].inputs, inputs);
            let shows = self.shows(plans);
            if !shows {
                plans[at].inputs = kept;
            }
            (shows, plans[at].inputs.clone())
        };
        let (none, mut inputs) = try_with(Vec::new());
        if none {
            return;
        }
        let mut tail = 1;
        while tail < inputs.len() {
            let (shows, now) = try_with(inputs[inputs.len() - tail..].to_vec());
            inputs = now;
            if shows {
                break;
            }
            tail *= 2;
        }
        let mut part = inputs.len().div_ceil(2);
        while part > 0 && inputs.len() > 1 {
            let mut from = 0;
            while from < inputs.len() && inputs.len() > 1 {
                let mut fewer = inputs.clone();
                fewer.drain(from..(from + part).min(fewer.len()));
                let (shows, now) = try_with(fewer);
                inputs = now;
                from += if shows { 0 } else { part };
            }
            part /= 2;
        }
    }

    /// Without elements of the format, then without ever smaller pieces.
    fn fewer_bytes(&self, plans: &mut Vec<Plan>) {
        for session in 0..plans.len() {
            for input in 0..plans[session].inputs.len() {
                let layer = plans[session].inputs[input].layer;
                let parts = split(layer, &plans[session].inputs[input].bytes);
                self.fewer_parts(plans, session, input, parts);
                self.fewer_pieces(plans, session, input);
            }
        }
    }

    fn fewer_pieces(&self, plans: &mut Vec<Plan>, session: usize, input: usize) {
        let bytes = plans[session].inputs[input].bytes.iter().map(|byte| vec![*byte]).collect();
        self.fewer_parts(plans, session, input, bytes);
    }

    /// Takes away ever shorter rows of parts.
    fn fewer_parts(
        &self,
        plans: &mut Vec<Plan>,
        session: usize,
        input: usize,
        mut parts: Vec<Vec<u8>>,
    ) {
        let mut row = parts.len().div_ceil(2);
        while row > 0 {
            let mut at = 0;
            while at < parts.len() {
                let mut fewer = parts.clone();
                fewer.drain(at..(at + row).min(fewer.len()));
                if self.shows_with(plans, session, input, fewer.concat()) {
                    parts = fewer;
                } else {
                    at += row;
                }
            }
            row /= 2;
        }
    }

    fn shows_with(
        &self,
        plans: &mut Vec<Plan>,
        session: usize,
        input: usize,
        bytes: Vec<u8>,
    ) -> bool {
        let mut tried = plans.clone();
        tried[session].inputs[input].bytes = bytes;
        let shows = self.shows(&tried);
        if shows {
            *plans = tried;
        }
        shows
    }
}

/// A message in the elements of its format, the header first; put together they are the message.
fn split(layer: Layer, bytes: &[u8]) -> Vec<Vec<u8>> {
    let (header, shape) = match layer {
        Layer::Stun => (20, Shape::ATTRIBUTE),
        Layer::Sctp => (12, Shape::CHUNK),
        Layer::Dtls => (0, Shape::RECORD),
        Layer::Rtcp => (0, Shape::RTCP),
        Layer::Sdp => {
            return bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        }
        Layer::Dcep | Layer::Rtp | Layer::Candidate => return vec![bytes.to_vec()],
    };
    let (head, body) = bytes.split_at(header.min(bytes.len()));
    let mut parts = vec![head.to_vec()];
    for element in shape.elements(body) {
        let mut element = element.to_vec();
        element.resize(element.len().next_multiple_of(shape.align), 0);
        parts.push(element);
    }
    parts
}
