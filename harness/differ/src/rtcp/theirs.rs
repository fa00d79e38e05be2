//! RTCP as other crates read it.

use bytes::Bytes;
use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::raw_packet::RawPacket;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::SourceDescription;
use rtc_rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;

use crate::account::{Account, Fields};
use crate::parser::Parser;

pub(super) const ALL: &[Parser] = &[
    Parser { name: "rtc-rtcp", tells: super::FIELDS, read: rtc_rtcp },
    Parser {
        name: "rtcp-types",
        tells: &[
            "packet",
            "ntp",
            "timestamp",
            "packets",
            "octets",
            "reported",
            "fraction",
            "lost",
            "highest",
            "jitter",
            "last-report",
            "delay",
            "source",
            "item",
            "text",
            "reason",
        ],
        read: rtcp_types,
    },
];

fn rtc_rtcp(input: &[u8]) -> Account<'_> {
    let packets = match rtc_rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(input)) {
        Ok(packets) => packets,
        Err(error) => return Account::refused(error),
    };
    let mut fields = Fields::new();
    for packet in &packets {
        let raw = packet.as_any().downcast_ref::<RawPacket>();
        // A type they do not know is zero in their header; the bytes have it.
        let kind = raw.and_then(|raw| raw.0.get(1)).copied();
        fields.put("packet", kind.unwrap_or(packet.header().packet_type as u8));
        tell(packet.as_ref(), &mut fields);
    }
    Account::Read(fields)
}

fn tell(packet: &dyn rtc_rtcp::Packet, fields: &mut Fields<'_>) {
    let any = packet.as_any();
    if let Some(report) = any.downcast_ref::<SenderReport>() {
        fields.put("sender", report.ssrc).put("ntp", report.ntp_time);
        fields.put("timestamp", report.rtp_time).put("packets", report.packet_count);
        fields.put("octets", report.octet_count);
        reports(&report.reports, fields);
    } else if let Some(report) = any.downcast_ref::<ReceiverReport>() {
        fields.put("sender", report.ssrc);
        reports(&report.reports, fields);
    } else if let Some(description) = any.downcast_ref::<SourceDescription>() {
        for chunk in &description.chunks {
            fields.put("source", chunk.source);
            for item in &chunk.items {
                fields.put("item", item.sdes_type as u8).put("text", item.text.to_vec());
            }
        }
    } else if let Some(bye) = any.downcast_ref::<Goodbye>() {
        for source in &bye.sources {
            fields.put("source", *source);
        }
        if !bye.reason.is_empty() {
            fields.put("reason", bye.reason.to_vec());
        }
    } else if let Some(nack) = any.downcast_ref::<TransportLayerNack>() {
        fields.put("sender", nack.sender_ssrc).put("media", nack.media_ssrc);
        for pair in &nack.nacks {
            fields.put("nack", u32::from(pair.packet_id) << 16 | u32::from(pair.lost_packets));
        }
    } else if let Some(pli) = any.downcast_ref::<PictureLossIndication>() {
        fields.put("sender", pli.sender_ssrc).put("media", pli.media_ssrc);
    } else if let Some(fir) = any.downcast_ref::<FullIntraRequest>() {
        fields.put("sender", fir.sender_ssrc).put("media", fir.media_ssrc);
        for entry in &fir.fir {
            fields.put("refresh", u64::from(entry.ssrc) << 8 | u64::from(entry.sequence_number));
        }
    }
}

fn reports(blocks: &[ReceptionReport], fields: &mut Fields<'_>) {
    for block in blocks {
        fields.put("reported", block.ssrc).put("fraction", block.fraction_lost);
        fields.put("lost", block.total_lost).put("highest", block.last_sequence_number);
        fields.put("jitter", block.jitter).put("last-report", block.last_sender_report);
        fields.put("delay", block.delay);
    }
}

fn rtcp_types(input: &[u8]) -> Account<'_> {
    use rtcp_types::{Compound, Packet, RtcpPacketParserExt as _};
    let compound = match Compound::parse(input) {
        Ok(compound) => compound,
        Err(error) => return Account::refused(error),
    };
    let mut fields = Fields::new();
    for packet in compound {
        let packet = match packet {
            Ok(packet) => packet,
            Err(error) => return Account::refused(error),
        };
        fields.put("packet", packet.type_());
        match &packet {
            Packet::Sr(report) => {
                fields.put("ntp", report.ntp_timestamp());
                fields.put("timestamp", report.rtp_timestamp());
                fields.put("packets", report.packet_count()).put("octets", report.octet_count());
                report.report_blocks().for_each(|block| tell_block(&block, &mut fields));
            }
            Packet::Rr(report) => {
                report.report_blocks().for_each(|block| tell_block(&block, &mut fields));
            }
            Packet::Sdes(description) => {
                for chunk in description.chunks() {
                    fields.put("source", chunk.ssrc());
                    for item in chunk.items() {
                        fields.put("item", item.type_());
                        fields.put("text", whole(item));
                    }
                }
            }
            Packet::Bye(bye) => {
                for source in bye.ssrcs() {
                    fields.put("source", source);
                }
                if let Some(reason) = bye.reason().filter(|reason| !reason.is_empty()) {
                    fields.put("reason", reason.to_vec());
                }
            }
            _ => {}
        }
    }
    Account::Read(fields)
}

/// The value of an item; that of PRIV with its prefix, as it is on the wire.
fn whole(item: &rtcp_types::SdesItem<'_>) -> Vec<u8> {
    if item.type_() != rtcp_types::SdesItem::PRIV {
        return item.value().to_vec();
    }
    let prefix = item.priv_prefix();
    let len = u8::try_from(prefix.len()).unwrap_or(u8::MAX);
    [&[len], prefix, item.value()].concat()
}

fn tell_block(block: &rtcp_types::ReportBlock<'_>, fields: &mut Fields<'_>) {
    fields.put("reported", block.ssrc()).put("fraction", block.fraction_lost());
    fields.put("lost", block.cumulative_lost());
    fields.put("highest", block.extended_sequence_number());
    fields.put("jitter", block.interarrival_jitter());
    fields.put("last-report", block.last_sender_report_timestamp());
    fields.put("delay", block.delay_since_last_sender_report_timestamp());
}
