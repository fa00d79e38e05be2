//! What only the session at hand can say, put into a hostile message: key and user name of a STUN
//! message, ports, tag, numbers and checksum of an SCTP packet.

use std::net::SocketAddr;

use rtcspec_wire::sctp::{Checksum, ChunkType, ChunkView, Chunks, set_checksum};
use rtcspec_wire::stun::{self, AttributeType, Key, View};

use crate::tamper::Stun;

/// Common header of an SCTP packet.
const HEADER: usize = 12;

/// Numbers of the association at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// Ports and verification tag, as they stand in our packets.
    pub header: [u8; 8],
    /// The TSN after the last one we used.
    pub next: u32,
    /// The last TSN of theirs that we saw.
    pub theirs: u32,
}

impl Numbers {
    /// Takes in a packet of ours.
    pub fn note_ours(&mut self, packet: &[u8]) {
        if let Some(header) = packet.first_chunk::<8>() {
            self.header = *header;
        }
        for tsn in tsns(packet) {
            self.next = tsn.wrapping_add(1);
        }
    }

    /// Takes in a packet of theirs.
    pub fn note_theirs(&mut self, packet: &[u8]) {
        if let Some(tsn) = tsns(packet).last() {
            self.theirs = *tsn;
        }
    }
}

/// A check of ours that went by: where to, and what signs the next.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Address of ours it left from.
    pub local: SocketAddr,
    /// Address it went to.
    pub remote: SocketAddr,
    /// Its USERNAME.
    pub name: Vec<u8>,
    /// The key of its MESSAGE-INTEGRITY.
    pub key: Vec<u8>,
}

impl Checked {
    /// What a STUN message of ours says of the next, if it is a check.
    #[must_use]
    pub fn of(message: &Stun<'_>) -> Option<Self> {
        let view = View::new(message.bytes);
        let name = view.attributes().find(|attribute| attribute.ty == AttributeType::USERNAME)?;
        let (name, key) = (name.value.to_vec(), message.key?.to_vec());
        Some(Self { local: message.local, remote: message.remote, name, key })
    }
}

/// The sequence numbers that a packet's data carries; of an INIT, the first one to come (RFC 9260
/// §3.3.2).
fn tsns(packet: &[u8]) -> Vec<u32> {
    let chunks = Chunks::new(packet.get(12..).unwrap_or_default());
    let of = |chunk: ChunkView<'_>| {
        let (at, less) = match chunk.chunk_type() {
            ChunkType::DATA | ChunkType::I_DATA => (0, 0),
            ChunkType::INIT | ChunkType::INIT_ACK => (12, 1),
            _ => return None,
        };
        let word = chunk.value().get(at..at + 4)?;
        Some(word.iter().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte)).wrapping_sub(less))
    };
    chunks.filter_map(of).collect()
}

/// Where the transmission sequence numbers of a packet stand, and whether they are theirs.
#[must_use]
pub fn tsn_places(packet: &[u8]) -> Vec<(usize, bool)> {
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

/// Changes a word of a packet, if it is there.
pub fn change_word(packet: &mut [u8], at: usize, change: impl FnOnce(u32) -> u32) {
    if let Some(word) = packet.get_mut(at..at + 4) {
        let found = word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        word.copy_from_slice(&change(found).to_be_bytes());
    }
}

/// Ports, tag, numbers and checksum.
#[must_use]
pub fn sctp(mut packet: Vec<u8>, numbers: &Numbers) -> Vec<u8> {
    if packet.len() < HEADER {
        return packet;
    }
    packet[..8].copy_from_slice(&numbers.header);
    // RFC 9260 §8.5.1: an INIT has no tag.
    if packet.get(HEADER) == Some(&ChunkType::INIT.0) {
        packet[4..8].fill(0);
    }
    for (at, theirs) in tsn_places(&packet) {
        let from = if theirs { numbers.theirs } else { numbers.next };
        change_word(&mut packet, at, |offset| from.wrapping_add(offset));
    }
    set_checksum(&mut packet, Checksum::Crc32c);
    packet
}

/// User name, length, integrity and fingerprint.
#[must_use]
pub fn stun(mut message: Vec<u8>, name: &[u8], key: &[u8]) -> Vec<u8> {
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
    stun::repair(&mut message, &Key::from_bytes(key));
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
        let packet = super::sctp([&[9; 12][..], &data, &sack].concat(), &numbers);
        let view = PacketView::new(&packet).unwrap();
        assert!(view.checksum_state().is_correct());
        assert_eq!(view.verification_tag().0, 0x0102_0304);
        assert_eq!(packet[16..20], [0, 0, 0, 9]);
        assert_eq!(packet[36..40], [0, 0, 0, 89]);
        assert_eq!(super::sctp(vec![1, 2], &numbers), [1, 2]);
    }

    #[test]
    fn a_message_gets_name_and_key_of_the_session() {
        let message = Message::request(Method::BINDING, TransactionId([7; 12]))
            .with(Attribute::Username("somebody:else".to_owned()))
            .encode(&Seal::none().integrity(&Key::short_term("another")).fingerprint())
            .unwrap();
        let sealed = super::stun(message, b"a:b", b"password");
        let view = View::new(&sealed);
        assert_eq!(view.verify_integrity(&Key::short_term("password")), Check::Valid);
        let name = view.attributes().find(|attribute| attribute.ty == AttributeType::USERNAME);
        assert_eq!(name.unwrap().value, b"a:b");
    }
}
