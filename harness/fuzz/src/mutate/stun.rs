//! STUN and TURN messages: attributes moved about, then length, integrity and FINGERPRINT repaired.

use rtcspec_wire::stun::{AttributeType, Key, View};

use super::Source;
use super::elements::{Shape, opaque};

/// Where attributes begin.
const HEADER: usize = 20;

/// The password all protected messages of the campaigns use.
#[must_use]
pub fn key() -> Key {
    Key::short_term("VOkJxbRl1RmTxUk/WvJxBt")
}

/// One change of a message.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        change(data, source);
        if !source.one_in(8) {
            repair(data, &key());
        }
    });
}

fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if data.len() < HEADER {
        data.resize(HEADER, 0);
        data[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    }
    if source.one_in(8) {
        return header(data, source);
    }
    let mut attributes = data.split_off(HEADER);
    let donor = source.donor;
    source.donor = donor.get(HEADER..).unwrap_or_default();
    Shape::ATTRIBUTE.mutate(&mut attributes, source, opaque);
    source.donor = donor;
    data.extend_from_slice(&attributes);
    set_length(data);
}

/// Class and method, length, cookie or transaction.
fn header(data: &mut [u8], source: &mut Source<'_>) {
    match source.rng.u8(..6) {
        0 | 1 => {
            let types: [u16; 12] = [
                0x0001, 0x0101, 0x0111, 0x0011, 0x0003, 0x0103, 0x0113, 0x0004, 0x0008, 0x0009,
                0x0016, 0x0017,
            ];
            data[..2].copy_from_slice(&source.pick(&types).to_be_bytes());
        }
        2 => data[0] ^= 1 << source.rng.u8(..8),
        3 => {
            let told = source.number(data.len() as u64 - HEADER as u64) as u16;
            data[2..4].copy_from_slice(&told.to_be_bytes());
        }
        4 => data[4 + source.below(4)] ^= 1 << source.rng.u8(..8),
        _ => data[8 + source.below(12)] = source.rng.u8(..),
    }
}

/// Makes the length field tell the truth.
fn set_length(data: &mut [u8]) {
    if data.len() >= HEADER {
        let length = (data.len() - HEADER) as u16;
        data[2..4].copy_from_slice(&length.to_be_bytes());
    }
}

/// Makes length, MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT right, where they are.
pub fn repair(data: &mut [u8], key: &Key) {
    set_length(data);
    for attribute in places(data) {
        let (ty, at) = attribute;
        let view = View::new(data);
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
        data[at + 4..at + 4 + len].copy_from_slice(&value[..len]);
    }
}

/// What protects the message and where.
fn places(data: &[u8]) -> Vec<(AttributeType, usize)> {
    let protects = [
        AttributeType::MESSAGE_INTEGRITY,
        AttributeType::MESSAGE_INTEGRITY_SHA256,
        AttributeType::FINGERPRINT,
    ];
    let view = View::new(data);
    let found = view.attributes().filter(|attribute| protects.contains(&attribute.ty));
    found.map(|attribute| (attribute.ty, attribute.offset)).collect()
}

/// Attribute types, message types, the cookie, and address families.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    let types = (0..=u16::MAX).map(AttributeType).filter(|ty| ty.name().is_some());
    let mut tokens: Vec<Vec<u8>> = types.map(|ty| ty.0.to_be_bytes().to_vec()).collect();
    tokens.push(vec![0x21, 0x12, 0xa4, 0x42]);
    tokens.push(vec![0, 1, 0, 0]);
    tokens.push(vec![0, 2, 0, 0]);
    tokens
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::stun::{Attribute, Check, Fingerprint, Message, Method, Seal, TransactionId};

    use super::*;

    #[test]
    fn repair_makes_a_changed_message_right_again() {
        let key = key();
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
