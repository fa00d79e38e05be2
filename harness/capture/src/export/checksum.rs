//! Checksums done anew: a right one is right again, a wrong one as wrong as before.

use std::net::IpAddr;

/// RFC 1071: the sum over pieces, of which all but the last have even lengths.
pub(super) fn internet(pieces: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for piece in pieces {
        let (words, odd) = piece.as_chunks::<2>();
        sum += words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        sum += odd.first().map_or(0, |last| u64::from(*last) << 8);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The sum of a transport's packet with its field taken as zero (RFC 9293 §3.1, RFC 8200 §8.1).
pub(super) fn transport(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    packet: &[u8],
    field: usize,
) -> u16 {
    let (before, rest) = packet.split_at(field.min(packet.len()));
    let after = rest.get(2..).unwrap_or_default();
    let length = (packet.len() as u32).to_be_bytes();
    let tail = [&length[..], &[0, 0, 0, protocol]].concat();
    let addresses = match (source, destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
        (IpAddr::V6(from), IpAddr::V6(to)) => [from.octets(), to.octets()].concat(),
        _ => Vec::new(),
    };
    internet(&[&addresses, &tail, before, after])
}

/// The field of a packet that was rewritten, from what it was and what it had to be.
pub(super) fn anew(found: u16, expected: u16, now: u16) -> u16 {
    now.wrapping_add(found.wrapping_sub(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_rfc_1071() {
        // RFC 1071 §3.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(internet(&[&bytes]), !0xddf2);
        assert_eq!(internet(&[&bytes[..4], &bytes[4..]]), !0xddf2);
        assert_eq!(internet(&[&bytes, &[0xab]]), internet(&[&bytes, &[0xab, 0]]));
    }

    #[test]
    fn right_stays_right_and_wrong_wrong() {
        assert_eq!(anew(0x1234, 0x1234, 0xaaaa), 0xaaaa);
        assert_ne!(anew(0x1235, 0x1234, 0xaaaa), 0xaaaa);
    }
}
