//! Answers from where the request went.

use rtcspec_trace::watch::{Event, Kind, Path, Purpose};
use rtcspec_wire::stun::Class;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Asymmetric pairs that are remembered.
const MOST: usize = 32;

static ABOUT: About = About {
    id: "ice.symmetric-answer",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.5.2.1")],
    needs: &[Need::BothDirections],
    summary: "a pair whose check was answered from or to another address is not used",
    doc: "Fires when a check's only success answer came from another address than the check went \
          to, or went to another than it came from, and the sender of the check nominates the \
          pair or sends DTLS on it all the same. Both are compared at one point, where the \
          observer is; a NAT between it and the other agent changes both alike.",
    advice: "compare both addresses of the answer with those of the request, and fail the pair",
    holds: "the answer comes back on the same 5-tuple",
    breaks: "the answer comes from another port, and the pair is nominated",
    silent: "no check was answered with success",
    hears: &[Hears::Stun, Hears::Record],
    scope: Scope::Observer,
};

declare!(SymmetricAnswer, State);

#[derive(Debug, Default)]
struct State(Vec<(Path, [u64; 2])>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if matches!(event.kind, Kind::Record(_)) {
            return self.used(event, "DTLS", tally);
        }
        let Some((stun, class, _)) = sight::stun(event) else { return };
        let Some(known) = stun.transaction.filter(|_| stun.purpose == Purpose::Check) else {
            return;
        };
        if class == Class::Request && known.use_candidate && known.requests <= 1 {
            self.used(event, "USE-CANDIDATE", tally);
        } else if class == Class::SuccessResponse {
            if event.inner == known.path.reversed() {
                self.0.retain(|(path, _)| *path != known.path);
                tally.hold();
            } else if self.0.len() < MOST {
                self.0.push((known.path, [known.last_number, event.number]));
            }
        }
    }
}

impl State {
    fn used(&mut self, event: &Event<'_>, what: &str, tally: &mut Tally) {
        let Some(at) = self.0.iter().position(|(path, _)| *path == event.inner) else { return };
        let (_, [request, answer]) = self.0.remove(at);
        let frames = [request, answer, event.number];
        let seen = format!("{what} on a pair whose check was answered asymmetrically");
        tally.find(Spot::of(event, &frames), "the pair fails", seen);
    }
}
