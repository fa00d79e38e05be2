//! Role conflicts.

use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Path, Stun};
use rtcspec_wire::stun::{Class, ErrorCode};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Checks that are remembered for an answer of 487.
const MOST: usize = 64;
/// What both sides may send before they can know of each other's role.
const PATIENCE: u32 = 6;

static ABOUT: About = About {
    id: "ice.role-conflict",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.5.1"), cite(8445, "7.3.1.1")],
    needs: &[Need::BothDirections],
    summary: "a 487 switches the role and the tie-breaker, and two equal roles end in one",
    doc: "Fires when the next check of a pair, after a 487 to a check of it, keeps the role or the \
          tie-breaker, or when both sides go on in the same role although they answer each \
          other's checks. Checks under way while the 487 travels are not judged: twice the time \
          the 487 took is granted. The winner by tie-breaker switches nothing.",
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
    /// Role of each side, and its checks since the roles became equal.
    roles: [Option<bool>; 2],
    equal: [u32; 2],
    frames: [u64; 2],
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if let Some(stun) = sight::new_check(event) {
            return self.check(event, stun, tally);
        }
        let Some((stun, Class::ErrorResponse, _)) = sight::stun(event) else { return };
        let code = stun.view.error_code().map(|code| code.code());
        let Some(known) = stun.transaction.filter(|_| code == Some(ErrorCode::ROLE_CONFLICT))
        else {
            return;
        };
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

    fn end(&mut self, _: &Scene<'_>, tally: &mut Tally) {
        if self.equal.iter().all(|checks| *checks > PATIENCE) {
            let role = if self.roles[0] == Some(true) { "controlling" } else { "controlled" };
            let spot = Spot { frames: &self.frames, ..Spot::default() };
            let seen = format!("both sides stay {role}, and nobody answers 487");
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
        let index = usize::from(who == Party::B);
        self.roles[index] = Some(controlling);
        self.frames[index] = event.number;
        if self.roles[0].is_some() && self.roles[0] == self.roles[1] {
            self.equal[index] += 1;
        } else {
            if self.equal != [0; 2] {
                tally.hold();
            }
            self.equal = [0; 2];
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
