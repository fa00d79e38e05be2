//! Rows about RTCP.

use rtcspec_wire::rtcp::{Delta, Feedback, FeedbackMessage, Packet, RtcpError};

use super::{Code, Input, Known, Others};
use crate::target::rtcp::plants;

type Read = fn(&[u8]) -> Result<Vec<Packet>, RtcpError>;
type About = fn(&Packet, &mut dyn FnMut(u16, Option<i16>));

const ROW: Known = Known { others: Others::Parsers("rtcp"), ..Known::USUAL };

/// The packets by their kinds.
fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    match code.pick(Packet::parse_compound as Read, theirs)(input) {
        Ok(compound) => compound.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Err(error) => error.to_string(),
    }
}

fn in_words(packet: &Packet) -> String {
    let Packet::ExtendedReport(report) = packet else { return format!("{packet:?}") };
    let blocks = report.blocks.iter();
    let words = blocks
        .map(|block| format!(" with block {} of {} bytes, raw", block.kind, block.data.len()));
    format!("extended report{}", words.collect::<String>())
}

/// What is made of the packets that feedback speaks of: the first four, and how many there are.
fn tells(code: Code, theirs: About, input: &[u8]) -> String {
    let compound = match Packet::parse_compound(input) {
        Ok(compound) => compound,
        Err(error) => return error.to_string(),
    };
    let (mut first, mut count) = (Vec::new(), 0_usize);
    for packet in &compound {
        code.pick(about as About, theirs)(packet, &mut |number, delta| {
            if first.len() < 4 {
                first.push((number, delta));
            }
            count += 1;
        });
    }
    format!("{count} packets, first {first:?}")
}

fn about(packet: &Packet, tell: &mut dyn FnMut(u16, Option<i16>)) {
    let Packet::Feedback(Feedback { message, .. }) = packet else { return };
    match message {
        FeedbackMessage::Nack(nacks) => {
            nacks.iter().flat_map(|nack| nack.missing()).for_each(|lost| tell(lost.0, None));
        }
        FeedbackMessage::Twcc(twcc) => {
            twcc.packets().for_each(|p| tell(p.sequence.0, p.delta.map(Delta::ticks)));
        }
        _ => {}
    }
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "rtcp/str0m-sdes-item-past-end",
        row: Some(56),
        source: "str0m #988",
        cause: "an item of a source description ends after its chunk: a panic",
        input: Input::Bytes(&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 16, b'a', b'b']),
        right: "read an RTCP packet whose item does not fit",
        play: |code, input| reads(code, plants::item_past_end, input),
        ..ROW
    },
    Known {
        id: "rtcp/str0m-twcc-past-count",
        row: Some(56),
        source: "str0m #606",
        cause: "statuses are gone through to the end of their chunks, not of their count",
        input: Input::Bytes(&[
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 1, 0, 0, 0, 0, 0x1f, 0xff, 0, 0,
        ]),
        right: "1 packets, first [(7, None)]",
        play: |code, input| {
            tells(code, |packet, tell| plants::twcc_past_count(packet, tell), input)
        },
        ..ROW
    },
    Known {
        id: "rtcp/str0m-twcc-smallest-delta",
        row: Some(56),
        source: "str0m 79233998",
        cause: "deltas from -32766 to -32768 are negated in sixteen bits: a panic",
        input: Input::Bytes(&[
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 1, 0, 0, 0, 0, 0x40, 1, 0x80, 0,
        ]),
        right: "1 packets, first [(7, Some(-32768))]",
        play: |code, input| tells(code, |packet, tell| plants::twcc_negated(packet, tell), input),
        ..ROW
    },
    Known {
        id: "rtcp/str0m-nack-wrap",
        row: Some(56),
        source: "str0m f3880d17",
        cause: "the sequence number after 65535 overflows in a NACK: a panic",
        input: Input::Bytes(&[0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 1]),
        right: "2 packets, first [(65535, None), (0, None)]",
        play: |code, input| tells(code, |packet, tell| plants::nack_overflows(packet, tell), input),
        ..ROW
    },
    Known {
        id: "rtcp/str0m-fir-wrap",
        row: Some(56),
        source: "str0m fba814d0",
        cause: "the number after 255 overflows in a FIR: a panic",
        input: Input::Bytes(&[0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 255, 0, 0, 0]),
        // RFC 5104 §4.3.1.1: modulo 256.
        right: "255, then 0",
        play: |code, input| match Packet::parse_compound(input).as_deref() {
            Ok([Packet::Feedback(Feedback { message: FeedbackMessage::Fir(entries), .. })]) => {
                let all = entries.iter().map(|entry| {
                    let number = entry.sequence;
                    let next = code.pick(number.wrapping_add(1), number.saturating_add(1));
                    format!("{number}, then {next}")
                });
                all.collect()
            }
            other => format!("{other:?}"),
        },
        ..ROW
    },
    Known {
        id: "rtcp/webrtc-rs-xr-block-size",
        row: Some(57),
        source: "webrtc-rs/webrtc PR 678",
        cause: "a block of an XR has a size that its type does not have: a panic",
        input: Input::Bytes(&[0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 1, 2, 3, 4]),
        right: "extended report with block 4 of 4 bytes, raw",
        play: |code, input| reads(code, plants::block_size, input),
        ..ROW
    },
    Known {
        id: "rtcp/janus-twcc-deltas-past-end",
        row: Some(58),
        source: "Janus 77b710c8, 3698c61c, OSS-Fuzz",
        cause: "deltas are read that the packet does not have",
        input: Input::Bytes(&[
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 9, 0, 0, 0, 0, 0x20, 9, 1, 2,
        ]),
        right: "read an RTCP packet whose deltas does not fit",
        play: |code, input| reads(code, plants::twcc_deltas_past_end, input),
        ..ROW
    },
    Known {
        id: "rtcp/rtc-twcc-allocates",
        row: Some(59),
        source: "rtc-rtcp 0.21.1, measured 2026-11-23",
        cause: "40 bytes of feedback about 65,535 packets are expanded to a list of them: 1 MiB",
        input: Input::Bytes(&[
            0x8f, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0xff, 0xff, 0, 0, 0, 0, 0x1f, 0xff,
            0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0x1f, 0xff, 0,
            7, 0, 0,
        ]),
        right: "65535 packets, first [(7, None), (8, None), (9, None), (10, None)]",
        play: |code, input| {
            if code.is_theirs() {
                let _ = plants::twcc_allocates(input);
            }
            tells(Code::Ours, about, input)
        },
        ..ROW
    },
    Known {
        id: "rtcp/str0m-xr-allocates",
        row: Some(59),
        source: "str0m 0.25.0, measured 2026-11-23",
        cause: "room is made for as many words as a block of an XR claims: 0.27 MB",
        input: Input::Bytes(&[0x80, 207, 0, 2, 0, 0, 0, 1, 1, 0, 0xff, 0xff]),
        right: "read an RTCP packet whose report block does not fit",
        play: |code, input| reads(code, plants::block_allocates, input),
        ..ROW
    },
];
