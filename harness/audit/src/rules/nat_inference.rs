//! What a NAT does, as far as it shows.

use std::time::Duration;

use rtcspec_trace::nat::{Inference, NatSeen};
use rtcspec_trace::watch::{Event, Purpose};
use rtcspec_wire::stun::Class;

use crate::book::Candidate;
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

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

declare!(NatInference, State);

#[derive(Debug, Default)]
struct State {
    inference: Inference,
    /// When an answer first told of a NAT.
    first: Option<Duration>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::SuccessResponse, _)) = sight::stun(event) else { return };
        // What a relay does is not what a NAT does.
        if event.relay.is_some() || stun.purpose == Purpose::Other {
            return;
        }
        let Some(mapped) = stun.view.xor_mapped_address() else { return };
        if mapped == event.outer.destination {
            tally.hold();
        } else if sight::near(event.outer.source.ip(), event.outer.destination.ip()) {
            // Within one network there is no NAT to speak of, whatever the answer says.
            return;
        } else {
            self.first.get_or_insert(event.at);
        }
        self.inference.hear(event);
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        let at = self.first.unwrap_or_default();
        for nat in std::mem::take(&mut self.inference).finish() {
            let host = |one: &&Candidate| {
                one.kind == "host" && one.address.is_some_and(|at| nat.inside.contains(&at.ip()))
            };
            let who = scene.book.candidates.iter().find(host).map(|one| one.party);
            let fact = |tally: &mut Tally, cite, frames: &[u64], words: String| {
                let spot = Spot { at, who, frames };
                tally.find_as(Level::Note, cite, spot, "a fact, not a duty", words);
            };
            let proofs = nat.mapping.proofs.iter().flat_map(|proof| proof.frames.iter().copied());
            let mut frames: Vec<u64> =
                proofs.chain(nat.mappings.iter().map(|one| one.number)).collect();
            frames.sort_unstable();
            frames.dedup();
            fact(tally, ABOUT.cites[0], &frames, boxed(&nat));
            if let Some((silence, proof)) =
                nat.kept.as_ref().filter(|(silence, _)| *silence > Duration::from_secs(20))
            {
                let words = format!("a mapping lived through {} s", silence.as_secs());
                fact(tally, ABOUT.cites[1], &proof.frames, words);
            }
            for lost in &nat.unusable {
                let signalled = scene
                    .book
                    .candidates
                    .iter()
                    .any(|one| one.kind == "srflx" && one.address == Some(lost.learnt));
                if signalled {
                    let words = format!(
                        "the server-reflexive candidate {} cannot be reached: {} is {} towards {}",
                        lost.learnt, lost.internal, lost.used, lost.towards
                    );
                    fact(tally, ABOUT.cites[0], &[lost.number], words);
                }
            }
        }
    }
}

/// `10.1.0.2 is behind 203.0.113.2: mapping endpoint-independent (2 destinations, 2 addresses)`.
fn boxed(nat: &NatSeen) -> String {
    let list = |addresses: &[std::net::IpAddr]| {
        addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    };
    format!(
        "{} is behind {}: mapping {}, ports {} ({} destination{}, {} address{})",
        list(&nat.inside),
        list(&nat.outside),
        nat.mapping,
        nat.ports,
        nat.destinations,
        if nat.destinations == 1 { "" } else { "s" },
        nat.destination_addresses,
        if nat.destination_addresses == 1 { "" } else { "es" }
    )
}
