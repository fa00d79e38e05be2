//! Both sides claim the same role (RFC 8445 §7.3.1.1).
//!
//! Once connected, the hostile side sends one check in the role of the peer under test. With the
//! peer as offerer and as answerer, and with a tie-breaker that is smaller, larger and equal, this
//! is every quadrant of the rule. The next check of the peer shows the role it has then.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Stun, Tamper};
use rtcspec_wire::stun::{AttributeType, View};

use crate::cases::log::{Check, Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::stun_craft::{Answer, CRAFTED, Craft, is_request};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// Leaves time for the next consent check, which shows the role (RFC 7675 §5.1: 4 to 6 s).
const LATE_PROBE: &str = r#"
[[do]]
after = "open + 8s"
send  = { from = "hostile", messages = 3, size = 100, every = "20ms" }

[[do]]
after = "open + 9s"
send  = { from = "tested", messages = 3, size = 100, every = "20ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#;

const CONFLICT: Case = Case {
    tests: &["RFC 8445 §7.3.1.1", "RFC 8445 §7.2.5.1"],
    layer: Layer::Ice,
    play: LATE_PROBE,
    ..Case::USUAL
};

pub(in crate::cases) const CONFLICT_ZERO: Case = Case {
    id: "ice/role-conflict-zero",
    title: "Role conflict with tie-breaker 0: the peer's is larger, so it settles the conflict",
    about: "0 is a tie-breaker like any other, and the smallest: a controlling peer answers 487, \
            a controlled one becomes controlling. libjuice#356 answered 400 instead.",
    make: || Box::new(Claim::with(|_| 0)),
    ..CONFLICT
};

pub(in crate::cases) const CONFLICT_LARGEST: Case = Case {
    id: "ice/role-conflict-largest",
    title: "Role conflict with the largest tie-breaker: the peer gives way",
    about: "A controlling peer becomes controlled, a controlled one answers 487 (str0m#950, \
            pion/ice#359 until 2025).",
    make: || Box::new(Claim::with(|_| u64::MAX)),
    ..CONFLICT
};

pub(in crate::cases) const CONFLICT_EQUAL: Case = Case {
    id: "ice/role-conflict-equal",
    title: "Role conflict with equal tie-breakers: as if the peer's were larger",
    about: "The rule says `larger than or equal`: a controlling peer answers 487, a controlled one \
            becomes controlling.",
    make: || Box::new(Claim::with(|own| own)),
    ..CONFLICT
};

/// Claims the peer's role once, and is silent about its own until the peer has shown its role.
struct Claim {
    tie_breaker: fn(u64) -> u64,
    waiting: bool,
}

impl Claim {
    fn with(tie_breaker: fn(u64) -> u64) -> Self {
        Self { tie_breaker, waiting: false }
    }
}

impl Tamper for Claim {
    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        // A check in this side's true role would settle the conflict anew.
        if self.waiting && is_request(&message) { Action::Drop } else { Action::Pass }
    }

    fn received_stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        self.waiting &= !is_request(&message);
        Action::Pass
    }
}

impl Hostile for Claim {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        self.waiting = true;
        let check = log.last_check();
        let claim = |check: Check<'_>| check.inject(claim(&check, log, self.tie_breaker));
        check.map(claim).into_iter().collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        judge(seen, &Answer::of(seen))
    }
}

const SETTLED: Duty = Duty {
    text: "RFC 8445 §7.3.1.1: of two agents in one role the one with the larger tie-breaker is \
           controlling; who is controlling already answers 487, who gives way answers success",
    expected: "487 from whoever keeps its role, success from whoever changes it",
};

const ROLE: Duty = Duty {
    text: "RFC 8445 §7.3.1.1: the next check carries the role the conflict left",
    expected: "the role attribute of the winner or loser",
};

/// The role and tie-breaker a check carries: whether controlling, and the number.
fn role(check: &View<'_>) -> Option<(bool, u64)> {
    let controlling = check.ice_controlling().map(|number| (true, number));
    controlling.or_else(|| check.ice_controlled().map(|number| (false, number)))
}

/// A check in the role of the peer under test, with a tie-breaker made from the peer's.
fn claim(check: &Check<'_>, log: &Log, tie_breaker: fn(u64) -> u64) -> Vec<u8> {
    let last = log.checks(Way::Received).filter_map(|(_, check)| role(&check)).next_back();
    let (controlling, own) = last.unwrap_or((false, 0));
    let ty =
        if controlling { AttributeType::ICE_CONTROLLING } else { AttributeType::ICE_CONTROLLED };
    let neutral = Craft::like(check)
        .without(AttributeType::ICE_CONTROLLING)
        .without(AttributeType::ICE_CONTROLLED)
        .without(AttributeType::USE_CANDIDATE);
    neutral.with(ty, &tie_breaker(own).to_be_bytes()).sealed(&check.key())
}

fn judge(seen: &Seen<'_>, answer: &Answer) -> Vec<Ruling> {
    let before = seen.checks(Way::Received).filter(|(at, _)| *at < seen.struck());
    let Some((controlling, own)) = before.filter_map(|(_, check)| role(&check)).next_back() else {
        return vec![SETTLED.fail("no check of the peer was seen")];
    };
    let mut crafted = seen.checks(Way::Sent).map(|(_, check)| check);
    let given = crafted
        .rfind(|check| check.transaction_id() == Some(CRAFTED))
        .and_then(|check| role(&check))
        .map_or(0, |(_, number)| number);
    // RFC 8445 §7.3.1.1: the larger or equal tie-breaker makes this agent the controlling one.
    let controlling_after = own >= given;
    let stays = controlling_after == controlling;
    let wanted = if stays { Answer::Error(487, Vec::new()) } else { Answer::Success };
    let mut rulings = vec![SETTLED.met(*answer == wanted, format!("{answer}; {wanted} is due"))];
    let mut after = seen.checks(Way::Received).filter(|(at, _)| *at > seen.struck());
    rulings.push(match after.find_map(|(_, check)| role(&check)) {
        Some((is_controlling, _)) => {
            let word = if is_controlling { "ICE-CONTROLLING" } else { "ICE-CONTROLLED" };
            ROLE.met(is_controlling == controlling_after, word)
        }
        None => ROLE.info("no further check was seen"),
    });
    rulings
}
