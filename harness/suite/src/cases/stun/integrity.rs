//! Checks from somebody who does not know the credentials.

use rtcspec_wire::stun::{AttributeType, Key, Seal};

use crate::cases::Case;
use crate::cases::ruling::{Duty, Ruling};
use crate::cases::stun_craft::{Answer, Craft, OneDatagram};
use crate::verdict::Layer;

/// Only the one error will do: success is a hole, silence leaves the sender retransmitting.
fn refused_with(duty: Duty, code: u16, answer: &Answer) -> Vec<Ruling> {
    let refused = matches!(answer, Answer::Error(given, _) if *given == code);
    vec![duty.met(refused, answer.to_string())]
}

pub(in crate::cases) const WRONG_USERNAME: Case = Case {
    id: "stun/wrong-username",
    title: "A check with a USERNAME that is not this agent's: error 401",
    about: "The first half of USERNAME names the receiver's ufrag. A check for somebody else must \
            not be answered with success, whatever its integrity (SIPSorcery and libpeer, 2026).",
    tests: &["RFC 8489 §9.1.3", "RFC 8445 §7.2.2"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let somebody = Craft::like(check).set(AttributeType::USERNAME, b"nobody:here");
                somebody.sealed(&check.key())
            },
            judge: |_, answer| refused_with(REFUSE_USERNAME, 401, answer),
        })
    },
    ..Case::USUAL
};

const REFUSE_USERNAME: Duty = Duty {
    text: "RFC 8489 §9.1.3: a request whose USERNAME is not valid here is refused with 401",
    expected: "error 401",
};

pub(in crate::cases) const WRONG_INTEGRITY: Case = Case {
    id: "stun/wrong-integrity",
    title: "A check signed with another password: error 401",
    about: "Everything is right but the key of MESSAGE-INTEGRITY. Stacks that did not look let \
            anyone who saw the ufrag take over the session (metaRTC#113).",
    tests: &["RFC 8489 §9.1.3", "RFC 8445 §7.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                Craft::like(check).sealed(&Key::short_term("not the password at all"))
            },
            judge: |_, answer| refused_with(REFUSE_INTEGRITY, 401, answer),
        })
    },
    ..Case::USUAL
};

const REFUSE_INTEGRITY: Duty = Duty {
    text: "RFC 8489 §9.1.3: a request whose MESSAGE-INTEGRITY does not match is refused with 401",
    expected: "error 401",
};

pub(in crate::cases) const MISSING_INTEGRITY: Case = Case {
    id: "stun/missing-integrity",
    title: "A check without MESSAGE-INTEGRITY: error 400",
    about: "A plain Binding request, as STUN clients send to servers. An ICE agent is no STUN \
            server: it must refuse, and with an ERROR-CODE (SIPSorcery#1789).",
    tests: &["RFC 8489 §9.1.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| Craft::like(check).bytes(&Seal::none().fingerprint()),
            judge: |_, answer| refused_with(REFUSE_MISSING, 400, answer),
        })
    },
    ..Case::USUAL
};

const REFUSE_MISSING: Duty = Duty {
    text: "RFC 8489 §9.1.3: a request without MESSAGE-INTEGRITY is refused with 400",
    expected: "error 400",
};
