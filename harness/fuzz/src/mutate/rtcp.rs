//! RTCP compounds: packets moved about, their counts and parts, lengths repaired.

use super::Source;
use super::elements::Shape;

/// Blocks of an extended report (RFC 3611 §3).
const BLOCK: Shape = Shape { kind: 1, ..Shape::RTCP };
/// Items of a source description (RFC 3550 §6.5).
const ITEM: Shape = Shape::STEP;

/// One change of a compound.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| Shape::RTCP.mutate(data, source, inner));
}

/// Changes a packet by what it knows of its type.
fn inner(packet: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    if packet.len() < 8 {
        return false;
    }
    if source.one_in(5) {
        packet[0] = packet[0] & 0xe0 | source.rng.u8(..32);
        return true;
    }
    if source.one_in(12) {
        packet[0] |= 0x20;
        let padding = source.pick(&[0, 1, 4, 8, 255]);
        packet.resize(packet.len() + 3, 0);
        packet.push(padding);
        return true;
    }
    let skip = match packet[1] {
        202 => 8,
        207 => 8,
        205 if packet[0] & 0x1f == 15 && packet.len() >= 20 => {
            twcc(packet, source);
            return true;
        }
        205 | 206 => 12,
        _ => return false,
    };
    let mut rest = packet.split_off(skip.min(packet.len()));
    match packet[1] {
        202 => row(&ITEM, &mut rest, source),
        207 => row(&BLOCK, &mut rest, source),
        _ => super::bytes::mutate(&mut rest, source),
    }
    packet.extend_from_slice(&rest);
    packet.resize(packet.len().next_multiple_of(4), 0);
    true
}

/// Changes a row within a packet. Its types are of one byte, which the dictionary has no token of.
/// RFC 3550 §6.5 has the items 1 to 8, and RFC 3611 §4 the blocks 1 to 7.
fn row(shape: &Shape, row: &mut Vec<u8>, source: &mut Source<'_>) {
    let types: Vec<Vec<u8>> = (1..=8).map(|kind| vec![kind]).collect();
    let rng = source.rng.fork();
    let mut source = Source { rng, donor: source.donor, dictionary: &types, most: source.most };
    shape.mutate(row, &mut source, super::elements::opaque);
}

/// Changes transport-wide feedback: counts, chunks, deltas, or makes it all anew and right.
fn twcc(packet: &mut Vec<u8>, source: &mut Source<'_>) {
    match source.rng.u8(..6) {
        0 => {
            let count = source.number(14) as u16;
            packet[14..16].copy_from_slice(&count.to_be_bytes());
        }
        1 => {
            let chunk: u16 = source
                .pick(&[0x1fff, 0x3fff, 0x5fff, 0x7fff, 0x0001, 0xbfff, 0xffff, 0xd555, 0x2001]);
            let at = 20 + 2 * source.below(4);
            if let Some(place) = packet.get_mut(at..at + 2) {
                place.copy_from_slice(&chunk.to_be_bytes());
            } else {
                packet.extend_from_slice(&chunk.to_be_bytes());
            }
        }
        2 => {
            let base = source.pick(&[0u16, 1, 0xfffe, 0xffff]);
            packet[12..14].copy_from_slice(&base.to_be_bytes());
        }
        3 => {
            let delta = source.pick(&[i16::MIN, i16::MIN + 1, -32766, -1, 0, i16::MAX]);
            packet.extend_from_slice(&delta.to_be_bytes());
        }
        _ => made_right(packet, source),
    }
    packet.resize(packet.len().next_multiple_of(4), 0);
}

/// A run of packets with large deltas, as many deltas as it says.
fn made_right(packet: &mut Vec<u8>, source: &mut Source<'_>) {
    let count = source.pick(&[1u16, 2, 7, 14, 100]);
    packet.truncate(16);
    packet[14..16].copy_from_slice(&count.to_be_bytes());
    packet.extend_from_slice(&[0xff, 0xff, 0xfe, 7]);
    let status = source.pick(&[0u16, 1, 2, 3]);
    packet.extend_from_slice(&(status << 13 | count).to_be_bytes());
    for _ in 0..count {
        let delta = source.pick(&[i16::MIN, -32766, -1, 0, 255, i16::MAX]).to_be_bytes();
        match status {
            1 => packet.push(delta[1]),
            2 => packet.extend_from_slice(&delta),
            _ => {}
        }
    }
}

/// First bytes of packets of every type: version, count or format, and type.
const HEADS: [[u8; 2]; 16] = [
    [0x80, 200],
    [0x81, 200],
    [0x80, 201],
    [0x81, 201],
    [0x81, 202],
    [0x82, 202],
    [0x81, 203],
    [0x80, 204],
    [0x81, 205],
    [0x8f, 205],
    [0x83, 205],
    [0x81, 206],
    [0x84, 206],
    [0x8f, 206],
    [0x80, 207],
    [0x80, 208],
];

/// The dictionary: heads, which the row of packets takes for types, and `REMB`.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    let heads = HEADS.iter().map(|head| head.to_vec());
    heads.chain([b"REMB".to_vec()]).collect()
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::rtcp::{FeedbackMessage, Packet, Remb};

    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn items_and_blocks_are_given_the_types_that_there_are() {
        let items = [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, b'a', 0];
        let blocks = [0x80, 207, 0, 4, 0, 0, 0, 1, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        for packet in [&items[..], &blocks] {
            let mut missing: Vec<u8> = (1..=8).collect();
            for seed in 0..5000 {
                let mut changed = packet.to_vec();
                let rng = Rng::with_seed(seed);
                inner(&mut changed, &mut Source { rng, donor: &[], dictionary: &[], most: 4096 });
                missing.retain(|kind| changed.get(8) != Some(kind));
            }
            assert!(missing.is_empty(), "types {missing:?} of {packet:02x?}");
        }
    }

    /// With enough zeros behind it, each head is of a packet that is typed, but for the last.
    #[test]
    fn every_head_of_the_dictionary_is_recognised() {
        for head in HEADS {
            let read = (0..16).find_map(|words| {
                let bytes = [&head[..], &[0, words], &vec![0; usize::from(words) * 4]].concat();
                Packet::parse_compound(&bytes).ok()
            });
            let packets = read.unwrap_or_default();
            assert_eq!(packets.len(), 1, "{head:02x?}");
            let unknown = matches!(packets[0], Packet::Unknown { .. });
            assert_eq!(unknown, head[1] == 208, "{head:02x?}");
        }
        let remb = b"\x8f\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00REMB\x00\x00\x00\x00";
        let packets = Packet::parse_compound(remb).expect("valid");
        let Packet::Feedback(feedback) = &packets[0] else { panic!("{packets:?}") };
        let none = Remb { exponent: 0, mantissa: 0, ssrcs: Vec::new() };
        assert_eq!(feedback.message, FeedbackMessage::Remb(none));
    }
}
