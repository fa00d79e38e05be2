//! RTP packets as they stand, and checked.
//!
//! RFC 3550 §5.1:
//!
//! ```txt
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           timestamp                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           synchronization source (SSRC) identifier            |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |            contributing source (CSRC) identifiers             |
//! |                             ....                              |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use super::error::RtpError;
use super::extension::{ExtensionView, Form};
use super::number::{PayloadType, SequenceNumber, Ssrc};

/// Bytes of the header before the contributing sources.
pub(super) const FIXED_HEADER: usize = 12;
const VERSION: u8 = 2;
const EXTENSION_HEADER: usize = 4;

/// Any bytes, seen as an RTP packet; what is not there is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View<'a> {
    bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// Looks at any bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    fn first(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    #[inline]
    fn u32(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|found| u32::from_be_bytes(*found))
    }

    #[inline]
    fn u16(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|found| u16::from_be_bytes(*found))
    }

    /// Version, 2 in a valid packet.
    #[must_use]
    #[inline]
    pub fn version(&self) -> Option<u8> {
        self.first().map(|byte| byte >> 6)
    }

    /// The padding bit.
    #[must_use]
    #[inline]
    pub fn has_padding(&self) -> Option<bool> {
        self.first().map(|byte| byte & 0x20 != 0)
    }

    /// The extension bit.
    #[must_use]
    #[inline]
    pub fn has_extension(&self) -> Option<bool> {
        self.first().map(|byte| byte & 0x10 != 0)
    }

    /// Number of contributing sources, as claimed.
    #[must_use]
    #[inline]
    pub fn csrc_count(&self) -> Option<u8> {
        self.first().map(|byte| byte & 0x0f)
    }

    /// The marker bit.
    #[must_use]
    #[inline]
    pub fn marker(&self) -> Option<bool> {
        self.bytes.get(1).map(|byte| byte & 0x80 != 0)
    }

    /// Payload type.
    #[must_use]
    #[inline]
    pub fn payload_type(&self) -> Option<PayloadType> {
        self.bytes.get(1).map(|byte| PayloadType::from_low_bits(*byte))
    }

    /// Sequence number.
    #[must_use]
    #[inline]
    pub fn sequence_number(&self) -> Option<SequenceNumber> {
        self.u16(2).map(SequenceNumber)
    }

    /// Timestamp, in the clock of the payload type.
    #[must_use]
    #[inline]
    pub fn timestamp(&self) -> Option<u32> {
        self.u32(4)
    }

    /// Source.
    #[must_use]
    #[inline]
    pub fn ssrc(&self) -> Option<Ssrc> {
        self.u32(8).map(Ssrc)
    }

    #[inline]
    fn extension_start(&self) -> Option<usize> {
        Some(FIXED_HEADER + 4 * usize::from(self.csrc_count()?))
    }

    #[inline]
    fn header_length(&self) -> Option<usize> {
        let start = self.extension_start()?;
        if !self.has_extension()? {
            return Some(start);
        }
        let words = usize::from(self.u16(start + 2)?);
        Some(start + EXTENSION_HEADER + 4 * words)
    }

    /// Everything before the payload, if it is all there; in SRTP it can be read as it is (RFC 3711
    /// §3.1).
    #[must_use]
    pub fn header(&self) -> Option<&'a [u8]> {
        self.bytes.get(..self.header_length()?.max(FIXED_HEADER))
    }

    /// The header extension, if it is all there.
    #[must_use]
    pub fn extension(&self) -> Option<ExtensionView<'a>> {
        let header = self.header()?;
        let start = self.extension_start().filter(|start| *start < header.len())?;
        let data = header.get(start + EXTENSION_HEADER..)?;
        Some(ExtensionView::new(Form::of(self.u16(start)?), data))
    }

    /// The packet, checked once so that nothing about it can fail any more.
    ///
    /// # Errors
    /// The first [`RtpError`].
    #[inline]
    pub fn check(&self) -> Result<Packet<'a>, RtpError> {
        let length = self.bytes.len();
        if length < FIXED_HEADER {
            return Err(RtpError::Short(length));
        }
        let version = self.version().unwrap_or_default();
        if version != VERSION {
            return Err(RtpError::Version(version));
        }
        let csrcs = self.csrc_count().unwrap_or_default();
        if self.extension_start().is_none_or(|end| end > length) {
            return Err(RtpError::Csrcs(csrcs));
        }
        let header = self.header_length().filter(|header| *header <= length);
        let header = header.ok_or(RtpError::Extension)?;
        let padding = match self.bytes.last() {
            Some(last) if self.has_padding() == Some(true) => *last,
            _ => 0,
        };
        let left = length - header;
        let is_padded = self.has_padding() == Some(true);
        if is_padded && (padding == 0 || usize::from(padding) > left) {
            return Err(RtpError::Padding { padding, left });
        }
        Ok(Packet { view: *self, header, padding })
    }
}

/// A valid RTP packet over borrowed bytes.
///
/// ```
/// use rtcspec_wire::rtp::Packet;
/// let bytes = b"\x80\x6f\x00\x07\x00\x00\x03\xc0\x12\x34\x56\x78opus";
/// let packet = Packet::parse(bytes)?;
/// assert_eq!(packet.payload_type().get(), 111);
/// assert_eq!(packet.payload(), b"opus");
/// # Ok::<(), rtcspec_wire::rtp::RtpError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    view: View<'a>,
    header: usize,
    padding: u8,
}

