//! Datagrams that look like STUN and are not.

use crate::cases::Case;
use crate::cases::log::Check;
use crate::cases::ruling::{Duty, Ruling};
use crate::cases::stun_craft::{Answer, Craft, OneDatagram};
use crate::verdict::Layer;

/// Not a STUN message: it must not be answered.
const DISCARD: Duty = Duty {
    text: "RFC 8489 §6.3: what fails the basic checks of a STUN message is discarded silently",
    expected: "no answer",
};

fn discarded(answer: &Answer) -> Vec<Ruling> {
    vec![DISCARD.met(*answer == Answer::Silence, answer.to_string())]
}

pub(in crate::cases) const NINETEEN_BYTES: Case = Case {
    id: "stun/nineteen-bytes",
    title: "A STUN header cut to 19 bytes: discarded",
    about: "The first bytes say STUN, the header is a byte short. Whoever subtracts 20 from the \
            length without looking underflows (str0m#709 panicked).",
    tests: &["RFC 8489 §5", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let mut bytes = Craft::like(check).sealed(&check.key());
                bytes.truncate(19);
                bytes
            },
            judge: |_, answer| discarded(answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const LENGTH_NOT_IN_FOURS: Case = Case {
    id: "stun/length-not-in-fours",
    title: "A STUN length that is not a multiple of 4: discarded",
    about: "A check with two bytes behind it, which its length field counts. The two low bits of \
            a STUN length are always 0, which is how it differs from other protocols.",
    tests: &["RFC 8489 §5", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let mut bytes = Craft::like(check).sealed(&check.key());
                bytes.extend([0, 0]);
                let length = u16::try_from(bytes.len() - 20).unwrap_or_default();
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes
            },
            judge: |_, answer| discarded(answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const BAD_FINGERPRINT: Case = Case {
    id: "stun/bad-fingerprint",
    title: "A check whose FINGERPRINT is wrong: discarded",
    about: "Integrity is right, the CRC at the end is not. FINGERPRINT is there to tell STUN from \
            everything else, so this is not STUN, and there is nothing to answer.",
    tests: &["RFC 8489 §7", "RFC 8489 §14.7", "RFC 8445 §7.1"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| {
                let mut bytes = Craft::like(check).sealed(&check.key());
                if let Some(last) = bytes.last_mut() {
                    *last ^= 0x55;
                }
                bytes
            },
            judge: |_, answer| discarded(answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const ATTRIBUTE_PAST_END: Case = Case {
    id: "stun/attribute-past-end",
    title: "A check whose last attribute claims 256 bytes where 4 are left: discarded",
    about: "The attribute ends behind the message, and so behind the buffer of who believes it \
            (mediasoup#244).",
    tests: &["RFC 8489 §14", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| longer(check, [1, 0]),
            judge: |_, answer| discarded(answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const ATTRIBUTE_LENGTH_WRAPS: Case = Case {
    id: "stun/attribute-length-wraps",
    title: "A check whose last attribute claims 65534 bytes, which padded are 0: discarded",
    about: "Who pads a length in sixteen bits goes past the attribute by nothing, or past the end \
            (coturn#1844, #1964).",
    tests: &["RFC 8489 §14", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| longer(check, [0xff, 0xfe]),
            judge: |_, answer| discarded(answer),
        })
    },
    ..Case::USUAL
};

/// A check with one more attribute, of this length and four bytes.
fn longer(check: &Check<'_>, length: [u8; 2]) -> Vec<u8> {
    let mut bytes = Craft::like(check).sealed(&check.key());
    bytes.extend([0xc0, 0x57, length[0], length[1], 0, 1, 0, 10]);
    let declared = u16::try_from(bytes.len() - 20).unwrap_or_default();
    bytes[2..4].copy_from_slice(&declared.to_be_bytes());
    bytes
}
