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
           of 0.8 to 1.2; consent that is not asked for expires in 30 s",
    expected: "4 to 6 s between checks",
};

/// How long consent lasts.
const EXPIRED: Duration = Duration::from_secs(30);
const LEAST: Duration = Duration::from_secs(4);
const MOST: Duration = Duration::from_secs(6);

impl Hostile for Watching {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let settled = seen.struck().saturating_add(MOST);
        let checks = seen.checks(Way::Received).map(|(at, _)| at);
        let (before, times): (Vec<_>, Vec<_>) = checks.partition(|at| *at <= settled);
        let gaps = gaps(&times);
        let last = times.last().or(before.last()).copied().unwrap_or_default();
        let rest = seen.end().saturating_sub(last);
        let first =
            times.first().zip(before.last()).map(|(first, last)| first.saturating_sub(*last));
        let silence = gaps.iter().copied().chain(first).chain([rest]).max().unwrap_or_default();
        let regular = |gap: &Duration| *gap + SLACK >= LEAST && *gap <= MOST + SLACK;
        vec![if silence > EXPIRED + SLACK {
            PERIOD.fail(format!("{}, none for {:.1} s", words(&times), silence.as_secs_f64()))
        } else if !gaps.is_empty() && gaps.iter().all(regular) && rest <= MOST + SLACK {
            PERIOD.pass(words(&times))
        } else {
            // The period is a default, and more checks than that may have other reasons.
            PERIOD.nonstrict(words(&times))
        }]
    }
}

fn gaps(times: &[Duration]) -> Vec<Duration> {
    times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}

fn words(times: &[Duration]) -> String {
    let gaps = gaps(times);
    match (gaps.iter().min(), gaps.iter().max()) {
        (Some(shortest), Some(longest)) => format!(
            "{:.2} to {:.2} s between {} checks",
            shortest.as_secs_f64(),
            longest.as_secs_f64(),
            times.len()
        ),
        _ => format!("{} checks in all", times.len()),
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::stun::Seal;

    use super::*;
    use crate::cases::log::{Kind, Noted};
    use crate::cases::stun_craft::Craft;
    use crate::verdict::Verdict;

    /// The verdict where checks come at these seconds of the 40 that are looked at, after the first.
    fn verdict(checks: &[u64]) -> Verdict {
        let mut log = Log::default();
        let address = ([192, 0, 2, 1], 5000).into();
        for second in [0].iter().chain(checks) {
            let kind = Kind::Stun { local: address, remote: address, key: None };
            let bytes = Craft::bare(Class::Request).bytes(&Seal::none());
            log.add(Noted { at: Duration::from_secs(*second), way: Way::Received, kind, bytes });
        }
        let (struck, end) = (Some(Duration::from_secs(1)), Duration::from_secs(40));
        let seen = Seen { log: &log, struck, end, channels: Vec::new() };
        Watching.judge(&seen)[0].verdict
    }

    #[test]
    fn a_period_beyond_the_default_is_not_strict_and_one_beyond_the_expiry_a_failure() {
        assert_eq!(verdict(&[5, 10, 15, 20, 25, 30, 35]), Verdict::Pass);
        assert_eq!(verdict(&[20, 40]), Verdict::Nonstrict);
        assert_eq!(verdict(&[25]), Verdict::Nonstrict);
        assert_eq!(verdict(&[5, 10, 15, 20]), Verdict::Nonstrict, "no more came");
        assert_eq!(verdict(&[8, 9, 10, 15, 20, 25, 30, 35]), Verdict::Nonstrict, "too many");
        assert_eq!(verdict(&[32, 37]), Verdict::Fail);
        assert_eq!(verdict(&[5]), Verdict::Fail);
        assert_eq!(verdict(&[]), Verdict::Fail);
    }
}
