//! Candidates that are none, each before the true one.

use std::time::Duration;

use rtcspec_control::Feature;
use rtcspec_peer::tamper::{Action, Stun, Tamper};

use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::stun_craft::is_request;
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case = Case {
    tests: &["RFC 8839 §5.1", "RFC 9429 §4.1.19"],
    layer: Layer::Signalling,
    needs: &[Feature::Trickle],
    ..Case::USUAL
};

pub(in crate::cases) const CANDIDATE_PORT_WRAPS: Case = Case {
    id: "sdp/candidate-port-wraps",
    title: "A candidate with port 65545, then the true one: the session comes up",
    about: "In sixteen bits the port is 9. Refusing the candidate is right, and refusing it alone: \
            the next one is as good as ever, and nothing else leads to this side.",
    make: || {
        Box::new(First::with(|candidate| {
            let mut words: Vec<&str> = candidate.split(' ').collect();
            if let Some(port) = words.get_mut(5) {
                *port = "65545";
            }
            words.join(" ")
        }))
    },
    ..FAMILY
};

pub(in crate::cases) const CANDIDATE_ODD_EXTENSION: Case = Case {
    id: "sdp/candidate-odd-extension",
    title: "A candidate whose last extension has no value, then the true one: the session comes up",
    about: "Extensions come in pairs, and who reads them two by two reads past the end. Refusing \
            the candidate, or taking it without the extension, are both fine; refusing the next one \
            too is not, and nothing else leads to this side.",
    make: || Box::new(First::with(|candidate| format!("{candidate} generation"))),
    ..FAMILY
};

/// Sends another candidate before each of this side's, and says in no other way where this side is: its
/// description has no candidate, and its own checks wait for one of the peer.
struct First {
    odd: fn(&str) -> String,
    waiting: bool,
    /// The peer sends no checks (RFC 8445 §2.5).
    lite: bool,
}

impl First {
    fn with(odd: fn(&str) -> String) -> Self {
        Self { odd, waiting: true, lite: false }
    }
}

impl Tamper for First {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        *sdp = without_candidates(sdp);
    }

    fn candidate(&mut self, _: Duration, candidate: &str) -> Action<String> {
        if candidate.is_empty() {
            return Action::Pass;
        }
        Action::Replace(vec![(self.odd)(candidate), candidate.to_owned()])
    }

    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        if self.waiting && is_request(&message) { Action::Drop } else { Action::Pass }
    }

    fn received_sdp(&mut self, _: Duration, sdp: &mut String) {
        self.lite = sdp.lines().any(|line| line == "a=ice-lite");
        self.waiting &= !self.lite;
    }

    fn received_stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        self.waiting &= !is_request(&message);
        Action::Pass
    }
}

/// A description as it is before anything is gathered.
fn without_candidates(sdp: &str) -> String {
    let told = |line: &str| match line.split_once('=') {
        Some(("a", rest))
            if rest.starts_with("candidate:") || rest.starts_with("end-of-candidates") =>
        {
            String::new()
        }
        Some(("c", _)) => "c=IN IP4 0.0.0.0\r\n".to_owned(),
        Some(("m", rest)) => {
            let mut words: Vec<&str> = rest.split(' ').collect();
            if let Some(port) = words.get_mut(1) {
                *port = "9";
            }
            format!("m={}", words.join(" "))
        }
        _ => line.to_owned(),
    };
    sdp.split_inclusive('\n').map(told).collect()
}

const CHECKED: Duty = Duty {
    text: "RFC 9429 §4.1.19: a candidate goes to the ICE agent, which checks it, whatever became of \
           the one before it",
    expected: "a check to the true candidate",
};

impl Hostile for First {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let checks = seen.checks(Way::Received).count();
        vec![match checks {
            0 if self.lite => CHECKED.info("an ICE-lite agent, which sends none"),
            0 => CHECKED.fail("no check"),
            _ => CHECKED.pass(format!("{checks} checks")),
        }]
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::stun::{Class, Seal};

    use super::*;
    use crate::cases::stun_craft::Craft;

    #[test]
    fn nothing_but_the_true_candidate_leads_to_this_side() {
        let mut case = First::with(|candidate| format!("{candidate} generation"));
        let media = "UDP/DTLS/SCTP webrtc-datachannel\r\n";
        let mut sdp = format!(
            "v=0\r\nm=application 62303 {media}c=IN IP4 203.0.113.1\r\na=mid:0\r\n\
             a=candidate:1 1 udp 1 203.0.113.1 62303 typ host\r\na=end-of-candidates\r\n"
        );
        case.sdp(Duration::ZERO, &mut sdp);
        let told = format!("v=0\r\nm=application 9 {media}c=IN IP4 0.0.0.0\r\na=mid:0\r\n");
        assert_eq!(sdp, told);

        let bytes = Craft::bare(Class::Request).bytes(&Seal::none());
        let address = ([192, 0, 2, 1], 5000).into();
        let check = Stun { local: address, remote: address, bytes: &bytes, key: None };
        assert_eq!(case.stun(Duration::ZERO, check), Action::Drop);
        assert_eq!(case.received_stun(Duration::ZERO, check), Action::Pass);
        assert_eq!(case.stun(Duration::ZERO, check), Action::Pass);
    }

    #[test]
    fn who_sends_no_checks_is_not_waited_for() {
        let mut case = First::with(str::to_owned);
        case.received_sdp(Duration::ZERO, &mut "v=0\r\na=ice-lite\r\n".to_owned());
        assert!(case.lite && !case.waiting);
    }
}
