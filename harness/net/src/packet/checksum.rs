use super::head::{Head, Transport};

/// The internet checksum's running sum (RFC 1071), not yet complemented.
///
/// Words are added in the machine's own byte order and swapped once at the end, which RFC 1071 §2
/// (B) shows to be the same.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    pub(crate) fn add(mut self, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(4);
        for chunk in &mut chunks {
            self.0 += u64::from(u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
        }
        let mut last = [0; 4];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.0 += u64::from(u32::from_ne_bytes(last));
        self
    }

    pub(crate) fn add_u16(self, word: u16) -> Self {
        Self(self.0 + u64::from(word.to_be()))
    }

    /// The checksum field's value.
    pub(crate) fn finish(self) -> u16 {
        u16::from_be(!fold(self.0))
    }
}

/// The sum over `bytes`.
pub(crate) fn sum(bytes: &[u8]) -> Sum {
    Sum::default().add(bytes)
}

fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 32) + (sum & 0xffff_ffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

/// What transport checksums cover beside the segment (RFC 768, RFC 8200 §8.1).
pub(crate) struct PseudoHeader;

impl PseudoHeader {
    pub(crate) fn sum(packet: &[u8], head: &Head) -> Sum {
        let addresses = if head.v6 { 8..40 } else { 12..20 };
        let length = packet.len().saturating_sub(usize::from(head.transport));
        sum(packet.get(addresses).unwrap_or_default())
            .add_u16(length as u16)
            .add_u16(u16::from(head.protocol))
    }
}

/// Whether UDP's, TCP's or ICMP's checksum is right; absent ones (UDP over IPv4) and transports
/// without one are.
pub(crate) fn transport_checksum_is_right(packet: &[u8], head: &Head) -> bool {
    let segment = packet.get(usize::from(head.transport)..).unwrap_or_default();
    match head.kind() {
        Transport::Udp if !head.v6 && segment.get(6..8) == Some(&[0, 0]) => true,
        Transport::Udp | Transport::Tcp | Transport::Icmp6 => {
            PseudoHeader::sum(packet, head).add(segment).finish() == 0
        }
        Transport::Icmp4 => sum(segment).finish() == 0,
        Transport::Other => true,
    }
}

/// A checksum after one 16-bit word it covers changed.
///
/// RFC 1624 §3 equation 3: the complement of the new word is never added, so no sum is lost.
pub(super) fn patched(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(u64::from(!checksum) + u64::from(!old) + u64::from(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_section_3_sums_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(sum(&bytes).finish(), !0xddf2);
    }

    #[test]
    fn odd_lengths_count_as_padded_with_zero() {
        assert_eq!(sum(&[0x12, 0x34, 0x56]).finish(), sum(&[0x12, 0x34, 0x56, 0]).finish());
    }

    #[test]
    fn patching_equals_summing_anew() {
        for (old, new) in [(0u16, 0u16), (0xffff, 1), (1, 0xffff), (0x1234, 0x8000), (0x5555, 0)] {
            let mut bytes = [0xab, 0xcd, 0, 0, 0x7f, 0xff];
            bytes[2..4].copy_from_slice(&old.to_be_bytes());
            let before = sum(&bytes).finish();
            bytes[2..4].copy_from_slice(&new.to_be_bytes());
            assert_eq!(patched(before, old, new), sum(&bytes).finish(), "{old:x} {new:x}");
        }
    }
}
