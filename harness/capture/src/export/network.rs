//! Packets, one after the other: link layer, IP, fragments, UDP and TCP.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::book::Book;
use super::checksum;
use super::datagram::{Path, Rewriter};
use super::draft::{Draft, place};
use super::sctp::{self, Ppids};
use super::streams::Streams;
use super::{Held, icmp, link};
use crate::net::Interface;
use crate::net::fragments::{Fragments, Outcome};
use crate::net::ip::{self, Packet};
use crate::net::link::{Carried, carried};

/// Bytes of an IP header that tell why it is none.
const BROKEN: usize = 8;
const UDP_HEADER: usize = 8;

/// Where a part of a packet is: which, and its bytes.
pub(super) type Place = (usize, Range<usize>);

/// A fragment: its place, and where it begins in the whole.
#[derive(Debug)]
struct Piece {
    place: Place,
    offset: usize,
}

/// A packet that became whole, and what replaces it.
#[derive(Debug)]
struct Whole {
    key: Key,
    before: Vec<u8>,
    after: Vec<u8>,
}

/// Where it was seen and whose it is; IPv6 tells packets apart without their protocol.
type Key = (Interface, IpAddr, IpAddr, u32, Option<u8>);

/// Rewrites the packets of a capture.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) rewriter: Rewriter,
    /// What came of the packets so far.
    out: Vec<Vec<u8>>,
    fragments: Fragments,
    pieces: BTreeMap<Key, Vec<Piece>>,
    /// What the last fragment made whole.
    whole: Option<Whole>,
    streams: Streams,
    /// Of SCTP packets from logs.
    logged: Ppids,
}

impl Network {
    pub(super) fn new(rewriter: Rewriter) -> Self {
        Self {
            rewriter,
            out: Vec::new(),
            fragments: Fragments::default(),
            pieces: BTreeMap::new(),
            whole: None,
            streams: Streams::default(),
            logged: Ppids::default(),
        }
    }

    /// Reads all packets; gives those in their place.
    pub(super) fn run(mut self, packets: &[Held]) -> (Rewriter, Vec<Vec<u8>>) {
        for packet in packets {
            let other = self.frame(packet);
            self.out.push(other);
            self.patch(packets);
        }
        let Self { mut rewriter, mut out, pieces, streams, .. } = self;
        rewriter.book.told.frames = packets.len() as u64;
        rewriter.book.told.incomplete = pieces.values().map(|all| all.len() as u64).sum();
        streams.finish(&mut rewriter, packets, &mut out);
        (rewriter, out)
    }

    fn frame(&mut self, packet: &Held) -> Vec<u8> {
        let frame = packet.bytes.as_slice();
        let noise = self.rewriter.book.noise.clone();
        let mut draft = Draft::new(&noise, frame);
        let told = &mut self.rewriter.book.told;
        match carried(packet.link, frame) {
            Carried::Ip(bytes) => {
                link::header(&noise, &mut draft, packet.link, frame, frame.len() - bytes.len());
                let base = frame.len() - bytes.len();
                let other = self.ip(packet, base, bytes);
                draft.put(bytes, &other);
            }
            Carried::Sctp(bytes) => {
                let end = usize::from(packet.outbound == Some(false));
                let other = sctp::packet(&mut self.rewriter.book, &mut self.logged, end, bytes);
                draft.put(bytes, &other);
            }
            Carried::Other(kind) => {
                let start = payload_of_other(packet.link, frame, kind);
                link::header(&noise, &mut draft, packet.link, frame, start);
                let book = &mut self.rewriter.book;
                let packet = &frame[start..];
                let read = link::other(&noise, &mut book.addresses, &mut draft, kind, packet);
                book.told.others += u64::from(!read);
            }
            Carried::UnknownLink => told.others += u64::from(!frame.is_empty()),
            // As short as it was.
            Carried::Short => {
                told.others += u64::from(!frame.is_empty());
                link::header(&noise, &mut draft, packet.link, frame, 0);
            }
        }
        draft.finish()
    }

    fn ip(&mut self, held: &Held, base: usize, bytes: &[u8]) -> Vec<u8> {
        let Some(packet) = ip::packet(bytes) else {
            self.rewriter.book.told.others += 1;
            // Zeros do not become a packet by chance.
            let mut other = vec![0; bytes.len()];
            let kept = bytes.len().min(BROKEN);
            other[..kept].copy_from_slice(&bytes[..kept]);
            return other;
        };
        let noise = self.rewriter.book.noise.clone();
        let mut draft = Draft::new(&noise, bytes);
        let start = place(bytes, packet.payload).map_or(bytes.len(), |at| at.start);
        let payload = start..start + packet.payload.len();
        draft.put(&bytes[..start], &header(&mut self.rewriter.book, &bytes[..start], &packet));
        draft.keep_zeros(&bytes[payload.end..]);
        let at = (self.out.len(), base + payload.start..base + payload.end);
        let interface = Interface::of(held.interface, held.link, &held.bytes);
        if packet.fragment.is_some() {
            self.fragment(interface, held.nanos, &packet, at);
        } else {
            let other = self.transport(interface, &packet, Some(at));
            draft.put(packet.payload, &other);
        }
        draft.finish()
    }

