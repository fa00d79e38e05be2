//! Role conflicts.

use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Path, Stun, Transaction};
use rtcspec_wire::stun::{Class, ErrorCode};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight::{self, index};
use crate::tally::{Spot, Tally};

/// Checks that are remembered for an answer of 487.
const MOST: usize = 64;
/// Checks of each side that may be answered before both can know of each other's role.
const PATIENCE: u32 = 6;

static ABOUT: About = About {
    id: "ice.role-conflict",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.5.1"), cite(8445, "7.3.1.1")],
    needs: &[Need::BothDirections, Need::Times],
    summary: "a 487 switches the role and the tie-breaker, and two equal roles end in one",
    doc: "Fires when the next check of a pair, after a 487 to a check of it, keeps the role or the \
          tie-breaker, or when both sides go on in the same role and answer each other's checks \
          with success. Checks under way while the 487 travels are not judged: twice the time the \
          487 took is granted. The winner by tie-breaker switches nothing.",
    advice: "on 487: switch role, draw a new tie-breaker, check the pair again",
    holds: "controlling gets 487 and goes on as controlled with another tie-breaker",
    breaks: "a check after a 487 keeps its role",
    silent: "there was no role conflict",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(RoleConflict, State);

#[derive(Clone, Copy, Debug)]
struct Sent {
    who: Party,
    path: Path,
    controlling: bool,
    tie_breaker: u64,
    frame: u64,
}

#[derive(Debug)]
struct Conflict {
    sent: Sent,
    answer: u64,
    /// From when on the sender must have heard.
    after: Duration,
}

#[derive(Debug, Default)]
struct State {
    sent: Vec<Sent>,
    open: Vec<Conflict>,
    /// Role of each side, and its checks that were answered since the roles became equal.
    roles: [Option<bool>; 2],
    equal: [u32; 2],
    frames: [u64; 2],
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Some(stun) = sight::new_check(event) {
            return self.check(event, stun, tally);
        }
        let Some((stun, class, _)) = sight::stun(event) else { return };
        let Some(known) = stun.transaction else { return };
        let code = stun.view.error_code().map(|code| code.code());
        if class == Class::SuccessResponse {
            self.answered(&known);
        } else if class == Class::ErrorResponse && code == Some(ErrorCode::ROLE_CONFLICT) {
            self.refused(event, &known);
        }
    }

    fn end(&mut self, _: &Scene<'_>, tally: &mut Tally) {
        if self.equal.iter().all(|checks| *checks > PATIENCE) {
            let role = if self.roles[0] == Some(true) { "controlling" } else { "controlled" };
            let spot = Spot { frames: &self.frames, ..Spot::default() };
            let seen = format!("both sides stay {role}, and answer each other with success");
            let cite = ABOUT.cites[1];
            tally.find_as(Level::Violation, cite, spot, "the conflict is repaired", seen);
        }
    }
}

impl State {
    fn check(&mut self, event: &Event<'_>, stun: &Stun<'_>, tally: &mut Tally) {
        let (Some(who), Some(controlling), Some(tie_breaker)) =
            (event.from.party(), sight::controlling(stun), sight::tie_breaker(stun))
        else {
            return;
        };
        let sent = Sent { who, path: event.inner, controlling, tie_breaker, frame: event.number };
        self.judge(event, sent, tally);
        if self.sent.len() >= MOST {
            self.sent.remove(0);
        }
        self.sent.push(sent);
        self.roles[index(who)] = Some(controlling);
        if self.roles[0] != self.roles[1] {
            if self.equal != [0; 2] {
                tally.hold();
            }
            self.equal = [0; 2];
        }
    }

    /// A check was answered with success.
    fn answered(&mut self, known: &Transaction) {
        let sent = self.sent.iter().find(|sent| sent.frame == known.first_number);
        let Some(sent) = sent.filter(|_| known.answers == 1) else { return };
        if self.roles == [Some(sent.controlling); 2] {
            self.equal[index(sent.who)] += 1;
            self.frames[index(sent.who)] = sent.frame;
        }
    }

    /// A check was answered with 487.
    fn refused(&mut self, event: &Event<'_>, known: &Transaction) {
        self.equal = [0; 2];
        let sent = self.sent.iter().find(|sent| sent.frame == known.first_number).copied();
        if let Some(sent) = sent
            && self.open.len() < MOST
        {
            let took = event.at.saturating_sub(known.first_at);
            let after = event.at + 2 * took + Duration::from_millis(2);
            self.open.push(Conflict { sent, answer: event.number, after });
        }
    }

    fn judge(&mut self, event: &Event<'_>, sent: Sent, tally: &mut Tally) {
        let due = |open: &Conflict| {
            open.sent.who == sent.who && open.sent.path == sent.path && event.at >= open.after
        };
        let Some(at) = self.open.iter().position(due) else { return };
        let conflict = self.open.remove(at);
        let frames = [conflict.sent.frame, conflict.answer, event.number];
        let spot = Spot::of(event, &frames);
        if sent.controlling == conflict.sent.controlling {
            tally.find(spot, "the other role after a 487", "the next check keeps its role");
        } else if sent.tie_breaker == conflict.sent.tie_breaker {
            tally.find(spot, "a new tie-breaker after a 487", "the same tie-breaker");
        } else {
            tally.hold();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::{Trial, a, b, check, success};

    const ID: &str = "ice.role-conflict";

    fn both_controlling(answered: bool) -> Vec<(String, Vec<u64>)> {
        let mut trial = Trial::default();
        for nth in 0..8 {
            let (at, [one, other]) = (100 * nth, [trial.id(), trial.id()]);
            trial.stun(at, (a(5000), b(6000)), &check(one, "bbbb:aaaa", true, 5));
            trial.stun(at + 50, (b(6000), a(5000)), &check(other, "aaaa:bbbb", true, 6));
            if answered {
                trial.stun(at + 60, (b(6000), a(5000)), &success(one, a(5000)));
                trial.stun(at + 70, (a(5000), b(6000)), &success(other, b(6000)));
            }
        }
        trial.seen_by(ID)
    }

    #[test]
    fn checks_that_do_not_arrive_are_no_conflict() {
        assert!(both_controlling(false).is_empty());
        let seen = "both sides stay controlling, and answer each other with success".to_owned();
        assert_eq!(both_controlling(true), [(seen, vec![29, 30])]);
    }
}
