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

pub(in crate::cases) const REASON_NOT_UTF8: Case = Case {
    id: "stun/reason-not-utf8",
    title: "An error response to a request nobody sent, with a reason that is not UTF-8: ignored",
    about: "The phrase is for people to read, and may not end anything: rtc#64 panicked on one \
            that was not text.",
    tests: &["RFC 8489 §14.8", "RFC 8489 §6.3.4"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let error = [0, 0, 4, 1, 0xff, 0xfe, 0xc3];
                let stray =
                    Craft::bare(Class::ErrorResponse).with(AttributeType::ERROR_CODE, &error);
                stray.sealed(&check.key())
            },
            judge: |_, answer| unanswered(STRAY, answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const XOR_ADDRESS_TOO_LONG: Case = Case {
    id: "stun/xor-address-too-long",
    title: "A response with an XOR address longer than its mask: ignored",
    about: "Twenty bytes of address where IPv6 has sixteen, in a response to no request. Who goes \
            through mask and address side by side runs out of mask (aioice#79; stun-coder panics).",
    tests: &["RFC 8489 §14.2", "RFC 8489 §6.3.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let mut address = vec![0, 2, 0x12, 0x34];
                address.extend([7; 20]);
                let stray = Craft::bare(Class::SuccessResponse)
                    .with(AttributeType::XOR_MAPPED_ADDRESS, &address);
                stray.sealed(&check.key())
            },
            judge: |_, answer| unanswered(STRAY, answer),
        })
    },
    ..Case::USUAL
};
