use super::checksum::{PseudoHeader, patched, sum};
use super::head::{Head, Transport, be16, be32};

/// Which end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// Gives one end of an IPv4 UDP or TCP packet another address and port, in bytes and head, and
/// keeps its checksums as right or wrong as they were.
pub(crate) fn set_endpoint(packet: &mut [u8], head: &mut Head, side: Side, to: (u128, u16)) {
    debug_assert!(!head.v6, "IPv6 is never translated");
    let (at, port_at) = match side {
        Side::Source => (12, usize::from(head.transport)),
        Side::Destination => (16, usize::from(head.transport) + 2),
    };
    let checksum_at = usize::from(head.transport) + if head.protocol == 17 { 6 } else { 16 };
    let absent = head.protocol == 17 && be16(packet, checksum_at) == 0;
    let new = (to.0 as u32).to_be_bytes();
    let high = u16::from_be_bytes([new[0], new[1]]);
    let low = u16::from_be_bytes([new[2], new[3]]);
    let words = [(at, high, true), (at + 2, low, true), (port_at, to.1, false)];
    let mut header = be16(packet, 10);
    let mut transport = be16(packet, checksum_at);
    for (at, new, in_header) in words {
        let old = be16(packet, at);
        transport = patched(transport, old, new);
        if in_header {
            header = patched(header, old, new);
        }
        put16(packet, at, new);
    }
    put16(packet, 10, header);
    if !absent {
        // RFC 768: zero would say that there is no checksum.
        let never_zero = if transport == 0 && head.protocol == 17 { 0xffff } else { transport };
        put16(packet, checksum_at, never_zero);
    }
    match side {
        Side::Source => (head.src, head.src_port) = to,
        Side::Destination => (head.dst, head.dst_port) = to,
    }
}

/// Takes one hop off. False if none is left.
pub(crate) fn decrement_ttl(packet: &mut [u8], head: &mut Head) -> bool {
    if head.ttl <= 1 {
        return false;
    }
    head.ttl -= 1;
    if head.v6 {
        packet[7] = head.ttl;
    } else {
        let old = be16(packet, 8);
        packet[8] = head.ttl;
        let checksum = patched(be16(packet, 10), old, be16(packet, 8));
        put16(packet, 10, checksum);
    }
    true
}

/// Makes lengths and checksums of a packet right whose end was cut or whose payload was changed.
pub(crate) fn repair(packet: &mut [u8], head: &Head) {
    let transport = usize::from(head.transport);
    if head.v6 {
        put16(packet, 4, packet.len().saturating_sub(40) as u16);
    } else {
        put16(packet, 2, packet.len() as u16);
        put16(packet, 10, 0);
        let checksum = sum(packet.get(..transport).unwrap_or_default()).finish();
        put16(packet, 10, checksum);
    }
    if head.fragment {
        return;
    }
    let field = transport
        + match head.kind() {
            Transport::Udp => 6,
            Transport::Tcp => 16,
            Transport::Icmp4 | Transport::Icmp6 => 2,
            Transport::Other => return,
        };
    if head.kind() == Transport::Udp {
        put16(packet, transport + 4, packet.len().saturating_sub(transport) as u16);
    }
    put16(packet, field, 0);
    let pseudo = match head.kind() {
        Transport::Icmp4 => sum(&[]),
        _ => PseudoHeader::sum(packet, head),
    };
    let checksum = pseudo.add(packet.get(transport..).unwrap_or_default()).finish();
    let zero = checksum == 0 && head.kind() == Transport::Udp;
    put16(packet, field, if zero { 0xffff } else { checksum });
}

/// Cuts a TCP segment into such whose packets are no longer than `mtu`. What fits, or is no TCP, stays
/// as it is.
pub(crate) fn cut_segment(packet: Vec<u8>, mtu: usize) -> Vec<Vec<u8>> {
    const FIN: u8 = 0x01;
    const PSH: u8 = 0x08;
    let Ok((head, _)) = Head::parse(&packet) else { return vec![packet] };
    let transport = usize::from(head.transport);
    let begin = transport + usize::from(packet.get(transport + 12).map_or(0, |byte| byte >> 4)) * 4;
    let room = mtu.saturating_sub(begin);
    if head.kind() != Transport::Tcp || head.fragment || packet.len() <= mtu || room == 0 {
        return vec![packet];
    }
    let (header, data) = packet.split_at(begin);
    let last = data.len().div_ceil(room).saturating_sub(1);
    let piece = |(n, data): (usize, &[u8])| {
        let mut piece = [header, data].concat();
        let sequence = be32(header, transport + 4).wrapping_add((n * room) as u32);
        piece[transport + 4..transport + 8].copy_from_slice(&sequence.to_be_bytes());
        if n < last {
            piece[transport + 13] &= !(FIN | PSH);
        }
        repair(&mut piece, &head);
        piece
    };
    data.chunks(room).enumerate().map(piece).collect()
}

