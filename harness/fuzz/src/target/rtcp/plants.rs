//! Bugs of others' RTCP code, built into copies of ours.

use rtcspec_wire::rtcp::{
    Delta, FeedbackMessage, Packet, PacketType, PacketView, RtcpError, packets,
};

use super::compound::{self, Subject, Tell};
use crate::case::Case;
use crate::finding::Verdict;
use crate::target::Plant;

type Read = fn(&[u8]) -> Result<Vec<Packet>, RtcpError>;

fn reader(case: &mut Case<'_>, read: Read) -> Verdict {
    compound::body(case, &Subject { read, ..Subject::OURS })
}

pub(super) const COMPOUND: &[Plant] = &[
    Plant {
        name: "rtcp-item-past-end",
        source: "str0m #988: an item of a source description that ends after its chunk",
        body: |case| reader(case, item_past_end),
    },
    Plant {
        name: "rtcp-block-allocates",
        source: "str0m 0.25: room is made for as many words as a block of an XR claims",
        body: |case| reader(case, block_allocates),
    },
    Plant {
        name: "rtcp-block-size",
        source: "webrtc-rs PR 678: a block of an XR with a size that its type does not have",
        body: |case| reader(case, block_size),
    },
    Plant {
        name: "rtcp-twcc-allocates",
        source: "rtc-rtcp 0.21.1: transport-wide feedback is expanded to a list of its packets",
        body: |case| reader(case, twcc_allocates),
    },
    Plant {
        name: "rtcp-twcc-endless",
        source: "str0m #606: statuses are gone through to the end of chunks, not of the count",
        body: |case| compound::body(case, &Subject { about: twcc_past_count, ..Subject::OURS }),
    },
    Plant {
        name: "rtcp-twcc-deltas-past-end",
        source: "Janus 77b710c8: deltas are read that the packet does not have",
        body: |case| reader(case, twcc_deltas_past_end),
    },
    Plant {
        name: "rtcp-twcc-delta-negated",
        source: "str0m 79233998: the smallest delta has no positive counterpart",
        body: |case| compound::body(case, &Subject { about: twcc_negated, ..Subject::OURS }),
    },
    Plant {
        name: "rtcp-nack-overflows",
        source: "str0m f3880d17: the number after 65535 in a NACK",
        body: |case| compound::body(case, &Subject { about: nack_overflows, ..Subject::OURS }),
    },
    Plant {
        name: "rtcp-only-first",
        source: "of a compound only the first packet is read",
        body: |case| reader(case, only_first),
    },
    Plant {
        name: "rtcp-padding-in-body",
        source: "padding of the last packet is taken for more of it",
        body: |case| reader(case, padding_in_body),
    },
    Plant {
        name: "rtcp-lost-unsigned",
        source: "RFC 3550 §6.4.1: the packets lost are written without their sign",
        body: |case| compound::body(case, &Subject { write: lost_unsigned, ..Subject::OURS }),
    },
];

fn of_type(bytes: &[u8], kind: PacketType) -> impl Iterator<Item = PacketView<'_>> {
    packets(bytes).flatten().filter(move |view| view.packet_type() == kind)
}

pub(crate) fn item_past_end(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    for view in of_type(bytes, PacketType::SOURCE_DESCRIPTION) {
        let mut rest = view.body().get(4..).unwrap_or_default();
        while let [1..=255, length, more @ ..] = rest {
            rest = &more[usize::from(*length)..];
        }
    }
    Packet::parse_compound(bytes)
}

/// Type and words of the blocks of an extended report, as far as they are there.
fn blocks<'a>(view: &PacketView<'a>) -> impl Iterator<Item = (u8, usize)> + use<'a> {
    let mut rest = view.body().get(4..).unwrap_or_default();
    std::iter::from_fn(move || {
        let &[kind, _, high, low, ref more @ ..] = rest else { return None };
        let words = usize::from(u16::from_be_bytes([high, low]));
        rest = more.get(4 * words..).unwrap_or_default();
        Some((kind, words))
    })
}

