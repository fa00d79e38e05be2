//! ICMP of IPv4 (RFC 792) and of IPv6 (RFC 4443, RFC 4861): what it says stays, the packets and
//! addresses in it are replaced.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::book::Book;
use super::checksum;
use super::draft::Draft;
use super::link::hardware;
use super::network;
use crate::net::ip::{self, ICMP, Packet};

/// Type, code, checksum, and four bytes more.
const FIXED: usize = 8;
/// Ports, and of UDP the length (RFC 792: at least so much of a packet comes back).
const PORTS: usize = 6;

/// A message in the place of another, for the addresses of the packet that carries it.
pub(super) fn message(book: &mut Book, packet: &Packet<'_>, now: [IpAddr; 2]) -> Vec<u8> {
    let bytes = packet.payload;
    let noise = book.noise.clone();
    let mut draft = Draft::new(&noise, bytes);
    draft.keep_first(FIXED);
    let Some((&[kind, _, high, low, ..], rest)) = bytes.split_first_chunk::<FIXED>() else {
        return draft.finish();
    };
    let is_v4 = packet.protocol == ICMP;
    match (is_v4, kind) {
        (true, 3 | 4 | 11 | 12) | (false, 1..=4) => inner(book, &mut draft, rest),
        (true, 5) => {
            gateway(book, &mut draft, &bytes[4..FIXED]);
            inner(book, &mut draft, rest);
        }
        (false, 135..=137) => neighbour(book, &mut draft, rest),
        _ => {}
    }
    let mut other = draft.finish();
    if packet.missing > 0 {
        return other;
    }
    let sum = |bytes: &[u8], addresses: [IpAddr; 2]| match is_v4 {
        true => checksum::internet(&[&bytes[..2], &bytes[4..]]),
        // RFC 4443 §2.3.
        false => checksum::transport(addresses[0], addresses[1], packet.protocol, bytes, 2),
    };
    let before = sum(bytes, [packet.source, packet.destination]);
    let field = checksum::anew(u16::from_be_bytes([high, low]), before, sum(&other, now));
    other[2..4].copy_from_slice(&field.to_be_bytes());
    other
}

/// The beginning of a packet that came back.
fn inner(book: &mut Book, draft: &mut Draft<'_>, bytes: &[u8]) {
    let Some(found) = ip::packet(bytes) else { return };
    let payload = super::draft::place(bytes, found.payload).map_or(0, |at| at.start);
    draft.put(&bytes[..payload], &network::header(book, &bytes[..payload], &found));
    draft.keep(&found.payload[..found.payload.len().min(PORTS)]);
}

fn gateway(book: &mut Book, draft: &mut Draft<'_>, address: &[u8]) {
    let octets = <[u8; 4]>::try_from(address).unwrap_or_default();
    if let IpAddr::V4(other) = book.addresses.get(Ipv4Addr::from(octets).into()) {
        draft.put(address, &other.octets());
    }
}

/// RFC 4861 §4.3 to §4.5: addresses, then options of which those with hardware addresses are told.
fn neighbour(book: &mut Book, draft: &mut Draft<'_>, bytes: &[u8]) {
    let Some((target, mut options)) = bytes.split_first_chunk::<16>() else { return };
    if let IpAddr::V6(other) = book.addresses.get(Ipv6Addr::from(*target).into()) {
        draft.put(&bytes[..16], &other.octets());
    }
    while let Some(&[kind, units]) = options.first_chunk::<2>() {
        let length = 8 * usize::from(units.max(1));
        let Some((option, rest)) = options.split_at_checked(length) else { return };
        draft.keep(&option[..2]);
        if matches!(kind, 1 | 2) && option.len() == 8 {
            draft.put(&option[2..], &hardware(&book.noise, &option[2..]));
        }
        options = rest;
    }
}
