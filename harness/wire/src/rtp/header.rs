//! A valid RTP header to be written.

use super::error::RtpError;
use super::extension::Extension;
use super::number::{PayloadType, SequenceNumber, Ssrc};
use super::view::{FIXED_HEADER, Packet};

const VERSION_BITS: u8 = 2 << 6;
const MAX_CSRCS: usize = 15;

/// The header of an RTP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The marker bit.
    pub marker: bool,
    /// Payload type.
    pub payload_type: PayloadType,
    /// Sequence number.
    pub sequence_number: SequenceNumber,
    /// Timestamp, in the clock of the payload type.
    pub timestamp: u32,
    /// Source.
    pub ssrc: Ssrc,
    csrcs: Vec<Ssrc>,
    /// Header extension.
    pub extension: Option<Extension>,
}

impl Header {
    /// A header without marker, contributing sources and extension.
    #[must_use]
    pub fn new(payload_type: PayloadType, ssrc: Ssrc) -> Self {
        Self {
            marker: false,
            payload_type,
            sequence_number: SequenceNumber::default(),
            timestamp: 0,
            ssrc,
            csrcs: Vec::new(),
            extension: None,
        }
    }

    /// Contributing sources.
    #[must_use]
    pub fn csrcs(&self) -> &[Ssrc] {
        &self.csrcs
    }

    /// Sets the contributing sources.
    ///
    /// # Errors
    /// [`RtpError::TooManyCsrcs`].
    pub fn set_csrcs(&mut self, csrcs: Vec<Ssrc>) -> Result<(), RtpError> {
        if csrcs.len() > MAX_CSRCS {
            return Err(RtpError::TooManyCsrcs(csrcs.len()));
        }
        self.csrcs = csrcs;
        Ok(())
    }

    /// The packet with this payload and so many bytes of padding.
    #[must_use]
    pub fn packet(&self, payload: &[u8], padding: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED_HEADER + 64 + payload.len());
        let count = u8::try_from(self.csrcs.len()).unwrap_or_default();
        let padded = u8::from(padding > 0) << 5;
        let extended = u8::from(self.extension.is_some()) << 4;
        out.push(VERSION_BITS | padded | extended | count);
        out.push(u8::from(self.marker) << 7 | self.payload_type.get());
        out.extend(self.sequence_number.0.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.ssrc.0.to_be_bytes());
        self.csrcs.iter().for_each(|csrc| out.extend(csrc.0.to_be_bytes()));
        if let Some(extension) = &self.extension {
            extension.write(&mut out);
        }
        out.extend_from_slice(payload);
        if let Some(zeros) = padding.checked_sub(1) {
            out.resize(out.len() + usize::from(zeros), 0);
            out.push(padding);
        }
        out
    }
}

impl TryFrom<Packet<'_>> for Header {
    type Error = RtpError;

    fn try_from(packet: Packet<'_>) -> Result<Self, RtpError> {
        Ok(Self {
            marker: packet.marker(),
            payload_type: packet.payload_type(),
            sequence_number: packet.sequence_number(),
            timestamp: packet.timestamp(),
            ssrc: packet.ssrc(),
            csrcs: packet.csrcs().collect(),
            extension: packet.extension().map(Extension::try_from).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::extension::Form;
    use super::*;

    // rtc-rtp 0.21.1 parses this 21-byte packet and cannot write it again.
    #[test]
    fn padding_between_elements_does_not_keep_a_packet_from_being_written() {
        let bytes =
            b"\x90\x60\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x01\x00\x00\x10\xaax";
        let packet = Packet::parse(bytes).unwrap();
        let header = Header::try_from(packet).unwrap();
        let written = header.packet(packet.payload(), 0);
        assert_eq!(written.len(), bytes.len());
        let again = Packet::parse(&written).unwrap();
        assert_eq!(Header::try_from(again).unwrap(), header);
        assert_eq!(again.extension().unwrap().element(1), Some(&b"\xaa"[..]));
    }

    #[test]
    fn sixteen_sources_are_refused() {
        let mut header = Header::new(PayloadType::from_low_bits(0), Ssrc(1));
        assert_eq!(header.set_csrcs(vec![Ssrc(0); 16]), Err(RtpError::TooManyCsrcs(16)));
        assert_eq!(header.set_csrcs(vec![Ssrc(0); 15]), Ok(()));
        assert_eq!(header.packet(b"", 0)[0], 0x8f);
    }

    fn extension() -> impl Strategy<Value = Extension> {
        let form = prop_oneof![
            Just(Form::OneByte),
            (0u8..16).prop_map(|appbits| Form::TwoByte { appbits }),
        ];
        let element = (1u8..15, proptest::collection::vec(any::<u8>(), 1..17));
        (form, proptest::collection::vec(element, 0..6)).prop_map(|(form, elements)| {
            let mut extension = Extension::new(form);
            for (id, data) in elements {
                extension.push(id, &data).unwrap();
            }
            extension
        })
    }

    proptest! {
        #[test]
        fn every_header_survives_its_packet(
            marker in any::<bool>(),
            payload_type in 0u8..128,
            numbers in any::<(u16, u32, u32)>(),
            csrcs in proptest::collection::vec(any::<u32>().prop_map(Ssrc), 0..16),
            extension in proptest::option::of(extension()),
            payload in proptest::collection::vec(any::<u8>(), 0..40),
            padding in any::<u8>(),
        ) {
            let mut header = Header::new(PayloadType::from_low_bits(payload_type), Ssrc(numbers.2));
            header.marker = marker;
            header.sequence_number = SequenceNumber(numbers.0);
            header.timestamp = numbers.1;
            header.set_csrcs(csrcs).unwrap();
            header.extension = extension;
            let bytes = header.packet(&payload, padding);
            let packet = Packet::parse(&bytes).unwrap();
            prop_assert_eq!(packet.payload(), &payload[..]);
            prop_assert_eq!(packet.padding(), padding);
            prop_assert_eq!(Header::try_from(packet).unwrap(), header);
        }
    }
}
