use super::head::{Head, TCP, Transport, UDP, be16, be32, ip, v4_address};
use crate::fabric::Protocol;
use crate::observe::Flow;

/// What an ICMP error says of the packet that it quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its destination cannot be reached, by the numbers of ICMP's or `ICMPv6`'s registry.
    Unreachable { kind: u8, code: u8 },
    /// It was too long for a link: it may get through, shorter.
    TooBig { mtu: u32 },
}

/// The endpoints of the packet that an ICMP error is about, and what it says of it. None for errors
/// that say something else.
pub(crate) fn quoted_flow(packet: &[u8], head: &Head) -> Option<(Flow, Fault)> {
    let message = packet.get(usize::from(head.transport)..)?;
    let (kind, code) = (*message.first()?, *message.get(1)?);
    let quote = message.get(8..)?;
    let fault = match (head.kind(), kind, code) {
        (Transport::Icmp4, 3, 4) => Fault::TooBig { mtu: be16(message, 6).into() },
        // RFC 4443 §3.2.
        (Transport::Icmp6, 2, _) => Fault::TooBig { mtu: be32(message, 4) },
        _ => Fault::Unreachable { kind, code },
    };
    let (addresses, protocol, transport) = match (head.kind(), kind) {
        (Transport::Icmp4, 3) => {
            let header = quote.get(..20)?;
            let octets = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
            let length = usize::from(header[0] & 0x0f) * 4;
            ((v4_address(octets(12)), v4_address(octets(16))), header[9], length)
        }
        (Transport::Icmp6, 1 | 2) => {
            let header = quote.get(..40)?;
            let word =
                |at: usize| header[at..at + 16].iter().fold(0u128, |n, &b| n << 8 | u128::from(b));
            ((word(8), word(24)), header[6], 40)
        }
        _ => return None,
    };
    quote.get(transport..transport + 4)?;
    let protocol = match protocol {
        UDP => Protocol::Udp,
        TCP => Protocol::Tcp,
        _ => return None,
    };
    let flow = Flow {
        protocol: Some(protocol),
        source: (ip(addresses.0), be16(quote, transport)).into(),
        destination: (ip(addresses.1), be16(quote, transport + 2)).into(),
    };
    Some((flow, fault))
}
