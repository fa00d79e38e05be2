//! RTCP as our parser reads it.

use rtcspec_wire::rtcp::{
    Feedback, FeedbackMessage, Packet, ReportBlock, RtcpError, check_compound,
};

use crate::account::{Account, Fields};

pub(super) fn read(input: &[u8]) -> Account<'_> {
    let read = check_compound(input, true).and_then(|()| Packet::parse_compound(input));
    match read {
        Ok(packets) => {
            let mut fields = Fields::new();
            packets.iter().for_each(|packet| tell(packet, &mut fields));
            Account::Read(fields)
        }
        Err(error) => Account::because(cause(&error), error),
    }
}

fn tell(packet: &Packet, fields: &mut Fields<'_>) {
    fields.put("packet", packet.packet_type().0);
    match packet {
        Packet::SenderReport(report) => {
            fields.put("sender", report.ssrc.0).put("ntp", report.ntp_time);
            fields.put("timestamp", report.rtp_time).put("packets", report.packets);
            fields.put("octets", report.octets);
            reports(&report.reports, fields);
        }
        Packet::ReceiverReport(report) => {
            fields.put("sender", report.ssrc.0);
            reports(&report.reports, fields);
        }
        Packet::SourceDescription(chunks) => {
            for chunk in chunks {
                fields.put("source", chunk.ssrc.0);
                for item in &chunk.items {
                    fields.put("item", item.kind.0).put("text", item.text.clone());
                }
            }
        }
        Packet::Bye(bye) => {
            for source in &bye.ssrcs {
                fields.put("source", source.0);
            }
            if let Some(reason) = bye.reason.as_ref().filter(|reason| !reason.is_empty()) {
                fields.put("reason", reason.clone());
            }
        }
        Packet::Feedback(feedback) => tell_feedback(feedback, fields),
        _ => {}
    }
}

fn reports(blocks: &[ReportBlock], fields: &mut Fields<'_>) {
    for block in blocks {
        fields.put("reported", block.ssrc.0).put("fraction", block.fraction_lost);
        fields.put("lost", block.total_lost as u32 & 0x00ff_ffff);
        fields.put("highest", block.highest_sequence).put("jitter", block.jitter);
        fields.put("last-report", block.last_sr);
        fields.put("delay", block.delay_since_last_sr);
    }
}

fn tell_feedback(feedback: &Feedback, fields: &mut Fields<'_>) {
    match &feedback.message {
        FeedbackMessage::Nack(nacks) => {
            fields.put("sender", feedback.sender.0).put("media", feedback.media.0);
            for nack in nacks {
                let bits = u32::from(nack.first.0) << 16 | u32::from(nack.following);
                fields.put("nack", bits);
            }
        }
        FeedbackMessage::Pli => {
            fields.put("sender", feedback.sender.0).put("media", feedback.media.0);
        }
        FeedbackMessage::Fir(entries) => {
            fields.put("sender", feedback.sender.0).put("media", feedback.media.0);
            for entry in entries {
                fields.put("refresh", u64::from(entry.ssrc.0) << 8 | u64::from(entry.sequence));
            }
        }
        _ => {}
    }
}

/// Whether there is an item of a type beyond those of RFC 3550 §6.5.
pub(super) fn has_unknown_item(input: &[u8]) -> bool {
    Packet::parse_compound(input).is_ok_and(|packets| {
        packets.iter().any(|packet| match packet {
            Packet::SourceDescription(chunks) => {
                chunks.iter().flat_map(|chunk| &chunk.items).any(|item| item.kind.0 > 8)
            }
            _ => false,
        })
    })
}

fn cause(error: &RtcpError) -> &'static str {
    match error {
        RtcpError::Short(_) => "short",
        RtcpError::Version(_) => "version",
        RtcpError::Length { .. } => "length-beyond",
        RtcpError::Padding(_) => "padding-wrong",
        RtcpError::PaddingInside => "padding-inside",
        RtcpError::NoReport(_) => "no-report",
        RtcpError::Empty => "empty",
        RtcpError::Truncated(what) => match *what {
            "report block" => "truncated-report",
            "deltas" | "status chunks" => "truncated-arrival-times",
            "source" | "reason" => "truncated-goodbye",
            "item" | "prefix" | "chunk" => "truncated-description",
            _ => "truncated",
        },
        RtcpError::Trailing(_) => "bytes-after",
        RtcpError::Wrong(what) => match *what {
            "fill of a chunk" | "fill of a reason" => "fill-not-zero",
            _ => "wrong-field",
        },
        _ => "other",
    }
}
