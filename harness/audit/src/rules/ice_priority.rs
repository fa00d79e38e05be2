//! PRIORITY of connectivity checks.

use rtcspec_trace::watch::Event;

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// RFC 8445 §5.1.2.2: recommended type preference of peer-reflexive candidates.
const PEER_REFLEXIVE: u32 = 110;

static ABOUT: About = About {
    id: "ice.priority",
    level: Level::Violation,
    cites: &[cite(8445, "7.1.1"), cite(8445, "5.1.2.1"), cite(8445, "5.1.2.2")],
    needs: &[],
    summary: "a check carries the priority a peer-reflexive candidate of its base would have",
    doc: "Fires when PRIORITY is missing, or its type preference is the one that the sender's own \
          signalled candidates of another type have: types must have different preferences \
          (RFC 8445 §5.1.2.1), so that it cannot be that of peer-reflexive ones. A preference that \
          is neither that nor the recommended 110 is a note. Local preference is free.",
    advice: "compute PRIORITY anew with type preference 110",
    holds: "PRIORITY 1862270975, type preference 110",
    breaks: "PRIORITY of the host candidate, type preference 126",
    silent: "there is no connectivity check",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Priority, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some(stun) = sight::check(event) else { return };
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let Some(priority) = stun.view.priority() else {
            return tally.find(spot, "PRIORITY", "a check without it");
        };
        let preference = priority >> 24;
        if preference == PEER_REFLEXIVE {
            return tally.hold();
        }
        let taken = event.from.party().and_then(|party| taken(scene.book, party, preference));
        if let Some(kind) = taken {
            let seen = format!("type preference {preference}, that of its {kind} candidates");
            tally.find(spot, "that of peer-reflexive candidates", seen);
        } else {
            let seen = format!("type preference {preference}");
            let cite = ABOUT.cites[2];
            tally.find_as(Level::Note, cite, spot, "the recommended 110", seen);
        }
    }
}

/// Which other type of a side's UDP candidates has this preference.
fn taken(book: &Book, party: rtcspec_trace::Party, preference: u32) -> Option<&str> {
    let mut own = book.candidates.iter().filter(|candidate| {
        candidate.party == party && !candidate.tcp && candidate.kind != "prflx"
    });
    own.find(|candidate| candidate.priority >> 24 == preference)
        .map(|candidate| candidate.kind.as_str())
}
