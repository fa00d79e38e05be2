//! Who may nominate.

use rtcspec_trace::watch::Event;
use rtcspec_wire::stun::AttributeType;

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "ice.use-candidate-role",
    level: Level::Violation,
    cites: &[cite(8445, "7.1.2"), cite(8445, "16.1")],
    needs: &[],
    summary: "only the controlling side sends USE-CANDIDATE, and it is empty",
    doc: "Fires when a check with USE-CANDIDATE says ICE-CONTROLLED, or when USE-CANDIDATE has a \
          value.",
    advice: "leave nomination to the controlling side; write length 0",
    holds: "the controlling side nominates",
    breaks: "a check with ICE-CONTROLLED and USE-CANDIDATE",
    silent: "no check has USE-CANDIDATE",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(UseCandidateRole, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some(stun) = sight::check(event) else { return };
        let Some(value) = stun.view.value(AttributeType::USE_CANDIDATE) else { return };
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        if sight::controlling(stun) == Some(false) {
            tally.find(spot, "nomination by the controlling side", "it is from the controlled one");
        } else if !value.is_empty() {
            let seen = format!("USE-CANDIDATE of {} bytes", value.len());
            tally.find_as(Level::Violation, ABOUT.cites[1], spot, "length 0", seen);
        } else {
            tally.hold();
        }
    }
}
