//! The header of a STUN message.

use rtcspec_trace::watch::{Event, Kind};

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "stun.header",
    level: Level::Violation,
    cites: &[cite(8489, "5"), cite(8489, "11"), cite(8489, "14")],
    needs: &[],
    summary: "a STUN message has the magic cookie, a true length, and attributes within it",
    doc: "Fires when a datagram whose first byte says STUN has another cookie than 0x2112A442, a \
          length that is no multiple of four or not that of the datagram without its header, or \
          attributes that overrun it. A message of RFC 3489, which has no cookie, is a note; a \
          single byte is a keepalive and none of this rule's business. On TCP the framing is taken \
          off first.",
    advice: "dump the message; a wrong length is mostly that of a message without its padding",
    holds: "a Binding request of 20 + 4n bytes",
    breaks: "a Binding request whose length field is two short",
    silent: "there is no STUN",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Header, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Stun(stun) = &event.kind else { return };
        if stun.view.as_bytes().len() < 2 {
            return;
        }
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match stun.view.check() {
            Ok(()) => tally.hold(),
            Err(_) if stun.view.is_classic() => {
                let seen = "no magic cookie, else well-formed: classic STUN (RFC 3489)";
                tally.find_as(Level::Note, ABOUT.cites[1], spot, "cookie 0x2112A442", seen);
            }
            Err(defect) => tally.find(spot, "a well-formed message", defect.to_string()),
        }
    }
}
