//! What only the session at hand can say, put into an input: key and user name of a STUN message,
//! tag, ports, numbers and checksum of an SCTP packet.

use rtcspec_fuzz::mutate::{self, Rng};
use rtcspec_wire::sctp::{Checksum, ChunkType, set_checksum};
use rtcspec_wire::stun::{AttributeType, Key, View};

/// Common header of an SCTP packet.
const HEADER: usize = 12;

/// Numbers of the association at hand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    /// Ports and verification tag, as they stand in our packets.
    pub(crate) header: [u8; 8],
    /// The TSN after the last one we used.
    pub(crate) next: u32,
    /// The last TSN of theirs that we saw.
    pub(crate) theirs: u32,
}

/// Where the transmission sequence numbers of a packet stand, and whether they are theirs.
fn places(packet: &[u8]) -> Vec<(usize, bool)> {
    let mut found = Vec::new();
    let mut at = HEADER;
    while let Some(head) = packet.get(at..at + 8) {
        match ChunkType(head[0]) {
            ChunkType::DATA | ChunkType::I_DATA | ChunkType::FORWARD_TSN => {
                found.push((at + 4, false));
            }
            ChunkType::SACK => found.push((at + 4, true)),
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
        at += length.next_multiple_of(4);
    }
    found
}

fn word(packet: &mut [u8], at: usize, change: impl FnOnce(u32) -> u32) {
    if let Some(word) = packet.get_mut(at..at + 4) {
        let found = word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        word.copy_from_slice(&change(found).to_be_bytes());
    }
}

/// Makes the numbers of a packet, which count from those of the session at hand, small.
pub(crate) fn bring_near(packet: &mut [u8], rng: &mut Rng) {
    const NEAR: [u32; 8] = [0, 0, 0, 1, 2, 100, u32::MAX, 0x8000_0000];
    for (at, _) in places(packet) {
        word(packet, at, |_| NEAR[rng.usize(..NEAR.len())]);
    }
}

/// Ports, tag, numbers and checksum.
pub(crate) fn sctp(mut packet: Vec<u8>, numbers: &Numbers) -> Vec<u8> {
    if packet.len() < HEADER {
        return packet;
    }
    packet[..8].copy_from_slice(&numbers.header);
    // RFC 9260 §8.5.1: an INIT has no tag.
    if packet.get(HEADER) == Some(&ChunkType::INIT.0) {
        packet[4..8].fill(0);
    }
    for (at, theirs) in places(&packet) {
        let from = if theirs { numbers.theirs } else { numbers.next };
        word(&mut packet, at, |offset| from.wrapping_add(offset));
    }
    set_checksum(&mut packet, Checksum::Crc32c);
    packet
}

/// User name, length, integrity and fingerprint.
pub(crate) fn stun(mut message: Vec<u8>, name: &[u8], key: &[u8]) -> Vec<u8> {
    let view = View::new(&message);
    let found = view.attributes().find(|attribute| attribute.ty == AttributeType::USERNAME);
    let place = found.map(|attribute| (attribute.offset, attribute.value.len()));
    if let (Some((at, length)), Ok(told)) = (place, u16::try_from(name.len())) {
        let mut value = told.to_be_bytes().to_vec();
        value.extend_from_slice(name);
        value.resize(2 + name.len().next_multiple_of(4), 0);
        let end = (at + 4 + length.next_multiple_of(4)).min(message.len());
        message.splice(at + 2..end, value);
    }
    mutate::stun::repair(&mut message, &Key::from_bytes(key));
    message
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::PacketView;
    use rtcspec_wire::stun::{Attribute, Check, Message, Method, Seal, TransactionId};

    use super::*;

    #[test]
    fn a_packet_gets_tag_numbers_and_checksum_of_the_session() {
        let numbers = Numbers { header: [0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4], next: 7, theirs: 90 };
        let data = [0, 3, 0, 20, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 51, b'a', b'b', b'c', b'd'];
        let sack = [3, 0, 0, 16, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        let packet = sctp([&[9; 12][..], &data, &sack].concat(), &numbers);
        let view = PacketView::new(&packet).unwrap();
        assert!(view.checksum_state().is_correct());
        assert_eq!(view.verification_tag().0, 0x0102_0304);
        assert_eq!(packet[16..20], [0, 0, 0, 9]);
        assert_eq!(packet[36..40], [0, 0, 0, 89]);
        assert_eq!(sctp(vec![1, 2], &numbers), [1, 2]);
    }

    #[test]
    fn a_message_gets_name_and_key_of_the_session() {
        let message = Message::request(Method::BINDING, TransactionId([7; 12]))
            .with(Attribute::Username("somebody:else".to_owned()))
            .encode(&Seal::none().integrity(&mutate::stun::key()).fingerprint())
            .unwrap();
        let sealed = stun(message, b"a:b", b"password");
        let view = View::new(&sealed);
        assert_eq!(view.verify_integrity(&Key::short_term("password")), Check::Valid);
        let name = view.attributes().find(|attribute| attribute.ty == AttributeType::USERNAME);
        assert_eq!(name.unwrap().value, b"a:b");
    }
}
