use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::fabric::Protocol;

/// Why bytes are no packet that elements can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Neither version 4 nor 6.
    #[error("read IP version {0}")]
    Version(u8),
    /// Fewer bytes than the IP header has or says.
    #[error("read the IP header: cut short")]
    IpCutShort,
    /// IPv4's header checksum is wrong.
    #[error("verify the IPv4 header checksum")]
    HeaderChecksum,
    /// More bytes than any element carries.
    #[error("carry {0} bytes")]
    TooLong(usize),
    /// Fewer bytes than the UDP, TCP or ICMP header has or says.
    #[error("read the transport header: cut short")]
    TransportCutShort,
    /// An IPv4 address inside an IPv6 one, which never crosses a wire (RFC 6890 §2.2.3).
    #[error("carry an IPv4-mapped IPv6 address")]
    MappedAddress,
}

/// What follows the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Icmp4,
    Icmp6,
    Other,
}

/// What elements want to know of a packet, read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub(crate) src: u128,
    pub(crate) dst: u128,
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    /// Where the transport header begins.
    pub(crate) transport: u16,
    pub(crate) protocol: u8,
    pub(crate) ttl: u8,
    /// TCP's flags byte.
    pub(crate) tcp_flags: u8,
    pub(crate) v6: bool,
    /// A piece of a packet: ports may be missing.
    pub(crate) fragment: bool,
    pub(crate) dont_fragment: bool,
}

pub(crate) const UDP: u8 = 17;
pub(crate) const TCP: u8 = 6;
pub(crate) const ICMP4: u8 = 1;
pub(crate) const ICMP6: u8 = 58;

/// An address as elements compare it: IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
pub(crate) fn address(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4_address(v4.octets()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

pub(crate) fn v4_address(octets: [u8; 4]) -> u128 {
    0xffff_0000_0000 | u128::from(u32::from_be_bytes(octets))
}

fn is_mapped(address: u128) -> bool {
    address >> 32 == 0xffff
}

/// The inverse of [`address`].
pub(crate) fn ip(address: u128) -> IpAddr {
    if is_mapped(address) {
        Ipv4Addr::from(address as u32).into()
    } else {
        Ipv6Addr::from(address).into()
    }
}

impl Head {
    /// Reads a packet; bytes behind the length its header gives are ignored.
    ///
    /// # Errors
    /// [`Malformed`] says why it is none.
    pub fn parse(packet: &[u8]) -> Result<(Self, usize), Malformed> {
        if packet.len() > super::MAX_PACKET {
            return Err(Malformed::TooLong(packet.len()));
        }
        let (mut head, length) = match packet.first().map(|byte| byte >> 4) {
            Some(4) => parse_v4(packet)?,
            Some(6) => parse_v6(packet)?,
            Some(other) => return Err(Malformed::Version(other)),
            None => return Err(Malformed::IpCutShort),
        };
        head.read_transport(&packet[..length])?;
        Ok((head, length))
    }

    pub(crate) fn kind(&self) -> Transport {
        match (self.protocol, self.v6) {
            (UDP, _) => Transport::Udp,
            (TCP, _) => Transport::Tcp,
            (ICMP4, false) => Transport::Icmp4,
            (ICMP6, true) => Transport::Icmp6,
            _ => Transport::Other,
        }
    }

    /// The protocol, if rules can name it.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.kind() {
            Transport::Udp => Some(Protocol::Udp),
            Transport::Tcp => Some(Protocol::Tcp),
            Transport::Icmp4 | Transport::Icmp6 => Some(Protocol::Icmp),
            Transport::Other => None,
        }
    }

    /// Where it comes from; port 0 if its protocol has no ports.
    pub fn source(&self) -> SocketAddr {
        SocketAddr::new(ip(self.src), self.src_port)
    }

    /// Where it goes; port 0 if its protocol has no ports.
    pub fn destination(&self) -> SocketAddr {
        SocketAddr::new(ip(self.dst), self.dst_port)
    }

    /// Whether it is a message about another packet, to which no error may answer
    /// (RFC 1122 §3.2.2, RFC 4443 §2.4).
    pub(crate) fn is_icmp(&self) -> bool {
        matches!(self.kind(), Transport::Icmp4 | Transport::Icmp6)
    }

    fn read_transport(&mut self, packet: &[u8]) -> Result<(), Malformed> {
        if self.fragment {
            return Ok(());
        }
        let cut = Malformed::TransportCutShort;
        let segment = packet.get(usize::from(self.transport)..).ok_or(cut)?;
        let least = match self.kind() {
            Transport::Udp | Transport::Icmp4 | Transport::Icmp6 => 8,
            Transport::Tcp => 20,
            Transport::Other => 0,
        };
        if segment.len() < least {
            return Err(cut);
        }
        match self.kind() {
            Transport::Udp if !(8..=segment.len()).contains(&usize::from(be16(segment, 4))) => {
                return Err(cut);
            }
            Transport::Udp | Transport::Tcp => {
                self.src_port = be16(segment, 0);
                self.dst_port = be16(segment, 2);
            }
            _ => {}
        }
        if self.kind() == Transport::Tcp {
            self.tcp_flags = segment[13];
        }
        Ok(())
    }
}

