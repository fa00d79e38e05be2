//! SCTP packets: chunks, and parameters and causes in them, moved about; then the checksum repaired.

use rtcspec_peer::seal::{change_word, tsn_places};
use rtcspec_wire::sctp::{Checksum, ChunkType, HEADER_LENGTH, set_checksum};

use super::elements::{Shape, opaque};
use super::{Rng, Source};

/// One change of a packet.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly_repaired(data, source, change, 16, |data| set_checksum(data, Checksum::Crc32c));
}

fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    data.resize(data.len().max(HEADER_LENGTH), 0);
    if source.one_in(10) {
        let (at, tag) = (source.below(8), source.rng.u8(..));
        data[at] = tag;
        return;
    }
    let donor = source.donor;
    source.donor = donor.get(HEADER_LENGTH..).unwrap_or_default();
    chunk_row(HEADER_LENGTH, data, source);
    source.donor = donor;
}

/// Makes the numbers of a packet, which count from those of the session at hand, small.
pub fn bring_near(packet: &mut [u8], rng: &mut Rng) {
    const NEAR: [u32; 8] = [0, 0, 0, 1, 2, 100, u32::MAX, 0x8000_0000];
    for (at, _) in tsn_places(packet) {
        change_word(packet, at, |_| NEAR[rng.usize(..NEAR.len())]);
    }
}

/// One change of a row of chunks that begins after `head` bytes.
pub fn chunk_row(head: usize, bytes: &mut Vec<u8>, source: &mut Source<'_>) {
    Shape::CHUNK.mutate_after(head, bytes, source, inside);
}

/// Changes what a chunk carries: its fields, or its parameters or causes.
fn inside(chunk: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    let Some(&kind) = chunk.first() else { return false };
    let fields = match ChunkType(kind) {
        ChunkType::INIT | ChunkType::INIT_ACK => 20,
        ChunkType::ERROR | ChunkType::ABORT | ChunkType::RE_CONFIG => 4,
        ChunkType::HEARTBEAT | ChunkType::HEARTBEAT_ACK => 4,
        ChunkType::SACK => return counted(chunk, source),
        ChunkType::DATA | ChunkType::I_DATA => return flags_or_field(chunk, source),
        _ => return false,
    };
    if chunk.len() < fields {
        return false;
    }
    if source.one_in(4) && fields > 4 {
        return field(chunk, source, fields);
    }
    Shape::PARAMETER.mutate_after(fields, chunk, source, embedded);
    true
}

/// A parameter that may hold another.
fn embedded(item: &mut Vec<u8>, source: &mut Source<'_>) -> bool {
    // Unrecognised parameters, in a parameter (8) or a cause (8), hold parameters.
    if item.len() < 8 || item[..2] != [0, 8] {
        return false;
    }
    Shape::PARAMETER.mutate_after(4, item, source, opaque);
    true
}

/// A word of the chunk's fixed fields.
fn field(chunk: &mut [u8], source: &mut Source<'_>, fields: usize) -> bool {
    let at = 4 + 4 * source.below(fields / 4 - 1);
    let Some(word) = chunk.get_mut(at..at + 4) else { return false };
    let found = word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let number = source.number(found) as u32;
    word.copy_from_slice(&number.to_be_bytes());
    true
}

/// SACK: the counts of its lists, truthful or not, or a field.
fn counted(chunk: &mut [u8], source: &mut Source<'_>) -> bool {
    if chunk.len() < 16 || source.rng.bool() {
        return field(chunk, source, 16);
    }
    let blocks = source.number((chunk.len() as u64 - 16) / 4) as u16;
    let at = 12 + 2 * source.below(2);
    chunk[at..at + 2].copy_from_slice(&blocks.to_be_bytes());
    true
}

fn flags_or_field(chunk: &mut [u8], source: &mut Source<'_>) -> bool {
    if let (true, Some(flags)) = (source.one_in(3), chunk.get_mut(1)) {
        *flags = source.rng.u8(..16);
        return true;
    }
    field(chunk, source, 16)
}

/// Types of chunks in one byte; of parameters and causes in two.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    use rtcspec_wire::sctp::{CauseCode, ParameterType};
    let chunks = (0..=u8::MAX).filter(|kind| ChunkType(*kind).name().is_some());
    let mut tokens: Vec<Vec<u8>> = chunks.map(|kind| vec![kind]).collect();
    // Unknown ones, by what their two high bits ask for.
    tokens.extend([0x3e_u8, 0x7e, 0xbe, 0xfe].map(|kind| vec![kind]));
    let named = |number: &u16| {
        ParameterType(*number).name().is_some() || CauseCode(*number).name().is_some()
    };
    tokens.extend((0..=u16::MAX).filter(named).map(|number| number.to_be_bytes().to_vec()));
    tokens.extend([0x3ffe_u16, 0x7ffe, 0xbffe, 0xfffe].map(|number| number.to_be_bytes().to_vec()));
    tokens
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::PacketView;

    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn most_changed_packets_have_a_right_checksum() {
        let packet = b"\x13\x88\x13\x88\0\0\0\x01\0\0\0\0\x06\0\0\x0c\0\x0d\0\x08abcd";
        let right = |seed| {
            let mut data = packet.to_vec();
            let rng = Rng::with_seed(seed);
            mutate(
                &mut data,
                &mut Source { rng, donor: packet, dictionary: &dictionary(), most: 999 },
            );
            PacketView::new(&data).is_ok_and(|view| view.checksum_state().is_correct())
        };
        let count = (0..500).filter(|seed| right(*seed)).count();
        assert!((380..500).contains(&count), "{count} of 500");
    }
}
