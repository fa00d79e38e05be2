//! STUN and TURN messages: attributes moved about, then length, integrity and FINGERPRINT repaired.

use std::sync::LazyLock;

use rtcspec_wire::stun::{AttributeType, Key, repair, repair_length};

use super::Source;
use super::elements::{Shape, opaque};

/// Where attributes begin.
const HEADER: usize = 20;

/// The password all protected messages of the campaigns use.
#[must_use]
pub fn key() -> &'static Key {
    static KEY: LazyLock<Key> = LazyLock::new(|| Key::short_term("VOkJxbRl1RmTxUk/WvJxBt"));
    &KEY
}

/// One change in so many is not repaired.
const SELDOM: u32 = 8;

/// One change of a message.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly_repaired(data, source, change, SELDOM, |data| repair(data, key()));
}

/// The same without repair: for a target that makes right whatever it is given.
pub fn mutate_unrepaired(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly_repaired(data, source, change, SELDOM, |_| {});
}

fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if data.len() < HEADER {
        data.resize(HEADER, 0);
        data[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    }
    if source.one_in(8) {
        return header(data, source);
    }
    let donor = source.donor;
    source.donor = donor.get(HEADER..).unwrap_or_default();
    Shape::ATTRIBUTE.mutate_after(HEADER, data, source, opaque);
    source.donor = donor;
    repair_length(data);
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
