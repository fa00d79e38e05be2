//! Valid RTCP packets.

use super::error::RtcpError;
use super::feedback::Feedback;
use super::packet_type::PacketType;
use super::report::{ReceiverReport, SenderReport};
use super::sdes::{App, Bye, SdesChunk, read_chunks, write_chunks};
use super::view::{PacketView, Reader, packets};
use super::write::{Body, count};
use super::xr::ExtendedReport;

/// An RTCP packet. Padding is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Sender report.
    SenderReport(SenderReport),
    /// Receiver report.
    ReceiverReport(ReceiverReport),
    /// Source description, at most 31 chunks.
    SourceDescription(Vec<SdesChunk>),
    /// Goodbye.
    Bye(Bye),
    /// Application-defined.
    App(App),
    /// Transport or payload feedback.
    Feedback(Feedback),
    /// Extended report.
    ExtendedReport(ExtendedReport),
    /// A type this crate does not know.
    Unknown {
        /// The type.
        kind: PacketType,
        /// The five bits after the padding bit.
        count: u8,
        /// In whole words.
        body: Vec<u8>,
    },
}

impl TryFrom<PacketView<'_>> for Packet {
    type Error = RtcpError;

    fn try_from(view: PacketView<'_>) -> Result<Self, RtcpError> {
        let (count, reader) = (view.count(), Reader::new(view.body()));
        match view.packet_type() {
            PacketType::SENDER_REPORT => SenderReport::read(count, reader).map(Self::SenderReport),
            PacketType::RECEIVER_REPORT => {
                ReceiverReport::read(count, reader).map(Self::ReceiverReport)
            }
            PacketType::SOURCE_DESCRIPTION => {
                read_chunks(count, reader).map(Self::SourceDescription)
            }
            PacketType::BYE => Bye::read(count, reader).map(Self::Bye),
            PacketType::APP => App::read(count, reader).map(Self::App),
            PacketType::TRANSPORT_FEEDBACK => {
                Feedback::read_transport(count, reader).map(Self::Feedback)
            }
            PacketType::PAYLOAD_FEEDBACK => {
                Feedback::read_payload(count, reader).map(Self::Feedback)
            }
            PacketType::EXTENDED_REPORT => ExtendedReport::read(reader).map(Self::ExtendedReport),
            kind => Ok(Self::Unknown { kind, count, body: reader.rest().to_vec() }),
        }
    }
}

impl Packet {
    /// Reads every packet of a compound.
    ///
    /// # Errors
    /// The first [`RtcpError`]; [`packets`] shows the others.
    pub fn parse_compound(datagram: &[u8]) -> Result<Vec<Self>, RtcpError> {
        packets(datagram).map(|packet| packet?.try_into()).collect()
    }

