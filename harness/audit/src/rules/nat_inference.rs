//! What a NAT does, as far as it shows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Event, Purpose};
use rtcspec_wire::stun::Class;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Sockets, and destinations of one, that are remembered.
const MOST: usize = 64;

static ABOUT: About = About {
    id: "nat.inference",
    level: Level::Note,
    cites: &[cite(4787, "4.1"), cite(4787, "4.3"), cite(4787, "5")],
    needs: &[Need::BothDirections],
    summary: "facts about NATs on the way: mapping, lifetime, candidates that cannot work",
    doc: "Reports what answers say about a socket: XOR-MAPPED-ADDRESS differs from it, so there is \
          a NAT; several destinations see one address (endpoint-independent mapping) or several \
          (the mapping depends on the destination); a mapping lived through a silence. A \
          server-reflexive candidate behind a NAT whose mapping depends on the destination can \
          not be reached at its address from elsewhere, which is said. These are facts, not \
          faults; each names the number of destinations it rests on. It holds where an answer \
          shows a socket as it is.",
    advice: "nothing is broken; behind such a NAT expect relayed or peer-reflexive pairs",
    holds: "the mapped address is the socket's own",
    breaks: "two destinations see two mapped addresses of one socket",
    silent: "no answer told of an address",
    hears: &[Hears::Stun],
    scope: Scope::Observer,
};

declare!(Inference, State);

#[derive(Debug, Default)]
struct State(BTreeMap<SocketAddr, Vec<Mapping>>);

#[derive(Debug)]
struct Mapping {
    destination: SocketAddr,
    mapped: SocketAddr,
    frame: u64,
    at: Duration,
    /// The longest time between two answers that showed the same mapping.
    silence: Duration,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::SuccessResponse, _)) = sight::stun(event) else { return };
        // What a relay does is not what a NAT does.
        if event.relay.is_some() || stun.purpose == Purpose::Other {
            return;
        }
        let (Some(mapped), Some(known)) = (stun.view.xor_mapped_address(), stun.transaction) else {
            return;
        };
        let socket = known.path.source;
        if mapped == socket {
            tally.hold();
            return;
        }
        if self.0.len() >= MOST && !self.0.contains_key(&socket) {
            return;
        }
        let destination = known.path.destination;
        let seen = self.0.entry(socket).or_default();
        let found =
            seen.iter_mut().find(|one| one.destination == destination && one.mapped == mapped);
        if let Some(one) = found {
            one.silence = one.silence.max(event.at.saturating_sub(one.at));
            one.at = event.at;
        } else if seen.len() < MOST {
            let silence = Duration::ZERO;
            seen.push(Mapping { destination, mapped, frame: event.number, at: event.at, silence });
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        for (socket, seen) in &self.0 {
            let frames: Vec<u64> = seen.iter().map(|one| one.frame).collect();
            let who = scene
                .book
                .candidates
                .iter()
                .find(|one| one.kind == "host" && one.address == Some(*socket))
                .map(|one| one.party);
            let spot = Spot { at: seen[0].at, who, frames: &frames };
            let first = seen[0].mapped;
            let same = seen.iter().all(|one| one.mapped == first);
            let count = seen.len();
            let fact = match (count, same) {
                (1, _) => format!("{socket} is seen as {first} (one destination)"),
                (_, true) => format!(
                    "{socket} is seen as {first} by {count} destinations: endpoint-independent"
                ),
                (_, false) => {
                    let addresses = format!("{first} and {}", other(seen, first));
                    format!("{socket} is seen as {addresses}: mapping varies with destination")
                }
            };
            let level = Level::Note;
            tally.find_as(level, ABOUT.cites[0], spot, "a fact, not a duty", fact);
            let silence = seen.iter().map(|one| one.silence).max().unwrap_or_default();
            if silence > Duration::from_secs(20) {
                let fact = format!("a mapping of {socket} lived through {} s", silence.as_secs());
                tally.find_as(level, ABOUT.cites[1], spot, "a fact, not a duty", fact);
            }
            let reflexive = scene.book.candidates.iter().any(|one| {
                one.kind == "srflx" && seen.iter().any(|seen| one.address == Some(seen.mapped))
            });
            if !same && reflexive {
                let fact = format!("the server-reflexive candidate of {socket} cannot be reached");
                tally.find_as(level, ABOUT.cites[0], spot, "a fact, not a duty", fact);
            }
        }
    }
}

fn other(seen: &[Mapping], first: SocketAddr) -> SocketAddr {
    seen.iter().map(|one| one.mapped).find(|mapped| *mapped != first).unwrap_or(first)
}
