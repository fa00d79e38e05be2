//! Datagrams that look like STUN and are not.

use rtcspec_wire::stun::{AttributeType, View};

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
    title: "A check with an attribute that claims 256 bytes where 36 are left: discarded",
    about: "The attribute ends behind the message, and so behind the buffer of who believes it \
            (mediasoup#244). Integrity and fingerprint behind it are right, for those who find them \
            nevertheless. Error 400, for what is malformed, is left open.",
    tests: &["RFC 8489 §14", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| claiming(check, &[0, 1, 0, 10], 256),
            judge: |_, answer| unreadable(answer),
        })
    },
    ..Case::USUAL
};

pub(in crate::cases) const ATTRIBUTE_LENGTH_WRAPS: Case = Case {
    id: "stun/attribute-length-wraps",
    title: "A check with an attribute that claims 65534 bytes, which padded are 0: discarded",
    about: "Who pads a length in sixteen bits goes past the attribute by nothing, or past the end \
            (coturn#1844, #1964). The attribute has no bytes and integrity and fingerprint follow, so \
            that for the first of these the message is as good as any. Error 400, for what is \
            malformed, is left open.",
    tests: &["RFC 8489 §14", "RFC 8489 §6.3"],
    layer: Layer::Ice,
    make: || {
        Box::new(OneDatagram {
            craft: |check, _| claiming(check, &[], 65534),
            judge: |_, answer| unreadable(answer),
        })
    },
    ..Case::USUAL
};

fn unreadable(answer: &Answer) -> Vec<Ruling> {
    vec![match answer {
        // RFC 8489 §14.8: 400 says that a request was malformed.
        Answer::Error(400, _) => DISCARD.info(answer.to_string()),
        _ => DISCARD.met(*answer == Answer::Silence, answer.to_string()),
    }]
}

/// A check with one more attribute, which has these bytes, a multiple of four, and claims this length.
/// What protects the check stands behind it and is made over it: what stands behind integrity would
/// have to be ignored (RFC 8489 §14.5).
fn claiming(check: &Check<'_>, value: &[u8], length: u16) -> Vec<u8> {
    let key = check.key();
    let sound = Craft::like(check).with(AttributeType(0xc057), value).sealed(&key);
    let mut bytes = sound.clone();
    if let Some(mac) = View::new(&sound).attribute(AttributeType::MESSAGE_INTEGRITY) {
        let claim = mac.offset - value.len() - 2;
        bytes[claim..claim + 2].copy_from_slice(&length.to_be_bytes());
        let made = View::new(&bytes).expected_integrity(&mac, &key).unwrap_or_default();
        bytes[mac.offset + 4..mac.offset + 24].copy_from_slice(&made);
    }
    if let Some(crc) = View::new(&sound).attribute(AttributeType::FINGERPRINT) {
        let made = View::new(&bytes).expected_fingerprint(&crc);
        bytes[crc.offset + 4..crc.offset + 8].copy_from_slice(&made.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::stun::{AttributeView, Class, Key, Malformed, Standing};

    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn nothing_is_wrong_but_the_length_that_is_claimed() {
        let key = b"password";
        let own = Craft::bare(Class::Request).with(AttributeType::USERNAME, b"a:b");
        let own = own.sealed(&Key::from_bytes(key));
        let address = ([192, 0, 2, 1], 5000).into();
        let check = Check { local: address, remote: address, view: View::new(&own), key };
        for (value, length) in [(&[0, 1, 0, 10][..], 256), (&[], 65534)] {
            let bytes = claiming(&check, value, length);
            let view = View::new(&bytes);
            let claims = view.attributes().last().expect("there are attributes").declared;
            assert_eq!(claims, length, "nothing is read behind it");
            assert!(
                matches!(view.check(), Err(Malformed::AttributeOverrun { .. })),
                "{bytes:02x?}"
            );
            let (integrity, fingerprint) = (bytes.len() - 32, bytes.len() - 8);
            let at = |ty, offset: usize, value: usize| AttributeView {
                offset,
                ty,
                declared: u16::try_from(value).expect("a short value"),
                value: &bytes[offset + 4..offset + 4 + value],
                standing: Standing::Body,
            };
            let mac = at(AttributeType::MESSAGE_INTEGRITY, integrity, 20);
            let expected = view.expected_integrity(&mac, &check.key());
            assert_eq!(expected.as_ref().map(|mac| &mac[..]), Some(mac.value));
            let crc = at(AttributeType::FINGERPRINT, fingerprint, 4);
            assert_eq!(Some(view.expected_fingerprint(&crc)), crc.as_u32());
        }
    }

    #[test]
    fn silence_is_right_and_400_is_left_open() {
        let verdict = |answer| unreadable(&answer)[0].verdict;
        assert_eq!(verdict(Answer::Silence), Verdict::Pass);
        assert_eq!(verdict(Answer::Error(400, Vec::new())), Verdict::Info);
        assert_eq!(verdict(Answer::Error(500, Vec::new())), Verdict::Fail);
        assert_eq!(verdict(Answer::Success), Verdict::Fail);
    }
}
