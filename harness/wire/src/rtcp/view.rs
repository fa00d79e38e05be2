//! RTCP packets as they stand (RFC 3550 §6.1, §6.4.1).
//!
//! ```txt
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|  count  |  packet type  |        length in words        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::error::RtcpError;
use super::packet_type::PacketType;
use crate::rtp::Ssrc;

pub(super) const HEADER: usize = 4;
const VERSION: u8 = 2;

/// One packet of a compound, of whatever type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketView<'a> {
    bytes: &'a [u8],
    padding: u8,
}

impl<'a> PacketView<'a> {
    /// Splits the first packet off a compound.
    ///
    /// # Errors
    /// [`RtcpError::Short`], [`RtcpError::Version`], [`RtcpError::Length`],
    /// [`RtcpError::Padding`].
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), RtcpError> {
        let &[first, _, high, low, ..] = bytes else { return Err(RtcpError::Short(bytes.len())) };
        if first >> 6 != VERSION {
            return Err(RtcpError::Version(first >> 6));
        }
        let claimed = HEADER + 4 * usize::from(u16::from_be_bytes([high, low]));
        let split = bytes.split_at_checked(claimed);
        let (bytes, rest) = split.ok_or(RtcpError::Length { claimed, found: bytes.len() })?;
        let is_padded = first & 0x20 != 0;
        let padding = bytes.last().copied().filter(|_| is_padded).unwrap_or(0);
        let fits = padding.is_multiple_of(4) && usize::from(padding) <= claimed - HEADER;
        if is_padded && (padding == 0 || !fits) {
            return Err(RtcpError::Padding(padding));
        }
        Ok((Self { bytes, padding }, rest))
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The five bits after the padding bit: a count, a format or a subtype.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.bytes.first().map_or(0, |byte| byte & 0x1f)
    }

    /// Packet type.
    #[must_use]
    pub fn packet_type(&self) -> PacketType {
        PacketType(self.bytes.get(1).copied().unwrap_or_default())
    }

    /// What follows the header, without padding.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        let end = self.bytes.len() - usize::from(self.padding);
        self.bytes.get(HEADER..end).unwrap_or_default()
    }

    /// Bytes of padding.
    #[must_use]
    pub fn padding(&self) -> u8 {
        self.padding
    }

    /// The first word of the body: in most types the sender.
    #[must_use]
    pub fn ssrc(&self) -> Option<Ssrc> {
        Reader::new(self.body()).ssrc("sender").ok()
    }
}

/// The packets of a compound, in order. What cannot be split off is the last item, an error.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    /// Empty after an error.
    rest: &'a [u8],
}

/// Splits a datagram into packets.
#[must_use]
pub fn packets(datagram: &[u8]) -> Packets<'_> {
    Packets { rest: datagram }
}

impl<'a> Packets<'a> {
    /// The bytes that were not split yet; none after an error.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<PacketView<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let split = PacketView::split(rest);
        Some(split.map(|(packet, rest)| {
            self.rest = rest;
            packet
        }))
    }
}

/// Whether a datagram is a valid compound (RFC 3550 §6.1), or with `reduced_size` one that may
/// start with any packet (RFC 5506 §3.4.2).
///
/// # Errors
/// The first [`RtcpError`].
pub fn check_compound(datagram: &[u8], reduced_size: bool) -> Result<(), RtcpError> {
    let mut packets = packets(datagram);
    let first = packets.clone().next().ok_or(RtcpError::Empty)??.packet_type();
    if !reduced_size && !first.is_report() {
        return Err(RtcpError::NoReport(first.0));
    }
    while let Some(packet) = packets.next() {
        if packet?.padding > 0 && !packets.rest.is_empty() {
            return Err(RtcpError::PaddingInside);
        }
    }
    Ok(())
}

/// Reads a body from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(
        &mut self,
        length: usize,
        what: &'static str,
    ) -> Result<&'a [u8], RtcpError> {
        let split = self.rest.split_at_checked(length).ok_or(RtcpError::Truncated(what))?;
        self.rest = split.1;
        Ok(split.0)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], RtcpError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(RtcpError::Truncated(what))?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, RtcpError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, RtcpError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// Three bytes, in the lower bits.
    pub(super) fn u24(&mut self, what: &'static str) -> Result<u32, RtcpError> {
        self.array(what).map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, RtcpError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, RtcpError> {
        self.array(what).map(u64::from_be_bytes)
    }

    pub(super) fn ssrc(&mut self, what: &'static str) -> Result<Ssrc, RtcpError> {
        self.u32(what).map(Ssrc)
    }

    /// As many items as `count` says: bounded by the bytes, whatever it claims.
    pub(super) fn list<T>(
        &mut self,
        count: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, RtcpError>,
    ) -> Result<Vec<T>, RtcpError> {
        // No capacity by the claimed count: the items show how many there are.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Items up to the end.
    pub(super) fn all<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, RtcpError>,
    ) -> Result<Vec<T>, RtcpError> {
        let mut items = Vec::new();
        while !self.is_empty() {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn end(&self) -> Result<(), RtcpError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(RtcpError::Trailing(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_REPORT: [u8; 8] = *b"\x80\xc9\x00\x01\x00\x00\x00\x07";

    #[test]
    fn compound_is_split_and_trailing_garbage_shown() {
        let unknown = b"\x9f\xd0\x00\x00";
        let datagram = [&EMPTY_REPORT[..], unknown, b"\x00\x01"].concat();
        let found: Vec<_> = packets(&datagram).collect();
        assert_eq!(found[0].unwrap().ssrc(), Some(Ssrc(7)));
        let second = found[1].unwrap();
        assert_eq!((second.packet_type(), second.count()), (PacketType(208), 31));
        assert_eq!(found[2..], [Err(RtcpError::Short(2))]);
    }

    #[test]
    fn length_beyond_the_datagram_is_refused() {
        let long = b"\x80\xc9\xff\xff\x00\x00\x00\x07";
        let expected = RtcpError::Length { claimed: 262_144, found: 8 };
        assert_eq!(PacketView::split(long), Err(expected));
        assert_eq!(PacketView::split(b"\x00\xc9\x00\x00"), Err(RtcpError::Version(0)));
    }

    #[test]
    fn padding_stands_last_in_whole_words() {
        let padded = |padding: u8| {
            let bytes = [0xa0, 0xc9, 0, 2, 0, 0, 0, 7, 0, 0, 0, padding];
            PacketView::split(&bytes).map(|(packet, _)| packet.body().len())
        };
        assert_eq!(padded(4), Ok(4));
        assert_eq!(padded(8), Ok(0));
        for wrong in [0, 1, 3, 5, 12, 255] {
            assert_eq!(padded(wrong), Err(RtcpError::Padding(wrong)));
        }
        let bytes = [0xa0, 0xc9, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4];
        assert_eq!(check_compound(&bytes, false), Ok(()));
        let twice = [&bytes[..], &EMPTY_REPORT].concat();
        assert_eq!(check_compound(&twice, false), Err(RtcpError::PaddingInside));
    }

    #[test]
    fn compound_starts_with_a_report_unless_reduced() {
        let bye = b"\x80\xcb\x00\x00";
        assert_eq!(check_compound(bye, false), Err(RtcpError::NoReport(203)));
        assert_eq!(check_compound(bye, true), Ok(()));
        assert_eq!(check_compound(b"", true), Err(RtcpError::Empty));
        assert_eq!(check_compound(&[&EMPTY_REPORT[..], bye].concat(), false), Ok(()));
    }
}
