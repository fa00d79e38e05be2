//! Messages that ask for no answer.

use rtcspec_wire::stun::{AttributeType, Class, Seal};

use crate::cases::Case;
use crate::cases::ruling::{Duty, Ruling};
use crate::cases::stun_craft::{Answer, Craft, OneDatagram};
use crate::verdict::Layer;

fn unanswered(duty: Duty, answer: &Answer) -> Vec<Ruling> {
    vec![duty.met(*answer == Answer::Silence, answer.to_string())]
}

pub(in crate::cases) const BINDING_INDICATION: Case = Case {
    id: "stun/binding-indication",
    title: "A Binding indication on the selected pair: no answer, no harm",
    about: "The keepalive of RFC 8445: no integrity, no answer. str0m#690 panicked on it.",
    tests: &["RFC 8445 §11", "RFC 8489 §6.3.2"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |_, _| Craft::bare(Class::Indication).bytes(&Seal::none().fingerprint()),
            judge: |_, answer| unanswered(INDICATION, answer),
        })
    },
    ..Case::USUAL
};

const INDICATION: Duty =
    Duty { text: "RFC 8489 §6.3.2: an indication is never answered", expected: "no answer" };

pub(in crate::cases) const UNKNOWN_TRANSACTION: Case = Case {
    id: "stun/unknown-transaction",
    title: "An error response 500 to a request nobody sent: ignored",
    about: "Whoever takes it for the answer to a check of its own loses the pair; str0m's fix \
            e18a5005 was for a panic on it.",
    tests: &["RFC 8489 §6.3.4", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let error = [0, 0, 5, 0];
                let stray =
                    Craft::bare(Class::ErrorResponse).with(AttributeType::ERROR_CODE, &error);
                stray.sealed(&check.key())
            },
            judge: |_, answer| unanswered(STRAY, answer),
        })
    },
    ..Case::USUAL
};

const STRAY: Duty = Duty {
    text: "RFC 8489 §6.3.4: a response to no request of this agent is discarded",
    expected: "no answer, and the session goes on",
};
