//! ICE-CONTROLLING and ICE-CONTROLLED.

use rtcspec_trace::watch::Event;
use rtcspec_wire::stun::{AttributeType, Class, ErrorCode};

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight::{self, index};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "ice.role-attribute",
    level: Level::Violation,
    cites: &[cite(8445, "7.1.3"), cite(8445, "16.1")],
    needs: &[],
    summary: "a check says one role, with a tie-breaker that stays the same",
    doc: "Fires when a check has neither or both of ICE-CONTROLLING and ICE-CONTROLLED, or when a \
          side's tie-breaker changes without a 487 to it and without an ICE restart (told by the \
          sender's ufrag). Each ICE session has a tie-breaker of its own. A check that is sent \
          again has that of its first sending, whatever came between.",
    advice: "one attribute by role; draw the tie-breaker once per session, and after a 487",
    holds: "every check has ICE-CONTROLLING with the same number",
    breaks: "a check with neither attribute",
    silent: "there is no connectivity check",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(RoleAttribute, State);

#[derive(Debug, Default)]
struct State([Option<Known>; 2]);

#[derive(Debug)]
struct Known {
    ufrag: String,
    tie_breaker: u64,
    frame: u64,
    /// It was told of a conflict, and may draw anew.
    excused: bool,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Some(stun) = sight::check(event) {
            return self.check(event, stun, tally);
        }
        let Some((stun, Class::ErrorResponse, _)) = sight::stun(event) else { return };
        let conflict =
            stun.view.error_code().is_some_and(|code| code.code() == ErrorCode::ROLE_CONFLICT);
        if let Some(party) = event.from.party()
            && conflict
            && let Some(known) = &mut self.0[index(party.other())]
        {
            known.excused = true;
        }
    }
}

impl State {
    fn check(
        &mut self,
        event: &Event<'_>,
        stun: &rtcspec_trace::watch::Stun<'_>,
        tally: &mut Tally,
    ) {
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let both = stun.view.has(AttributeType::ICE_CONTROLLING)
            && stun.view.has(AttributeType::ICE_CONTROLLED);
        let Some(tie_breaker) = sight::tie_breaker(stun).filter(|_| !both) else {
            let seen = if both { "a check with both" } else { "a check with neither" };
            return tally.find(spot, "ICE-CONTROLLING or ICE-CONTROLLED", seen);
        };
        let (Some(party), Some(name)) = (event.from.party(), &stun.username) else {
            return tally.hold();
        };
        if sight::new_check(event).is_none() {
            return tally.hold();
        }
        let slot = &mut self.0[index(party)];
        match slot {
            Some(known) if known.ufrag == name.sender => {
                if known.tie_breaker != tie_breaker && !known.excused {
                    let frames = [known.frame, event.number];
                    let spot = Spot { frames: &frames, ..spot };
                    let seen = "another tie-breaker, without a 487 or a restart";
                    let cite = ABOUT.cites[1];
                    tally.find_as(Level::Violation, cite, spot, "one number per session", seen);
                } else {
                    tally.hold();
                }
                if known.tie_breaker != tie_breaker {
                    known.excused = false;
                }
                (known.tie_breaker, known.frame) = (tie_breaker, event.number);
            }
            _ => {
                let ufrag = name.sender.to_owned();
                *slot = Some(Known { ufrag, tie_breaker, frame: event.number, excused: false });
                tally.hold();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::{Trial, a, b, check, refusal, success};

    const ID: &str = "ice.role-attribute";

    #[test]
    fn a_check_that_is_sent_again_after_a_487_has_the_tie_breaker_it_had() {
        let mut trial = Trial::default();
        let other = check(2, "bbbb:aaaa", true, 5);
        trial.stun(0, (a(5000), b(6000)), &check(1, "bbbb:aaaa", true, 5));
        trial.stun(50, (a(5000), b(6001)), &other);
        trial.stun(60, (b(6000), a(5000)), &refusal(1, 487));
        trial.stun(110, (a(5000), b(6000)), &check(3, "bbbb:aaaa", false, 9));
        trial.stun(130, (b(6000), a(5000)), &success(3, a(5000)));
        trial.stun(550, (a(5000), b(6001)), &other);
        trial.stun(600, (a(5000), b(6000)), &check(4, "bbbb:aaaa", false, 9));
        assert_eq!(trial.of(ID), (Vec::new(), 5));
    }

    #[test]
    fn another_number_without_a_487_is_a_fault() {
        let mut trial = Trial::default();
        trial.stun(0, (a(5000), b(6000)), &check(1, "bbbb:aaaa", true, 5));
        trial.stun(50, (a(5000), b(6000)), &check(2, "bbbb:aaaa", true, 6));
        let seen = "another tie-breaker, without a 487 or a restart".to_owned();
        assert_eq!(trial.seen_by(ID), [(seen, vec![1, 2])]);
    }
}
