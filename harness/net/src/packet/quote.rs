use super::head::{Head, TCP, Transport, UDP, be16, ip, v4_address};
use crate::fabric::Protocol;
use crate::observe::Flow;

/// The endpoints of the packet that "destination unreachable" is about, except where it only says
/// that the packet was too big: that one may still get through, smaller.
pub(crate) fn quoted_flow(packet: &[u8], head: &Head) -> Option<Flow> {
    let message = packet.get(usize::from(head.transport)..)?;
    let (kind, code) = (*message.first()?, *message.get(1)?);
    let quote = message.get(8..)?;
    let (addresses, protocol, transport) = match (head.kind(), kind, code) {
        (Transport::Icmp4, 3, 4) => return None,
        (Transport::Icmp4, 3, _) => {
            let header = quote.get(..20)?;
            let octets = |at: usize| [header[at], header[at + 1], header[at + 2], header[at + 3]];
            let length = usize::from(header[0] & 0x0f) * 4;
            ((v4_address(octets(12)), v4_address(octets(16))), header[9], length)
        }
        (Transport::Icmp6, 1, _) => {
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
    Some(Flow {
        protocol: Some(protocol),
        source: (ip(addresses.0), be16(quote, transport)).into(),
        destination: (ip(addresses.1), be16(quote, transport + 2)).into(),
    })
}