impl<'a> Packet<'a> {
    /// Checks a packet.
    ///
    /// # Errors
    /// The first [`RtpError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        View::new(bytes).check()
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.view.bytes
    }

    /// The marker bit.
    #[must_use]
    #[inline]
    pub fn marker(&self) -> bool {
        self.view.marker().unwrap_or_default()
    }

    /// Payload type.
    #[must_use]
    #[inline]
    pub fn payload_type(&self) -> PayloadType {
        self.view.payload_type().unwrap_or(PayloadType::from_low_bits(0))
    }

    /// Sequence number.
    #[must_use]
    #[inline]
    pub fn sequence_number(&self) -> SequenceNumber {
        self.view.sequence_number().unwrap_or_default()
    }

    /// Timestamp, in the clock of the payload type.
    #[must_use]
    #[inline]
    pub fn timestamp(&self) -> u32 {
        self.view.timestamp().unwrap_or_default()
    }

    /// Source.
    #[must_use]
    #[inline]
    pub fn ssrc(&self) -> Ssrc {
        self.view.ssrc().unwrap_or_default()
    }

    /// Contributing sources, in order.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        let end = self.view.extension_start().unwrap_or(FIXED_HEADER);
        let words = self.view.bytes.get(FIXED_HEADER..end).unwrap_or_default();
        words.as_chunks().0.iter().map(|word| Ssrc(u32::from_be_bytes(*word)))
    }

    /// The header extension.
    #[must_use]
    #[inline]
    pub fn extension(&self) -> Option<ExtensionView<'a>> {
        self.view.extension()
    }

    /// The header: everything before the payload.
    #[must_use]
    #[inline]
    pub fn header(&self) -> &'a [u8] {
        self.view.bytes.get(..self.header).unwrap_or_default()
    }

    /// The payload, without padding.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        let end = self.view.bytes.len() - usize::from(self.padding);
        self.view.bytes.get(self.header..end).unwrap_or_default()
    }

    /// Bytes of padding after the payload, 0 if there is none.
    #[must_use]
    pub fn padding(&self) -> u8 {
        self.padding
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BARE: [u8; 12] = *b"\x80\x60\xff\xff\x00\x00\x00\x01\x00\x00\x00\x02";

    fn parse(change: impl Fn(&mut Vec<u8>)) -> Result<usize, RtpError> {
        let mut bytes = BARE.to_vec();
        change(&mut bytes);
        Packet::parse(&bytes).map(|packet| packet.payload().len())
    }

    #[test]
    fn bare_header_is_a_packet_and_anything_shorter_is_none() {
        assert_eq!(parse(|_| {}), Ok(0));
        for length in 0..12 {
            assert_eq!(parse(|bytes| bytes.truncate(length)), Err(RtpError::Short(length)));
        }
        for version in [0, 1, 3] {
            let other = parse(|bytes| bytes[0] = version << 6);
            assert_eq!(other, Err(RtpError::Version(version)));
        }
    }

    // pion/rtp#1, pion/webrtc#247: sources beyond the packet were read.
    #[test]
    fn sources_beyond_the_packet_are_refused_and_shown() {
        assert_eq!(parse(|bytes| bytes[0] |= 15), Err(RtpError::Csrcs(15)));
        let mut bytes = BARE.to_vec();
        bytes[0] |= 2;
        bytes.extend([0, 0, 0, 3, 0, 0, 0, 4, 9]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.csrcs().collect::<Vec<_>>(), [Ssrc(3), Ssrc(4)]);
        assert_eq!(packet.payload(), [9]);
    }

    // CVE-2025-49140: padding longer than the payload.
    #[test]
    fn padding_of_nothing_or_of_more_than_there_is_is_refused() {
        let padded = |padding: u8, payload: usize| {
            parse(|bytes| {
                bytes[0] |= 0x20;
                bytes.extend(vec![padding; payload]);
            })
        };
        assert_eq!(padded(0, 0), Err(RtpError::Padding { padding: 2, left: 0 }));
        assert_eq!(padded(0, 4), Err(RtpError::Padding { padding: 0, left: 4 }));
        assert_eq!(padded(5, 4), Err(RtpError::Padding { padding: 5, left: 4 }));
        assert_eq!(padded(4, 4), Ok(0));
        assert_eq!(padded(1, 4), Ok(3));
    }

    #[test]
    fn extension_beyond_the_packet_is_refused() {
        let extended = |data: &'static [u8]| {
            parse(|bytes| {
                bytes[0] |= 0x10;
                bytes.extend(data);
            })
        };
        assert_eq!(extended(b""), Err(RtpError::Extension));
        assert_eq!(extended(b"\xbe\xde\x00"), Err(RtpError::Extension));
        assert_eq!(extended(b"\xbe\xde\x00\x01"), Err(RtpError::Extension));
        assert_eq!(extended(b"\xbe\xde\xff\xff\x10\x00\x00\x00"), Err(RtpError::Extension));
        assert_eq!(extended(b"\xbe\xde\x00\x00"), Ok(0));
        assert_eq!(extended(b"\xbe\xde\x00\x01\x10\xaa\x00\x00x"), Ok(1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_viewed_and_valid_ones_add_up(
            first in 0x80u8..=0xbf,
            rest in proptest::collection::vec(any::<u8>(), 0..90),
        ) {
            let bytes = [&[first], &rest[..]].concat();
            let view = View::new(&bytes);
            let _ = (view.ssrc(), view.timestamp(), view.sequence_number(), view.marker());
            if let Ok(packet) = view.check() {
                let sum = packet.header().len() + packet.payload().len();
                prop_assert_eq!(sum + usize::from(packet.padding()), bytes.len());
                prop_assert_eq!(packet.csrcs().len(), usize::from(first & 0x0f));
                let elements = packet.extension().map(|found| found.elements().count());
                prop_assert!(elements.unwrap_or(0) <= bytes.len());
            }
        }
    }
}
