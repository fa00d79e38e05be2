//! Consent to be sent to (RFC 7675).

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Stun, Tamper};
use rtcspec_wire::stun::{Class, View};

use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// Data both ways all the time: consent must not be taken from it.
const TRAFFIC: &str = r#"
[[do]]
after  = "open"
stream = { name = "from-tested", from = "tested", rate = "5/s", size = 100 }

[[do]]
after  = "open"
stream = { name = "from-hostile", from = "hostile", rate = "5/s", size = 100 }

[[expect]]
connected = { within = "10s" }
"#;

pub(in crate::cases) const CONSENT_WITHHELD: Case = Case {
    id: "ice/consent-withheld",
    title: "Checks are no longer answered while data still comes: silence within 30 s",
    about: "Half a second after the channel opened the hostile side stops answering checks; its \
            own checks and data go on. Only answers are consent, so the peer must stop sending 30 \
            seconds after the last one. KVS-SDK#759 never stopped.",
    tests: &["RFC 7675 §5.1"],
    layer: Layer::Consent,
    limit: "60s",
    to_the_limit: true,
    play: TRAFFIC,
    make: || Box::new(Withhold { from: None }),
    ..Case::USUAL
};

struct Withhold {
    from: Option<Duration>,
}

impl Tamper for Withhold {
    fn stun(&mut self, now: Duration, message: Stun<'_>) -> Action {
        let kind = View::new(message.bytes).message_type();
        let answers = kind.is_some_and(|kind| kind.class == Class::SuccessResponse);
        let withheld = self.from.is_some_and(|from| from <= now);
        if answers && withheld { Action::Drop } else { Action::Pass }
    }
}

const EXPIRY: Duty = Duty {
    text: "RFC 7675 §5.1: consent expires 30 s after the last valid answer, and with it every \
           right to send data",
    expected: "the last data at most 30 s after the last answer",
};

/// Two ways through the network, and a timer's grain.
const SLACK: Duration = Duration::from_millis(500);

impl Hostile for Withhold {
    fn strike(&mut self, now: Duration, _: &Log) -> Vec<Injection> {
        self.from = Some(now);
        Vec::new()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let answers = seen.stun(Way::Sent).filter(|(_, view)| {
            view.message_type().is_some_and(|kind| kind.class == Class::SuccessResponse)
        });
        let last = |times: Option<Duration>| times.unwrap_or_default();
        let last_answer = last(answers.map(|(at, _)| at).next_back());
        let last_data = last(seen.dtls(Way::Received).map(|(at, _)| at).next_back());
        let after = last_data.saturating_sub(last_answer);
        let actual = format!("{:.1} s after it", after.as_secs_f64());
        let limit = Duration::from_secs(30) + SLACK;
        vec![match after {
            after if after > limit => EXPIRY.fail(actual),
            // Lost checks are no refusal: a stack that gives up early loses sessions.
            after if after < Duration::from_secs(20) => EXPIRY.info(actual),
            _ => EXPIRY.pass(actual),
        }]
    }
}

pub(in crate::cases) const CONSENT_CHECKED: Case = Case {
    id: "ice/consent-checked",
    title: "Consent is asked for every 4 to 6 s, even while data flows",
    about: "Nothing is wrong here, for 40 seconds. Data in either direction is no consent, so \
            checks must go on; stacks that let data stand in for them lose the path without \
            noticing (pion/ice#767, webrtc-rs/rtc#86, werift#649).",
    tests: &["RFC 7675 §5.1"],
    layer: Layer::Consent,
    limit: "40s",
    to_the_limit: true,
    play: TRAFFIC,
    make: || Box::new(Watching),
    ..Case::USUAL
};

struct Watching;

impl Tamper for Watching {}

const PERIOD: Duty = Duty {
    text: "RFC 7675 §5.1: checks go on while data flows, by default every 5 s, varied by a factor \
           of 0.8 to 1.2",
    expected: "4 to 6 s between checks",
};

impl Hostile for Watching {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let settled = seen.struck().saturating_add(Duration::from_secs(6));
        let checks = seen.checks(Way::Received).map(|(at, _)| at).filter(|at| *at > settled);
        let times: Vec<Duration> = checks.collect();
        let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (Some(shortest), Some(longest)) = (gaps.iter().min(), gaps.iter().max()) else {
            return vec![PERIOD.fail(format!("{} checks in all", times.len()))];
        };
        let actual = format!(
            "{:.2} to {:.2} s between {} checks",
            shortest.as_secs_f64(),
            longest.as_secs_f64(),
            times.len()
        );
        let within = |gap: &Duration, least: u64, most: u64| {
            *gap + SLACK >= Duration::from_secs(least) && *gap <= Duration::from_secs(most) + SLACK
        };
        vec![if within(longest, 0, 6) && within(shortest, 4, 6) {
            PERIOD.pass(actual)
        } else if within(longest, 0, 15) {
            // The period is a default, and more checks than that may have other reasons.
            PERIOD.nonstrict(actual)
        } else {
            PERIOD.fail(actual)
        }]
    }
}
