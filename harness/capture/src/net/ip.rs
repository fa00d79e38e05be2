//! IPv4 (RFC 791) and IPv6 (RFC 8200) with their extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Extension headers that are followed.
const MAX_HEADERS: usize = 16;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMP_V6: u8 = 58;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;

/// An IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// What the payload is; of a fragment, what the whole packet's payload begins with.
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
    /// Bytes of the payload that the capture did not keep.
    pub(crate) missing: usize,
    pub(crate) fragment: Option<Fragment>,
}

/// A fragment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) id: u32,
    pub(crate) offset: u32,
    pub(crate) more: bool,
}

/// Reads the header or headers; `None` if they are not whole or say what cannot be.
#[inline]
pub(crate) fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    match bytes.first()? >> 4 {
        4 => v4(bytes),
        6 => v6(bytes),
        _ => None,
    }
}

#[inline]
fn v4(bytes: &[u8]) -> Option<Packet<'_>> {
    let head = bytes.first_chunk::<20>()?;
    let header = usize::from(head[0] & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    // A segmentation offload leaves the length to the card.
    let total = if total == 0 { bytes.len() } else { total };
    if header < 20 || total < header {
        return None;
    }
    let flags = u16::from_be_bytes([head[6], head[7]]);
    let (offset, more) = (u32::from(flags & 0x1fff) * 8, flags & 0x2000 != 0);
    let id = u16::from_be_bytes([head[4], head[5]]).into();
    Some(Packet {
        source: v4_address(head, 12),
        destination: v4_address(head, 16),
        protocol: head[9],
        payload: bytes.get(header..total.min(bytes.len()))?,
        missing: total.saturating_sub(bytes.len()),
        fragment: (offset != 0 || more).then_some(Fragment { id, offset, more }),
    })
}

fn v4_address(head: &[u8; 20], at: usize) -> IpAddr {
    Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]).into()
}

fn v6(bytes: &[u8]) -> Option<Packet<'_>> {
    let head = bytes.first_chunk::<40>()?;
    let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let rest = &bytes[40..];
    let length = if length == 0 { rest.len() } else { length };
    let address = |at: usize| {
        let octets: [u8; 16] = head[at..at + 16].try_into().ok()?;
        Some(IpAddr::from(Ipv6Addr::from(octets)))
    };
    let packet = Packet {
        source: address(8)?,
        destination: address(24)?,
        protocol: head[6],
        payload: &rest[..length.min(rest.len())],
        missing: length.saturating_sub(rest.len()),
        fragment: None,
    };
    extensions(packet)
}

/// RFC 8200 §4: extension headers, one after the other.
fn extensions(mut packet: Packet<'_>) -> Option<Packet<'_>> {
    for _ in 0..MAX_HEADERS {
        let length = match packet.protocol {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY => {
                8 + usize::from(*packet.payload.get(1)?) * 8
            }
            // RFC 4302 §2.2: in units of four bytes, less two.
            AUTHENTICATION => 8 + usize::from(*packet.payload.get(1)?) * 4,
            FRAGMENT => 8,
            _ => return Some(packet),
        };
        let (head, rest) = packet.payload.split_at_checked(length)?;
        if packet.protocol == FRAGMENT {
            let flags = u16::from_be_bytes([head[2], head[3]]);
            let id = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
            let (offset, more) = (u32::from(flags & 0xfff8), flags & 1 != 0);
            packet.fragment = (offset != 0 || more).then_some(Fragment { id, offset, more });
        }
        packet.protocol = head[0];
        packet.payload = rest;
        if packet.fragment.is_some() {
            // Whatever follows is a part of the whole.
            return Some(packet);
        }
    }
    None
}

/// Takes further extension headers off a packet put together from fragments.
pub(crate) fn beyond_fragments(packet: Packet<'_>) -> Option<Packet<'_>> {
    if packet.source.is_ipv6() { extensions(packet) } else { Some(packet) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6_packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16).to_be_bytes();
        [&[0x60, 0, 0, 0], &length[..], &[protocol, 64], &[0xfd; 32], payload].concat()
    }

    #[test]
    fn an_ipv4_packet_ends_where_its_length_says() {
        let mut bytes = vec![0x46, 0, 0, 26, 0, 9, 0, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        bytes.extend([1, 1, 1, 1, 0xa, 0xb, 0xee, 0xee]);
        let found = packet(&bytes).expect("a packet");
        assert_eq!((found.payload, found.missing, found.protocol), (&[0xa, 0xb][..], 0, UDP));
        assert_eq!(found.source.to_string(), "10.0.0.1");
        assert_eq!(
            packet(&bytes[..25]).map(|found| (found.payload.len(), found.missing)),
            Some((1, 1))
        );
        bytes[3] = 0;
        assert_eq!(packet(&bytes).map(|found| found.payload.len()), Some(4));
        bytes[3] = 23;
        assert_eq!(packet(&bytes), None, "shorter than its header");
    }

    #[test]
    fn ipv6_extension_headers_are_taken_off() {
        let hop = [DESTINATION_OPTIONS, 0, 0, 0, 0, 0, 0, 0];
        let options = [AUTHENTICATION, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let authentication = [UDP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let payload = [&hop[..], &options, &authentication, b"data"].concat();
        let bytes = v6_packet(HOP_BY_HOP, &payload);
        let found = packet(&bytes).expect("a packet");
        assert_eq!((found.payload, found.protocol), (&b"data"[..], UDP));
    }

    #[test]
    fn headers_without_end_are_refused() {
        let endless = [HOP_BY_HOP, 0, 0, 0, 0, 0, 0, 0].repeat(20);
        assert_eq!(packet(&v6_packet(HOP_BY_HOP, &endless)), None);
        assert_eq!(packet(&v6_packet(HOP_BY_HOP, &[UDP, 9, 0, 0])), None);
    }

    #[test]
    fn fragments_of_both_versions_say_their_place() {
        let head = [UDP, 0, 0, 0x11, 0, 0, 0, 7];
        let bytes = v6_packet(FRAGMENT, &[&head[..], b"part"].concat());
        let fragment = Fragment { id: 7, offset: 16, more: true };
        assert_eq!(packet(&bytes).and_then(|found| found.fragment), Some(fragment));
        let atomic = v6_packet(FRAGMENT, &[&[UDP, 0, 0, 0, 0, 0, 0, 7][..], b"all"].concat());
        assert_eq!(
            packet(&atomic).map(|found| (found.fragment, found.payload)),
            Some((None, &b"all"[..]))
        );
        let bytes = [0x45, 0, 0, 20, 0, 9, 0x20, 3, 64, UDP, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        let fragment = Fragment { id: 9, offset: 24, more: true };
        assert_eq!(packet(&bytes).and_then(|found| found.fragment), Some(fragment));
    }
}
