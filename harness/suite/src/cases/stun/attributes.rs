//! Attributes nobody asked for.

use rtcspec_wire::stun::AttributeType;

use crate::cases::Case;
use crate::cases::ruling::Duty;
use crate::cases::stun_craft::{Answer, Craft, OneDatagram};
use crate::verdict::Layer;

/// Comprehension-required and never assigned.
const REQUIRED: AttributeType = AttributeType(0x7f2a);

pub(in crate::cases) const AFTER_INTEGRITY: Case = Case {
    id: "stun/attributes-after-integrity",
    title: "An attribute after MESSAGE-INTEGRITY: ignored, the check is answered",
    about: "A check carries an unknown comprehension-required attribute behind MESSAGE-INTEGRITY \
            and before FINGERPRINT. Nothing protects it, so it must count for nothing: not even \
            for error 420. ice4j#309 and pion/stun#273 read such attributes.",
    tests: &["RFC 8489 §14.5", "RFC 8489 §9"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| Craft::like(check).sealed_before(REQUIRED, b"evil", &check.key()),
            judge: |_, answer| {
                vec![IGNORE_AFTER.met(*answer == Answer::Success, answer.to_string())]
            },
        })
    },
    ..Case::USUAL
};

const IGNORE_AFTER: Duty = Duty {
    text: "RFC 8489 §14.5: attributes after MESSAGE-INTEGRITY, other than FINGERPRINT and \
           MESSAGE-INTEGRITY-SHA256, are ignored",
    expected: "a success response",
};

pub(in crate::cases) const UNKNOWN_REQUIRED: Case = Case {
    id: "stun/unknown-required-attribute",
    title: "An unknown comprehension-required attribute in a check: error 420 that lists it",
    about: "The attribute is covered by integrity, so it counts: whoever does not know it must not \
            guess, and must say which one it did not know (baresip/re#823).",
    tests: &["RFC 8489 §6.3.1", "RFC 8489 §14.13"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| Craft::like(check).with(REQUIRED, b"what").sealed(&check.key()),
            judge: |_, answer| {
                let listed = *answer == Answer::Error(420, vec![REQUIRED.0]);
                vec![REFUSE_UNKNOWN.met(listed, answer.to_string())]
            },
        })
    },
    ..Case::USUAL
};

const REFUSE_UNKNOWN: Duty = Duty {
    text: "RFC 8489 §6.3.1: a request with an unknown comprehension-required attribute gets error \
           420 with UNKNOWN-ATTRIBUTES",
    expected: "error 420 listing 0x7f2a",
};

pub(in crate::cases) const UNKNOWN_OPTIONAL: Case = Case {
    id: "stun/unknown-optional-attribute",
    title: "An unknown comprehension-optional attribute in a check: ignored",
    about: "Types from 0x8000 up may be skipped by those who do not know them. Browsers send some \
            in every check, such as 0xC057 (network cost).",
    tests: &["RFC 8489 §14"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let optional = AttributeType(0xc057);
                Craft::like(check).with(optional, &[0, 1, 0, 10]).sealed(&check.key())
            },
            judge: |_, answer| {
                vec![SKIP_OPTIONAL.met(*answer == Answer::Success, answer.to_string())]
            },
        })
    },
    ..Case::USUAL
};

const SKIP_OPTIONAL: Duty = Duty {
    text: "RFC 8489 §14: unknown comprehension-optional attributes are ignored",
    expected: "a success response",
};