    /// Packet type.
    #[must_use]
    pub fn packet_type(&self) -> PacketType {
        match self {
            Self::SenderReport(_) => PacketType::SENDER_REPORT,
            Self::ReceiverReport(_) => PacketType::RECEIVER_REPORT,
            Self::SourceDescription(_) => PacketType::SOURCE_DESCRIPTION,
            Self::Bye(_) => PacketType::BYE,
            Self::App(_) => PacketType::APP,
            Self::Feedback(feedback) if feedback.is_transport() => PacketType::TRANSPORT_FEEDBACK,
            Self::Feedback(_) => PacketType::PAYLOAD_FEEDBACK,
            Self::ExtendedReport(_) => PacketType::EXTENDED_REPORT,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The bytes, without padding.
    ///
    /// # Errors
    /// [`RtcpError::TooMany`] or [`RtcpError::Wrong`] for what does not fit its field.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RtcpError> {
        let mut body = Body::new();
        let count = match self {
            Self::SenderReport(report) => report.write(&mut body),
            Self::ReceiverReport(report) => report.write(&mut body),
            Self::SourceDescription(chunks) => write_chunks(chunks, &mut body),
            Self::Bye(bye) => bye.write(&mut body),
            Self::App(app) => app.write(&mut body),
            Self::Feedback(feedback) => feedback.write(&mut body),
            Self::ExtendedReport(report) => report.write(&mut body),
            Self::Unknown { count: bits, body: bytes, .. } => {
                body.bytes(bytes);
                count((*bits).into(), "counts")
            }
        }?;
        body.finish(self.packet_type(), count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::feedback::{FeedbackMessage, Nack};
    use super::super::sdes::{SdesItem, SdesType};
    use super::super::twcc::{Delta, PacketStatus, Status};
    use super::*;
    use crate::rtp::{SequenceNumber, Ssrc};

    fn one(bytes: &[u8]) -> Result<Packet, RtcpError> {
        let (view, rest) = PacketView::split(bytes)?;
        assert!(rest.is_empty());
        view.try_into()
    }

    fn round_trip(bytes: &[u8]) -> Packet {
        let packet = one(bytes).unwrap();
        assert_eq!(packet.to_bytes().as_deref(), Ok(bytes));
        packet
    }

    #[test]
    fn reports_round_trip_with_their_extension() {
        let mut sr = b"\x81\xc8\x00\x0d\x00\x00\x00\x01\x83\xaa\x7e\x80\x00\x00\x00\x00".to_vec();
        sr.extend(b"\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04");
        sr.extend(b"\x00\x00\x00\x05\x10\xff\xff\xfe\x00\x01\x00\x02\x00\x00\x00\x06");
        sr.extend(b"\x7e\x80\x00\x00\x00\x00\x00\x07extn");
        let Packet::SenderReport(report) = round_trip(&sr) else { panic!("a sender report") };
        assert_eq!((report.reports[0].fraction_lost, report.reports[0].total_lost), (16, -2));
        assert_eq!(report.extension, b"extn");
        round_trip(b"\x80\xc9\x00\x01\x00\x00\x00\x07");
        let truncated = one(b"\x81\xc9\x00\x01\x00\x00\x00\x07");
        assert_eq!(truncated, Err(RtcpError::Truncated("report block")));
    }

    // str0m#988: chunks that end with or before their terminator.
    #[test]
    fn source_descriptions_end_each_chunk_at_a_word() {
        let sdes = b"\x82\xca\x00\x06\x00\x00\x00\x01\x01\x02ab\x00\x00\x00\x00\
\x00\x00\x00\x02\x01\x05hello\x00";
        let Packet::SourceDescription(chunks) = round_trip(sdes) else { panic!("an SDES") };
        assert_eq!(chunks[1].items[0].text, b"hello");
        for bad in [
            &b"\x81\xca\x00\x01\x00\x00\x00\x01"[..],
            b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\x02ab",
            b"\x81\xca\x00\x02\x00\x00\x00\x01\x01\xffab",
            b"\x9f\xca\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00",
        ] {
            assert!(matches!(one(bad), Err(RtcpError::Truncated(_))), "{bad:?}");
        }
        let filled = one(b"\x81\xca\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01");
        assert_eq!(filled, Err(RtcpError::Wrong("fill of a chunk")));
    }

    #[test]
    fn goodbyes_with_and_without_reason_round_trip() {
        round_trip(b"\x80\xcb\x00\x00");
        round_trip(b"\x82\xcb\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02");
        let Packet::Bye(bye) = round_trip(b"\x80\xcb\x00\x01\x03bye") else { panic!("a BYE") };
        assert_eq!(bye.reason.as_deref(), Some(&b"bye"[..]));
        assert_eq!(one(b"\x80\xcb\x00\x01\x04bye"), Err(RtcpError::Truncated("reason")));
        // What fills the word was not looked at.
        round_trip(b"\x80\xcb\x00\x01\x01b\x00\x00");
        let filled = one(b"\x80\xcb\x00\x01\x01b\x00\x01");
        assert_eq!(filled, Err(RtcpError::Wrong("fill of a reason")));
        assert_eq!(one(b"\x9f\xcb\x00\x01\x00\x00\x00\x01"), Err(RtcpError::Truncated("source")));
    }

    #[test]
    fn missing_packets_cross_the_wrap() {
        let nack = Nack { first: SequenceNumber(65_535), following: 0x8001 };
        let missing: Vec<u16> = nack.missing().map(|number| number.0).collect();
        assert_eq!(missing, [65_535, 0, 15]);
        let fci = b"\x81\xcd\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\xff\xff\x80\x01";
        let Packet::Feedback(feedback) = round_trip(fci) else { panic!("feedback") };
        assert_eq!(feedback.message, FeedbackMessage::Nack(vec![nack]));
    }

    #[test]
    fn payload_feedback_of_every_kind_round_trips() {
        round_trip(b"\x81\xce\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02");
        round_trip(
            b"\x84\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x09\x00\x00\x00",
        );
        round_trip(b"\x8f\xce\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02");
        round_trip(b"\x83\xcd\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02abcd");
        let remb =
            b"\x8f\xce\x00\x05\x00\x00\x00\x01\x00\x00\x00\x00REMB\x01\x0b\xff\xff\x00\x00\x00\x02";
        let Packet::Feedback(feedback) = round_trip(remb) else { panic!("feedback") };
        let FeedbackMessage::Remb(remb) = feedback.message else { panic!("a REMB") };
        assert_eq!((remb.bitrate(), remb.ssrcs), (0x3_ffff << 2, vec![Ssrc(2)]));
        let long = one(b"\x81\xce\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00");
        assert_eq!(long, Err(RtcpError::Trailing(4)));
    }

    #[test]
    fn arrival_times_follow_the_chunks() {
        // Ten packets: a run of three with small deltas, then small, lost, large and four lost.
        let twcc = b"\x8f\xcd\x00\x07\x00\x00\x00\x01\x00\x00\x00\x02\
\xff\xfe\x00\x0a\xff\xff\xfe\x07\x20\x03\xd2\x00\x01\x02\x03\xff\xfe\x04\x00\x00";
        let Packet::Feedback(feedback) = round_trip(twcc) else { panic!("feedback") };
        let FeedbackMessage::Twcc(twcc) = feedback.message else { panic!("a TWCC") };
        assert_eq!((twcc.reference_time, twcc.feedback_count), (-2, 7));
        let packets: Vec<PacketStatus> = twcc.packets().collect();
        assert_eq!(packets.len(), 10);
        assert_eq!(packets[2].sequence, SequenceNumber(0));
        let deltas: Vec<i16> =
            packets.iter().flat_map(|packet| packet.delta).map(Delta::ticks).collect();
        assert_eq!(deltas, [1, 2, 3, 255, -508]);
        assert_eq!(packets[4].status, Status::NotReceived);
        assert_eq!(packets[5].delta, Some(Delta::Large(-508)));
    }

    // Measured: 64 bytes make rtc-rtcp 0.21.1 allocate 1.05 MB.
    #[test]
    fn small_feedback_with_huge_claims_stays_small() {
        let claims = b"\xaf\xcd\x00\x08\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\xff\xff\
\x00\x00\x00\x00\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x00\x04";
        let (view, _) = PacketView::split(claims).unwrap();
        assert_eq!(Packet::try_from(view), Err(RtcpError::Truncated("status chunks")));
        let all = b"\x8f\xcd\x00\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\xff\xff\
\x00\x00\x00\x00\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x1f\xff\x00\x00";
        let Ok(Packet::Feedback(feedback)) = one(all) else { panic!("feedback") };
        let FeedbackMessage::Twcc(twcc) = feedback.message else { panic!("a TWCC") };
        assert_eq!((twcc.chunks.len(), twcc.deltas.len()), (9, 0));
        assert_eq!(twcc.packets().count(), 65_535);
        let received = b"\x8f\xcd\x00\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x1f\xff\
\x00\x00\x00\x00\x3f\xff\x00\x00";
        assert_eq!(one(received), Err(RtcpError::Truncated("deltas")));
    }

    // Measured: 64 bytes make str0m 0.25 allocate 0.4 MB.
    #[test]
    fn extended_report_blocks_beyond_the_packet_are_refused() {
        let xr = b"\x80\xcf\x00\x02\x00\x00\x00\x01\x04\x00\xff\xff";
        assert_eq!(one(xr), Err(RtcpError::Truncated("report block")));
        let dlrr = b"\x80\xcf\x00\x05\x00\x00\x00\x01\x05\x00\x00\x03\
\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04";
        let Packet::ExtendedReport(report) = round_trip(dlrr) else { panic!("an XR") };
        assert_eq!((report.blocks[0].kind, report.blocks[0].data.len()), (5, 12));
    }

    #[test]
    fn unknown_types_are_kept() {
        let packet = round_trip(b"\x85\xd0\x00\x01abcd");
        assert_eq!(packet.packet_type(), PacketType(208));
    }

    #[test]
    fn what_does_not_fit_is_not_written() {
        let bye = Packet::Bye(Bye { ssrcs: vec![Ssrc(1); 32], reason: None });
        assert_eq!(bye.to_bytes(), Err(RtcpError::TooMany("sources")));
        let bye = Packet::Bye(Bye { ssrcs: vec![], reason: Some(vec![0; 256]) });
        assert_eq!(bye.to_bytes(), Err(RtcpError::TooMany("bytes of a reason")));
        for text in [vec![], vec![3, b'a', b'b'], vec![255; 255]] {
            let items = vec![SdesItem { kind: SdesType::PRIV, text }];
            let chunks = vec![SdesChunk { ssrc: Ssrc(1), items }];
            let written = Packet::SourceDescription(chunks).to_bytes();
            assert_eq!(written, Err(RtcpError::Wrong("prefix")));
        }
        let app = Packet::App(App { data: vec![0; 3], ..App::default() });
        assert_eq!(app.to_bytes(), Err(RtcpError::Wrong("length")));
    }

    proptest! {
        #[test]
        fn what_parses_prints_to_something_equal(
            kind in 199u8..209,
            count in 0u8..32,
            mut body in proptest::collection::vec(any::<u8>(), 0..96),
            small in any::<bool>(),
        ) {
            body.truncate(body.len() / 4 * 4);
            // Plausible counts reach deeper than random ones.
            if small && body.len() >= 16 {
                body[10] = 0;
                body[11] %= 32;
            }
            let words = u8::try_from(body.len() / 4).unwrap();
            let bytes = [&[0x80 | count, kind, 0, words], &body[..]].concat();
            if let Ok(packet) = one(&bytes) {
                let written = packet.to_bytes().unwrap();
                prop_assert!(written.len() <= bytes.len());
                prop_assert_eq!(one(&written).unwrap(), packet);
            }
        }

        #[test]
        fn any_datagram_is_split_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(packets(&bytes).count() <= bytes.len() / 4 + 1);
            let _ = Packet::parse_compound(&bytes);
        }
    }
}
