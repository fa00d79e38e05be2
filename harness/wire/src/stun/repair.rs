//! Making a message right again that was changed: what a hostile sender does, and a fuzzer.

use super::attribute_type::AttributeType;
use super::header::HEADER_LEN;
use super::key::Key;
use super::view::View;

/// Makes the length field tell the truth; bytes too short for a header stay as they are.
pub fn repair_length(message: &mut [u8]) {
    if message.len() >= HEADER_LEN {
        // A message that is longer than its field can say gets the low bits.
        let length = (message.len() - HEADER_LEN) as u16;
        message[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Makes length, MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT right, where they are
/// (RFC 8489 §14.5 to §14.7).
pub fn repair(message: &mut [u8], key: &Key) {
    repair_length(message);
    for (ty, at) in places(message) {
        let view = View::new(message);
        let Some(attribute) = view.attributes().find(|other| other.offset == at) else { continue };
        let value: Vec<u8> = match ty {
            AttributeType::MESSAGE_INTEGRITY => {
                view.expected_integrity(&attribute, key).map(|mac| mac.to_vec())
            }
            AttributeType::MESSAGE_INTEGRITY_SHA256 => {
                view.expected_integrity_sha256(&attribute, key).map(|mac| mac.to_vec())
            }
            _ => Some(view.expected_fingerprint(&attribute).to_be_bytes().to_vec()),
        }
        .unwrap_or_default();
        let len = attribute.value.len().min(value.len());
        message[at + 4..at + 4 + len].copy_from_slice(&value[..len]);
    }
}

/// What protects the message and where.
fn places(message: &[u8]) -> Vec<(AttributeType, usize)> {
    let protects = [
        AttributeType::MESSAGE_INTEGRITY,
        AttributeType::MESSAGE_INTEGRITY_SHA256,
        AttributeType::FINGERPRINT,
    ];
    let view = View::new(message);
    let found = view.attributes().filter(|attribute| protects.contains(&attribute.ty));
    found.map(|attribute| (attribute.ty, attribute.offset)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{Attribute, Check, Fingerprint, Message, Method, Seal, TransactionId};

    #[test]
    fn repair_makes_a_changed_message_right_again() {
        let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
        let sealed = Message::request(Method::BINDING, TransactionId([7; 12]))
            .with(Attribute::Username("a:b".to_owned()))
            .encode(&Seal::none().integrity(&key).integrity_sha256(&key).fingerprint())
            .expect("short");
        let mut changed = sealed.clone();
        changed[24] ^= 1;
        assert_eq!(View::new(&changed).verify_integrity(&key), Check::Invalid);
        repair(&mut changed, &key);
        let view = View::new(&changed);
        assert_eq!(view.verify_integrity(&key), Check::Valid);
        assert_eq!(view.verify_integrity_sha256(&key), Check::Valid);
        assert_eq!(view.fingerprint(), Fingerprint::Valid);
        assert_ne!(changed, sealed);
    }
}