/// The 16-bit word at `at`, zero if there is none.
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    match bytes.get(at..at + 2) {
        Some(word) => u16::from_be_bytes([word[0], word[1]]),
        None => 0,
    }
}

/// The 32-bit word at `at`, its halves zero where there are none.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at)) << 16 | u32::from(be16(bytes, at + 2))
}

fn parse_v4(packet: &[u8]) -> Result<(Head, usize), Malformed> {
    let header_length = usize::from(packet[0] & 0x0f) * 4;
    let header = packet.get(..header_length.max(20)).ok_or(Malformed::IpCutShort)?;
    let length = usize::from(be16(header, 2));
    if header_length < 20 || length < header_length || length > packet.len() {
        return Err(Malformed::IpCutShort);
    }
    if super::sum(header).finish() != 0 {
        return Err(Malformed::HeaderChecksum);
    }
    let fragmentation = be16(header, 6);
    let octets = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
    let head = Head {
        src: v4_address(octets(12)),
        dst: v4_address(octets(16)),
        src_port: 0,
        dst_port: 0,
        transport: header_length as u16,
        protocol: header[9],
        ttl: header[8],
        tcp_flags: 0,
        v6: false,
        // More fragments, or an offset.
        fragment: fragmentation & 0x3fff != 0,
        dont_fragment: fragmentation & 0x4000 != 0,
    };
    Ok((head, length))
}

fn parse_v6(packet: &[u8]) -> Result<(Head, usize), Malformed> {
    let header = packet.get(..40).ok_or(Malformed::IpCutShort)?;
    let length = 40 + usize::from(be16(header, 4));
    if length > packet.len() {
        return Err(Malformed::IpCutShort);
    }
    let word = |at: usize| header[at..at + 16].iter().fold(0u128, |n, &b| n << 8 | u128::from(b));
    let (src, dst) = (word(8), word(24));
    if is_mapped(src) || is_mapped(dst) {
        return Err(Malformed::MappedAddress);
    }
    let (protocol, transport, fragment) = skip_extensions(&packet[..length], header[6])?;
    let head = Head {
        src,
        dst,
        src_port: 0,
        dst_port: 0,
        transport,
        protocol,
        ttl: header[7],
        tcp_flags: 0,
        v6: true,
        fragment,
        dont_fragment: true,
    };
    Ok((head, length))
}

/// Walks IPv6's extension headers (RFC 8200 §4), at most eight of them.
fn skip_extensions(packet: &[u8], first: u8) -> Result<(u8, u16, bool), Malformed> {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    const DESTINATION: u8 = 60;
    let (mut next, mut at) = (first, 40usize);
    for _ in 0..8 {
        match next {
            FRAGMENT => return Ok((next, at as u16, true)),
            HOP_BY_HOP | ROUTING | DESTINATION => {
                let extension = packet.get(at..at + 2).ok_or(Malformed::IpCutShort)?;
                next = extension[0];
                at += 8 + usize::from(extension[1]) * 8;
            }
            _ => break,
        }
    }
    if at > packet.len() {
        return Err(Malformed::IpCutShort);
    }
    Ok((next, at as u16, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_round_trip() {
        for text in ["203.0.113.9", "::1", "2001:db8::9"] {
            let parsed: IpAddr = text.parse().unwrap();
            assert_eq!(ip(address(parsed)), parsed);
        }
    }

    #[test]
    fn a_length_beyond_the_bytes_is_cut_short() {
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[3] = 21;
        assert_eq!(Head::parse(&packet), Err(Malformed::IpCutShort));
        assert_eq!(Head::parse(&[]), Err(Malformed::IpCutShort));
        assert_eq!(Head::parse(&[0x50]), Err(Malformed::Version(5)));
    }
}
