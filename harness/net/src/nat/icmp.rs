use super::core::{Core, Pair, TCP, UDP};
use super::params::Hairpin;
use super::translate::Outcome;
use crate::observe::Drop;
use crate::packet::{Head, repair, v4_address};

/// The packet an ICMP error is about, as far as it is quoted.
#[derive(Clone, Copy, Debug)]
struct Quoted {
    /// Where its header begins in the error.
    at: usize,
    transport: usize,
    protocol: u8,
    source: (u128, u16),
    destination: (u128, u16),
}

impl Core {
    /// An error from outside about a packet that left by a mapping.
    ///
    /// RFC 5508 REQ-4: dropped without a mapping for the quoted packet. RFC 4787 REQ-12, for TCP
    /// RFC 5382 REQ-10: it does not end the mapping; nor does it touch the timer, as RFC 5508 REQ-6
    /// asks where the quoted packet is ICMP itself.
    pub(super) fn error_inbound(&mut self, packet: &mut [u8], head: &mut Head) -> Outcome {
        let Some(quoted) = quoted(packet, head) else {
            return Outcome::Drop(Drop::Untranslatable);
        };
        let found = self.quoted_mapping_inbound(quoted.protocol, quoted.source, quoted.destination);
        let Some(id) = found.filter(|_| quoted.source.0 == head.dst) else {
            return Outcome::Drop(Drop::NoMapping);
        };
        let key = self.mapping(id).key;
        put(packet, quoted.at + 12, key.local, quoted.transport, key.local_port);
        put_address(packet, 16, key.local);
        head.dst = key.local;
        mend(packet, head, quoted);
        Outcome::Pass { new_mapping: false }
    }

    /// An error from inside about a packet that came in by a mapping (RFC 5508 REQ-5).
    pub(super) fn error_outbound(&mut self, packet: &mut [u8], head: &mut Head) -> Outcome {
        let Some(quoted) = quoted(packet, head) else {
            return Outcome::Drop(Drop::Untranslatable);
        };
        let pair =
            Pair { protocol: quoted.protocol, internal: quoted.destination, remote: quoted.source };
        let Some(id) = self.quoted_mapping_outbound(pair) else {
            return Outcome::Drop(Drop::NoMapping);
        };
        let (address, port) = self.external_endpoint(id);
        put(packet, quoted.at + 16, address, quoted.transport + 2, port);
        put_address(packet, 12, address);
        head.src = address;
        mend(packet, head, quoted);
        Outcome::Pass { new_mapping: false }
    }

    /// An error from inside about a hairpinned packet, to the external address that this showed
    /// (RFC 5508 REQ-7). Where hairpinning leaves the internal address there are no such errors
    /// but forged ones.
    pub(super) fn error_hairpin(&mut self, packet: &mut [u8], head: &mut Head) -> Outcome {
        if self.params.hairpin != Hairpin::External {
            return Outcome::Drop(Drop::HairpinOff);
        }
        match self.error_outbound(packet, head) {
            Outcome::Pass { .. } => {}
            other => return other,
        }
        match self.error_inbound(packet, head) {
            Outcome::Pass { new_mapping } => Outcome::Hairpin { new_mapping },
            other => other,
        }
    }
}

/// Reads the IPv4 header and ports quoted by an ICMP error; none for other ICMP.
fn quoted(packet: &[u8], head: &Head) -> Option<Quoted> {
    let icmp = usize::from(head.transport);
    // Destination unreachable, time exceeded, parameter problem.
    if !matches!(packet.get(icmp)?, 3 | 11 | 12) {
        return None;
    }
    let at = icmp + 8;
    let header = packet.get(at..at + 20)?;
    let length = usize::from(header[0] & 0x0f) * 4;
    let transport = at + length;
    let ports = packet.get(transport..transport + 4)?;
    let protocol = header[9];
    if header[0] >> 4 != 4 || length < 20 || !matches!(protocol, UDP | TCP) {
        return None;
    }
    let octets = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
    Some(Quoted {
        at,
        transport,
        protocol,
        source: (v4_address(octets(12)), u16::from_be_bytes([ports[0], ports[1]])),
        destination: (v4_address(octets(16)), u16::from_be_bytes([ports[2], ports[3]])),
    })
}

fn put(packet: &mut [u8], at: usize, address: u128, port_at: usize, port: u16) {
    put_address(packet, at, address);
    if let Some(place) = packet.get_mut(port_at..port_at + 2) {
        place.copy_from_slice(&port.to_be_bytes());
    }
}

fn put_address(packet: &mut [u8], at: usize, address: u128) {
    if let Some(place) = packet.get_mut(at..at + 4) {
        place.copy_from_slice(&(address as u32).to_be_bytes());
    }
}

/// Makes the checksums of the error and of the header it quotes right. The quoted transport
/// checksum stays: the quote is cut, so nobody can verify it.
fn mend(packet: &mut [u8], head: &Head, quoted: Quoted) {
    if let Some(header) = packet.get_mut(quoted.at..quoted.transport) {
        header[10..12].fill(0);
        let checksum = crate::packet::sum(header).finish();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
    repair(packet, head);
}
