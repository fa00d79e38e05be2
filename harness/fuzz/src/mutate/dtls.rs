//! DTLS: records, handshake fragments in them, extensions of hellos.

use super::Source;
use super::elements::{Shape, opaque};

/// Bytes of a record's header.
const RECORD: usize = 13;
/// Bytes of a fragment's header.
const FRAGMENT: usize = 12;

/// One change of a datagram.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| Shape::RECORD.mutate(data, source, inside));
}

/// Changes what a record carries, or its epoch or number.
fn inside(record: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    if record.len() < RECORD {
        return false;
    }
    if source.one_in(4) {
        let at = source.pick(&[0, 1, 2, 3, 4, 10]);
        record[at] = source.rng.u8(..);
        return true;
    }
    if record[0] != 22 || record.len() < RECORD + FRAGMENT {
        return false;
    }
    let mut fragment = record.split_off(RECORD);
    self::fragment(&mut fragment, source);
    record.extend_from_slice(&fragment);
    true
}

/// Changes a handshake fragment; its lengths are made right again, but for one time in eight.
fn fragment(fragment: &mut Vec<u8>, source: &mut Source<'_>) {
    match source.rng.u8(..4) {
        0 => fragment[0] = source.pick(&[0, 1, 2, 3, 4, 8, 11, 12, 13, 14, 15, 16, 20]),
        1 => {
            let at = source.pick(&[4, 5, 6, 7, 8]);
            fragment[at] = source.rng.u8(..);
        }
        2 => hello(fragment, source),
        _ => {
            let mut body = fragment.split_off(FRAGMENT);
            super::bytes::mutate(&mut body, source);
            fragment.extend_from_slice(&body);
        }
    }
    if source.one_in(8) {
        let at = source.pick(&[1, 9]);
        let told = source.number(fragment.len() as u64).to_be_bytes();
        fragment[at..at + 3].copy_from_slice(&told[5..]);
    } else {
        let length = ((fragment.len() - FRAGMENT) as u32).to_be_bytes();
        fragment[9..12].copy_from_slice(&length[1..]);
        if fragment[6..9] == [0; 3] {
            fragment[1..4].copy_from_slice(&length[1..]);
        }
    }
}

/// Changes the extensions of a hello.
fn hello(fragment: &mut Vec<u8>, source: &mut Source<'_>) {
    let Some(at) = extensions_at(&fragment[FRAGMENT..], fragment[0]).map(|at| FRAGMENT + at) else {
        return;
    };
    Shape::EXTENSION.mutate_after(at, fragment, source, opaque);
    let length = ((fragment.len() - at) as u16).to_be_bytes();
    fragment[at - 2..at].copy_from_slice(&length);
}

/// Where the extensions of a hello begin in its body.
fn extensions_at(body: &[u8], kind: u8) -> Option<usize> {
    let session = 34 + 1 + usize::from(*body.get(34)?);
    let at = match kind {
        1 => {
            let suites = session + 1 + usize::from(*body.get(session)?);
            let found = body.get(suites..suites + 2)?;
            let compression = suites + 2 + usize::from(u16::from_be_bytes([found[0], found[1]]));
            compression + 1 + usize::from(*body.get(compression)?) + 2
        }
        2 => session + 3 + 2,
        _ => return None,
    };
    (at <= body.len()).then_some(at)
}

/// Types of records, handshake messages and extensions, versions.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    use rtcspec_wire::dtls::ExtensionType;
    let records = (20..=26_u8).map(|kind| vec![kind]);
    let extensions = (0..=u16::MAX).filter(|kind| ExtensionType(*kind).name().is_some());
    let versions = [[0xfe, 0xff], [0xfe, 0xfd], [0xfe, 0xfc]].map(|version| version.to_vec());
    records.chain(extensions.map(|kind| kind.to_be_bytes().to_vec())).chain(versions).collect()
}
