//! MESSAGE-INTEGRITY of connectivity checks.

use rtcspec_trace::watch::{Event, Integrity, Purpose};
use rtcspec_wire::stun::Class;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "stun.integrity",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.2"), cite(8445, "7.3"), cite(8489, "14.5")],
    needs: &[Need::Signalling],
    summary: "connectivity checks and their answers are signed with the receiver's password",
    doc: "Fires when a check or its success answer has no MESSAGE-INTEGRITY, or one that the \
          password of the request's receiver does not verify; the finding tells whether the \
          sender's own password fits instead. The password comes from the signalling, without it \
          only absence is found. Error answers may be unsigned: whoever could not authenticate a \
          request cannot sign.",
    advice: "sign requests with the password in the other side's description, answers with one's \
             own, and set the length before hashing to where the attribute ends",
    holds: "request and answer signed with the answerer's password",
    breaks: "a check signed with the sender's own password",
    silent: "no connectivity check could be verified",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(IntegrityRule, State);

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
            Class::SuccessResponse => (ABOUT.cites[1], "a success answer"),
            Class::ErrorResponse | Class::Indication => return,
        };
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match stun.integrity {
            Integrity::Verified { .. } => tally.hold(),
            Integrity::Unknown => {}
            Integrity::Absent => {
                let seen = format!("{what} without MESSAGE-INTEGRITY");
                tally.find_as(Level::Violation, cite, spot, "MESSAGE-INTEGRITY", seen);
            }
            Integrity::Bad { fits } => {
                let instead = match fits {
                    Some(side) => format!(", the password of {side} does"),
                    None => String::new(),
                };
                let seen = format!("{what} that the receiver's password does not verify{instead}");
                let expected = "an HMAC under the password of the request's receiver";
                tally.find_as(Level::Violation, cite, spot, expected, seen);
            }
        }
    }
}
