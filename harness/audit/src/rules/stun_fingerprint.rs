//! FINGERPRINT of connectivity checks.

use rtcspec_trace::watch::{Event, Purpose};
use rtcspec_wire::stun::{Class, Fingerprint as Print};

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "stun.fingerprint",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.4"), cite(8445, "7.3"), cite(8489, "14.7")],
    needs: &[],
    summary: "connectivity checks and their answers end with a right FINGERPRINT",
    doc: "Fires when a connectivity check or its answer has no FINGERPRINT, has something after \
          it, or has one whose CRC-32 is another. A check must use the mechanism (RFC 8445 §7.2.4) \
          and so must the agent that answers (§7.3). A missing one in an error answer is a \
          warning. Requests to STUN servers are no checks.",
    advice: "add FINGERPRINT last, over everything before it, with the length that counts it",
    holds: "a check with MESSAGE-INTEGRITY and then FINGERPRINT",
    breaks: "a check without FINGERPRINT",
    silent: "there is no connectivity check",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Fingerprint, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, class, _)) = sight::stun(event) else { return };
        if stun.purpose != Purpose::Check {
            return;
        }
        let (cite, what) = match class {
            Class::Request => (ABOUT.cites[0], "a check"),
            Class::Indication => return,
            _ => (ABOUT.cites[1], "an answer to a check"),
        };
        let (cite, fault) = match stun.fingerprint {
            Print::Valid => return tally.hold(),
            Print::Absent => (cite, "without FINGERPRINT"),
            Print::Invalid => (ABOUT.cites[2], "whose FINGERPRINT does not fit it"),
            Print::NotLast => (ABOUT.cites[2], "whose FINGERPRINT is not last"),
        };
        let lenient = class == Class::ErrorResponse && stun.fingerprint == Print::Absent;
        let level = if lenient { Level::Warning } else { Level::Violation };
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let seen = format!("{what} {fault}");
        tally.find_as(level, cite, spot, "FINGERPRINT, right and last", seen);
    }
}
