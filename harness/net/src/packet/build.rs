use std::net::{IpAddr, SocketAddr};

use super::checksum::{PseudoHeader, sum};
use super::head::{Head, ICMP4, ICMP6, TCP, UDP, address, be32};

/// A payload too long for any packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("send {length} bytes in one datagram")]
pub struct UdpTooLong {
    /// Bytes of payload.
    pub length: usize,
}

/// Hop limit of packets that hosts and elements make.
const TTL: u8 = 64;

/// What a UDP packet carries; `None` if it is not a whole one.
pub fn udp_payload(packet: &[u8]) -> Option<&[u8]> {
    let (head, length) = super::Head::parse(packet).ok()?;
    let start = usize::from(head.transport) + 8;
    let whole = head.kind() == super::Transport::Udp && !head.fragment;
    whole.then(|| packet.get(start..length)).flatten()
}

/// Writes a UDP datagram into `packet`, replacing what is there. IPv4's DF bit is set.
///
/// # Errors
/// [`UdpTooLong`] if it would exceed [`super::MAX_PACKET`].
///
/// # Panics
/// Never: addresses of two families make an IPv6 packet of the mapped form, which no element
/// carries.
pub fn udp(
    packet: &mut Vec<u8>,
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
) -> Result<(), UdpTooLong> {
    if payload.len() + 48 > super::MAX_PACKET {
        return Err(UdpTooLong { length: payload.len() });
    }
    let length = 8 + payload.len();
    start(packet, source.ip(), destination.ip(), UDP, length);
    packet.extend(source.port().to_be_bytes());
    packet.extend(destination.port().to_be_bytes());
    packet.extend((length as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend_from_slice(payload);
    finish(packet, UDP, 6);
    Ok(())
}

/// Writes an IP header for `length` bytes to come.
fn start(packet: &mut Vec<u8>, source: IpAddr, destination: IpAddr, protocol: u8, length: usize) {
    packet.clear();
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet.extend([0x45, 0]);
            packet.extend((20 + length as u16).to_be_bytes());
            // Identification 0 and DF: RFC 6864 §4.1, an atomic datagram needs none.
            packet.extend([0, 0, 0x40, 0, TTL, protocol, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
            let checksum = sum(packet).finish();
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
        _ => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend((length as u16).to_be_bytes());
            packet.extend([protocol, TTL]);
            packet.extend(address(source).to_be_bytes());
            packet.extend(address(destination).to_be_bytes());
        }
    }
}

/// Fills in the transport checksum at `field` of the segment of a packet made by [`start`].
fn finish(packet: &mut [u8], protocol: u8, field: usize) {
    let v6 = packet[0] >> 4 == 6;
    let transport = if v6 { 40 } else { 20 };
    let head = Head {
        src: 0,
        dst: 0,
        src_port: 0,
        dst_port: 0,
        transport: transport as u16,
        protocol,
        ttl: TTL,
        tcp_flags: 0,
        v6,
        fragment: false,
        dont_fragment: true,
    };
    let pseudo = if protocol == ICMP4 { sum(&[]) } else { PseudoHeader::sum(packet, &head) };
    let checksum = pseudo.add(&packet[transport..]).finish();
    // RFC 768: a checksum of zero is sent as all ones.
    let checksum = if checksum == 0 && protocol == UDP { 0xffff } else { checksum };
    packet[transport + field..transport + field + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Why a packet comes back (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Host,
    Port,
    Prohibited,
    TooBig { mtu: u16 },
}

impl Unreachable {
    /// Type, code and the 32 bits behind the checksum.
    fn message(self, v6: bool) -> (u8, u8, u32) {
        match (self, v6) {
            (Self::Host, false) => (3, 1, 0),
            (Self::Port, false) => (3, 3, 0),
            (Self::Prohibited, false) => (3, 13, 0),
            (Self::TooBig { mtu }, false) => (3, 4, mtu.into()),
            (Self::Host, true) => (1, 3, 0),
            (Self::Port, true) => (1, 4, 0),
            (Self::Prohibited, true) => (1, 1, 0),
            (Self::TooBig { mtu }, true) => (2, 0, mtu.into()),
        }
    }
}

/// Writes the ICMP error that `from` sends about `offender`.
pub(crate) fn unreachable_error(
    packet: &mut Vec<u8>,
    from: IpAddr,
    offender: (&[u8], &Head),
    why: Unreachable,
) {
    let (offender, head) = offender;
    // RFC 1812 §4.3.2.3 and RFC 4443 §3.1: as much of the packet as fits the least MTU.
    let (protocol, room) = if head.v6 { (ICMP6, 1280 - 48) } else { (ICMP4, 576 - 28) };
    let quoted = &offender[..offender.len().min(room)];
    let (kind, code, rest) = why.message(head.v6);
    start(packet, from, head.source().ip(), protocol, 8 + quoted.len());
    packet.extend([kind, code, 0, 0]);
    packet.extend(rest.to_be_bytes());
    packet.extend_from_slice(quoted);
    finish(packet, protocol, 2);
}

/// Writes the error with which a host answers a packet that it cannot pass on (RFC 792, code 1;
/// RFC 4443 §3.1, code 3); false if `offender` is no whole packet, or an error itself.
pub fn host_unreachable(packet: &mut Vec<u8>, from: IpAddr, offender: &[u8]) -> bool {
    match Head::parse(offender) {
        Ok((head, _)) if !head.is_icmp() => {
            unreachable_error(packet, from, (offender, &head), Unreachable::Host);
            true
        }
        _ => false,
    }
}

/// Writes the reset that refuses the TCP segment `offender` (RFC 9293 §3.5.2, group 1).
/// False if that segment is a reset itself.
pub(crate) fn tcp_reset(packet: &mut Vec<u8>, offender: (&[u8], &Head)) -> bool {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let (offender, head) = offender;
    let segment = &offender[usize::from(head.transport)..];
    if head.tcp_flags & RST != 0 || segment.len() < 20 {
        return false;
    }
    let data = segment.len().saturating_sub(usize::from(segment[12] >> 4) * 4) as u32;
    let spans = data + u32::from(head.tcp_flags & SYN != 0) + u32::from(head.tcp_flags & FIN != 0);
    let (sequence, acknowledgment, flags) = if head.tcp_flags & ACK != 0 {
        (be32(segment, 8), 0, RST)
    } else {
        (0, be32(segment, 4).wrapping_add(spans), RST | ACK)
    };
    start(packet, head.destination().ip(), head.source().ip(), TCP, 20);
    packet.extend(head.dst_port.to_be_bytes());
    packet.extend(head.src_port.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend(acknowledgment.to_be_bytes());
    packet.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
    finish(packet, TCP, 16);
    true
}

#[cfg(test)]
mod tests {
    use super::super::transport_checksum_is_right;
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn datagrams_of_both_families_are_whole() {
        for (from, to) in [("10.0.0.1:1", "10.0.0.2:2"), ("[2001:db8::1]:1", "[2001:db8::2]:2")] {
            let mut packet = vec![9; 7];
            udp(&mut packet, at(from), at(to), b"hello").unwrap();
            let (head, length) = Head::parse(&packet).unwrap();
            assert_eq!(length, packet.len());
            assert_eq!((head.source(), head.destination()), (at(from), at(to)));
            assert!(transport_checksum_is_right(&packet, &head));
            assert!(packet.ends_with(b"hello"));
        }
    }

    #[test]
    fn errors_quote_the_packet_they_are_about() {
        for (from, to) in [("10.0.0.1:1", "10.0.0.2:2"), ("[2001:db8::1]:1", "[2001:db8::2]:2")] {
            let mut offender = Vec::new();
            udp(&mut offender, at(from), at(to), &[7; 1400]).unwrap();
            let (head, _) = Head::parse(&offender).unwrap();
            let mut error = Vec::new();
            let why = Unreachable::TooBig { mtu: 1200 };
            unreachable_error(&mut error, at(to).ip(), (&offender, &head), why);
            let (answer, length) = Head::parse(&error).unwrap();
            assert!(answer.is_icmp() && transport_checksum_is_right(&error, &answer));
            assert_eq!(answer.destination().ip(), at(from).ip());
            assert_eq!(length, if head.v6 { 1280 } else { 576 });
        }
    }

    #[test]
    fn a_payload_beyond_the_limit_is_refused() {
        let error = udp(&mut Vec::new(), at("1.1.1.1:1"), at("1.1.1.2:1"), &[0; 9_200]);
        assert_eq!(error, Err(UdpTooLong { length: 9_200 }));
    }
}