pub(crate) fn block_allocates(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    for view in of_type(bytes, PacketType::EXTENDED_REPORT) {
        for (_, words) in blocks(&view) {
            std::hint::black_box(Vec::<u32>::with_capacity(words));
        }
    }
    Packet::parse_compound(bytes)
}

pub(crate) fn block_size(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    for view in of_type(bytes, PacketType::EXTENDED_REPORT) {
        for (kind, words) in blocks(&view) {
            // RFC 3611 §4.4: a receiver reference time is two words.
            assert!(kind != 4 || words == 2, "range end index out of range");
        }
    }
    Packet::parse_compound(bytes)
}

pub(crate) fn twcc_allocates(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    for view in of_type(bytes, PacketType::TRANSPORT_FEEDBACK).filter(|view| view.count() == 15) {
        if let Some(&[high, low]) = view.body().get(10..12) {
            let count = usize::from(u16::from_be_bytes([high, low]));
            std::hint::black_box(Vec::<[u64; 2]>::with_capacity(count));
        }
    }
    Packet::parse_compound(bytes)
}

pub(crate) fn twcc_deltas_past_end(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    let outcome = Packet::parse_compound(bytes);
    if outcome == Err(RtcpError::Truncated("deltas")) {
        let end: &[u8] = &[];
        let _ = end[0];
    }
    outcome
}

pub(crate) fn twcc_past_count(packet: &Packet, tell: &mut Tell<'_>) {
    if let Packet::Feedback(feedback) = packet
        && let FeedbackMessage::Twcc(twcc) = &feedback.message
    {
        // Seven or fourteen statuses of a chunk, or its run, whatever the count says.
        let whole = twcc.chunks.iter().map(|chunk| match chunk {
            rtcspec_wire::rtcp::StatusChunk::Run { length, .. } => *length,
            rtcspec_wire::rtcp::StatusChunk::OneBit(_) => 14,
            rtcspec_wire::rtcp::StatusChunk::TwoBit(_) => 7,
        });
        let mut deltas = twcc.packets().map(|packet| packet.delta.map(Delta::ticks));
        for nth in 0..whole.map(u32::from).sum::<u32>() {
            tell(twcc.base.0.wrapping_add(nth as u16), deltas.next().flatten());
        }
        return;
    }
    (Subject::OURS.about)(packet, tell);
}

pub(crate) fn twcc_negated(packet: &Packet, tell: &mut Tell<'_>) {
    (Subject::OURS.about)(packet, &mut |number, delta| {
        let _ = delta.map(|delta| delta.checked_neg().expect("attempt to negate with overflow"));
        tell(number, delta);
    });
}

pub(crate) fn nack_overflows(packet: &Packet, tell: &mut Tell<'_>) {
    if let Packet::Feedback(feedback) = packet
        && let FeedbackMessage::Nack(nacks) = &feedback.message
    {
        for nack in nacks.iter().filter(|nack| nack.following != 0) {
            let last = 16 - nack.following.leading_zeros() as u16;
            let _ = nack.first.0.checked_add(last).expect("attempt to add with overflow");
        }
    }
    (Subject::OURS.about)(packet, tell);
}

fn only_first(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    let mut compound = Packet::parse_compound(bytes)?;
    compound.truncate(1);
    Ok(compound)
}

fn padding_in_body(bytes: &[u8]) -> Result<Vec<Packet>, RtcpError> {
    let mut bytes = bytes.to_vec();
    let ends: Vec<(usize, u8)> = packets(&bytes)
        .flatten()
        .scan(0, |at, view| {
            let start = *at;
            *at += view.bytes().len();
            Some((start, view.padding()))
        })
        .collect();
    for (at, padding) in ends {
        if padding > 0 {
            bytes[at] &= !0x20;
        }
    }
    Packet::parse_compound(&bytes)
}

fn lost_unsigned(packet: &Packet) -> Result<Vec<u8>, RtcpError> {
    let mut packet = packet.clone();
    let reports = match &mut packet {
        Packet::SenderReport(report) => &mut report.reports,
        Packet::ReceiverReport(report) => &mut report.reports,
        _ => return packet.to_bytes(),
    };
    for report in reports {
        report.total_lost = report.total_lost.max(0);
    }
    packet.to_bytes()
}