    /// What a packet carries; `at` is where that is, if it is in one piece.
    fn transport(
        &mut self,
        interface: Interface,
        packet: &Packet<'_>,
        at: Option<Place>,
    ) -> Vec<u8> {
        let now = self.now(packet);
        match packet.protocol {
            ip::UDP => self.udp(packet, now),
            ip::TCP => self.streams.segment(&mut self.rewriter, interface, packet, now, at),
            ip::ICMP | ip::ICMP_V6 => icmp::message(&mut self.rewriter.book, packet, now),
            _ => {
                self.rewriter.book.told.others += 1;
                self.rewriter.book.noise.bytes("unknown", packet.payload)
            }
        }
    }

    /// The addresses of a packet's replacement.
    fn now(&mut self, packet: &Packet<'_>) -> [IpAddr; 2] {
        [packet.source, packet.destination].map(|one| self.rewriter.book.addresses.get(one))
    }

    fn udp(&mut self, packet: &Packet<'_>, now: [IpAddr; 2]) -> Vec<u8> {
        let book = &mut self.rewriter.book;
        let noise = book.noise.clone();
        let mut draft = Draft::new(&noise, packet.payload);
        draft.keep_first(UDP_HEADER - 2);
        let Some((head, rest)) = packet.payload.split_first_chunk::<UDP_HEADER>() else {
            return draft.finish();
        };
        let field = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let whole = UDP_HEADER + rest.len() + packet.missing;
        let length = if field(4) == 0 { whole } else { usize::from(field(4)) };
        if !(UDP_HEADER..=whole).contains(&length) {
            return draft.finish();
        }
        let payload = &rest[..(length - UDP_HEADER).min(rest.len())];
        if payload.len() < length - UDP_HEADER {
            book.told.cut += 1;
            return draft.finish();
        }
        let source = SocketAddr::new(packet.source, field(0));
        let path = Path::new(source, SocketAddr::new(packet.destination, field(2)));
        let other = self.rewriter.datagram(&path, payload, 0);
        draft.put(payload, &other);
        draft.keep_zeros(&rest[payload.len()..]);
        let mut other = draft.finish();
        let sum = |bytes: &[u8], [source, destination]: [IpAddr; 2]| {
            checksum::transport(source, destination, ip::UDP, &bytes[..length], 6)
        };
        // RFC 768: zero is none, so that a sum of zero is sent as all ones.
        let ones = |sum: u16| if sum == 0 { 0xffff } else { sum };
        let sum = match field(6) {
            0 => 0,
            found => {
                let before = ones(sum(packet.payload, [packet.source, packet.destination]));
                ones(checksum::anew(found, before, ones(sum(&other, now))))
            }
        };
        other[6..UDP_HEADER].copy_from_slice(&sum.to_be_bytes());
        other
    }

    fn fragment(&mut self, interface: Interface, nanos: u64, packet: &Packet<'_>, place: Place) {
        let Some(fragment) = packet.fragment else { return };
        let protocol = packet.source.is_ipv4().then_some(packet.protocol);
        let key = (interface, packet.source, packet.destination, fragment.id, protocol);
        let offset = fragment.offset as usize;
        self.pieces.entry(key).or_default().push(Piece { place, offset });
        if let Outcome::Whole(protocol, payload) = self.fragments.add(interface, packet, nanos) {
            let whole = Packet { protocol, payload: &payload, fragment: None, ..*packet };
            let other = self.reassembled(interface, &whole);
            self.whole = Some(Whole { key, before: payload, after: other });
        }
    }

    fn reassembled(&mut self, interface: Interface, whole: &Packet<'_>) -> Vec<u8> {
        let noise = self.rewriter.book.noise.clone();
        let mut draft = Draft::new(&noise, whole.payload);
        if let Some(inside) = ip::beyond_fragments(*whole) {
            let start = whole.payload.len() - inside.payload.len();
            let head = &whole.payload[..start];
            draft.put(head, &extensions(head, whole.protocol));
            let other = self.transport(interface, &inside, None);
            draft.put(inside.payload, &other);
        }
        draft.finish()
    }

