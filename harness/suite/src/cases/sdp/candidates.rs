//! Candidates that are none, each before the true one.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Tamper};

use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

const FAMILY: Case =
    Case {
        tests: &["RFC 8839 §5.1", "RFC 9429 §4.1.19"], layer: Layer::Signalling, ..Case::USUAL
    };

pub(in crate::cases) const CANDIDATE_PORT_WRAPS: Case = Case {
    id: "sdp/candidate-port-wraps",
    title: "A candidate with port 65545, then the true one: the session comes up",
    about: "In sixteen bits the port is 9. Refusing the candidate is right, and refusing it alone: \
            the next one is as good as ever.",
    make: || {
        Box::new(First(|candidate| {
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
            the candidate, or taking it without the extension, are both fine.",
    make: || Box::new(First(|candidate| format!("{candidate} generation"))),
    ..FAMILY
};

/// Sends another candidate before each of this side's.
struct First(fn(&str) -> String);

impl Tamper for First {
    fn candidate(&mut self, _: Duration, candidate: &str) -> Action<String> {
        if candidate.is_empty() {
            return Action::Pass;
        }
        Action::Replace(vec![(self.0)(candidate), candidate.to_owned()])
    }
}

/// The probe is all there is to it.
impl Hostile for First {}