fn put16(bytes: &mut [u8], at: usize, word: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use proptest::prelude::*;

    use super::super::{address, transport_checksum_is_right, udp};
    use super::*;

    proptest! {
        #[test]
        fn checksums_stay_right_whatever_is_rewritten(
            from: (u32, u16), to: (u32, u16), new: (u32, u16), source: bool,
            payload in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let at = |(ip, port): (u32, u16)| SocketAddr::from((ip.to_be_bytes(), port));
            let mut packet = Vec::new();
            udp(&mut packet, at(from), at(to), &payload).unwrap();
            let (mut head, _) = Head::parse(&packet).unwrap();
            let side = if source { Side::Source } else { Side::Destination };
            set_endpoint(&mut packet, &mut head, side, (address(at(new).ip()), new.1));
            prop_assert!(decrement_ttl(&mut packet, &mut head));
            let (read, _) = Head::parse(&packet).unwrap();
            prop_assert_eq!(read, head);
            prop_assert!(transport_checksum_is_right(&packet, &read));
            prop_assert_eq!(if source { read.source() } else { read.destination() }, at(new));
        }
    }

    /// A TCP packet of either family with FIN and PSH, and so much data.
    fn segment(v6: bool, data: &[u8]) -> Vec<u8> {
        let mut packet: Vec<u8> = match v6 {
            false => vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
            true => [&[0x60, 0, 0, 0, 0, 0, 6, 64][..], &[0x20; 32][..]].concat(),
        };
        let transport = packet.len();
        packet.extend([
            0, 80, 0, 81, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 9, 0x50, 0x19, 1, 0, 0, 0, 0, 0,
        ]);
        packet.extend_from_slice(data);
        let head = Head {
            src: 0,
            dst: 0,
            src_port: 80,
            dst_port: 81,
            transport: transport as u16,
            protocol: 6,
            ttl: 64,
            tcp_flags: 0x19,
            v6,
            fragment: false,
            dont_fragment: true,
        };
        repair(&mut packet, &head);
        packet
    }

    #[test]
    fn a_segment_that_is_too_long_is_cut_into_whole_ones() {
        let data: Vec<u8> = (0..1000u16).map(|n| n as u8).collect();
        for (v6, header) in [(false, 40), (true, 60)] {
            let packet = segment(v6, &data);
            assert_eq!(cut_segment(packet.clone(), packet.len()), std::slice::from_ref(&packet));
            let pieces = cut_segment(packet, 600);
            let lengths: Vec<usize> = pieces.iter().map(Vec::len).collect();
            assert_eq!(lengths, [600, header + 1000 - (600 - header)]);
            let mut sequence = 0xffff_fff0_u32;
            for (n, piece) in pieces.iter().enumerate() {
                let (head, length) = Head::parse(piece).unwrap();
                assert_eq!(length, piece.len());
                assert!(transport_checksum_is_right(piece, &head));
                let transport = usize::from(head.transport);
                assert_eq!(be32(piece, transport + 4), sequence, "across the end of the numbers");
                assert_eq!(head.tcp_flags, if n == 0 { 0x10 } else { 0x19 });
                sequence = sequence.wrapping_add((piece.len() - header) as u32);
            }
            let whole: Vec<u8> =
                pieces.iter().flat_map(|piece| &piece[header..]).copied().collect();
            assert_eq!(whole, data);
        }
    }

    #[test]
    fn a_datagram_without_checksum_stays_without() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut packet = Vec::new();
        udp(&mut packet, at("10.0.0.1:1"), at("10.0.0.2:2"), b"x").unwrap();
        packet[26..28].fill(0);
        let (mut head, _) = Head::parse(&packet).unwrap();
        set_endpoint(&mut packet, &mut head, Side::Source, (address(at("1.2.3.4:9").ip()), 9));
        assert_eq!(packet[26..28], [0, 0]);
    }

    #[test]
    fn a_cut_packet_is_whole_again_after_repair() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        for (from, to) in [("10.0.0.1:1", "10.0.0.2:2"), ("[2001:db8::1]:1", "[2001:db8::2]:2")] {
            let mut packet = Vec::new();
            udp(&mut packet, at(from), at(to), b"hello").unwrap();
            let (head, _) = Head::parse(&packet).unwrap();
            packet.pop();
            assert!(Head::parse(&packet).is_err());
            repair(&mut packet, &head);
            let (head, _) = Head::parse(&packet).unwrap();
            assert!(transport_checksum_is_right(&packet, &head) && packet.ends_with(b"hell"));
        }
    }
}