    /// Cuts a packet that became whole at the places where it was cut.
    fn patch(&mut self, packets: &[Held]) {
        let Some(Whole { key, before, after }) = self.whole.take() else { return };
        let Some(pieces) = self.pieces.get_mut(&key) else { return };
        pieces.retain(|Piece { place: (number, range), offset }| {
            let part = *offset..offset + range.len();
            let known = packets.get(*number).and_then(|packet| packet.bytes.get(range.clone()));
            let fits = known.is_some() && known == before.get(part.clone());
            if let (true, Some(to), Some(from)) = (fits, self.out.get_mut(*number), after.get(part))
            {
                to[range.clone()].copy_from_slice(from);
            }
            !fits
        });
        if pieces.is_empty() {
            self.pieces.remove(&key);
        }
    }
}

/// The header of a packet, its extensions included, for other addresses.
pub(super) fn header(book: &mut Book, header: &[u8], packet: &Packet<'_>) -> Vec<u8> {
    let mut other = header.to_vec();
    match [packet.source, packet.destination].map(|one| book.addresses.get(one)) {
        [IpAddr::V4(source), IpAddr::V4(destination)] => {
            other[12..16].copy_from_slice(&source.octets());
            other[16..20].copy_from_slice(&destination.octets());
            // RFC 791 §3.1: options of one byte that mean nothing; others hold addresses.
            other[20..].fill(1);
            let sum = |header: &[u8]| checksum::internet(&[&header[..10], &header[12..]]);
            let found = u16::from_be_bytes([header[10], header[11]]);
            let field = checksum::anew(found, sum(header), sum(&other));
            other[10..12].copy_from_slice(&field.to_be_bytes());
        }
        [IpAddr::V6(source), IpAddr::V6(destination)] => {
            other[8..24].copy_from_slice(&source.octets());
            other[24..40].copy_from_slice(&destination.octets());
            let after = extensions(&header[40..], header[6]);
            other[40..].copy_from_slice(&after);
        }
        _ => {}
    }
    other
}

/// Extension headers with nothing but padding in them (RFC 8200 §4); fragment headers stay.
fn extensions(headers: &[u8], mut next: u8) -> Vec<u8> {
    let mut other = vec![0; headers.len()];
    let mut at = 0;
    while let Some(&[following, units]) = headers.get(at..at + 2) {
        let length = match next {
            ip::FRAGMENT => 8,
            // RFC 4302 §2.2: in units of four bytes, less two.
            ip::AUTHENTICATION => 8 + usize::from(units) * 4,
            _ => 8 + usize::from(units) * 8,
        };
        let end = headers.len().min(at + length);
        let kept = if next == ip::FRAGMENT { end } else { at + 2 };
        other[at..kept].copy_from_slice(&headers[at..kept]);
        (at, next) = (end, following);
    }
    other
}

/// Where the payload of a frame begins that is not IP, by its type.
fn payload_of_other(link: u16, frame: &[u8], kind: u16) -> usize {
    let kind = kind.to_be_bytes();
    let first = match link {
        1 => 12,
        113 => 14,
        276 => return frame.len().min(20),
        _ => return frame.len().min(4),
    };
    // After tags of four bytes each, as many as were followed.
    let places = (0..5).map(|tags| first + 4 * tags);
    let found = places.into_iter().find(|at| frame.get(*at..at + 2) == Some(&kind));
    found.map_or(first + 2, |at| at + 2).min(frame.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_headers_keep_their_lengths_and_nothing_else() {
        let hop = [60, 0, 5, 2, 1, 2, 3, 4];
        let options = [44, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
        let fragment = [17, 0, 0, 1, 7, 7, 7, 7];
        let headers = [&hop[..], &options, &fragment].concat();
        let expected =
            [&[60, 0][..], &[0; 6], &[44, 1], &[0; 14], &[17, 0, 0, 1, 7, 7, 7, 7]].concat();
        assert_eq!(extensions(&headers, 0), expected);
        assert_eq!(extensions(&headers[..3], 0), [60, 0, 0]);
    }

    #[test]
    fn the_payload_of_other_frames_begins_after_their_tags() {
        let tagged = [&[0; 12][..], &[0x81, 0, 0, 5, 0x08, 0x06, 1, 2]].concat();
        assert_eq!(payload_of_other(1, &tagged, 0x0806), 18);
        assert_eq!(payload_of_other(1, &tagged[..13], 0x0806), 13);
        assert_eq!(payload_of_other(276, &[0; 30], 0x0806), 20);
        assert_eq!(payload_of_other(0, &[0; 3], 7), 3);
    }
}
