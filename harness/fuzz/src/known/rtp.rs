//! Rows about RTP headers.

use rtcspec_wire::rtp::{RtpError, SequenceNumber};

use super::{Code, Input, Known, Others};
use crate::target::rtp::{self as plants, Reading};

type Read = fn(&[u8]) -> Result<Reading, RtpError>;

const NO_MEDIA: Others = Others::Parsers("rtp");

fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    match code.pick(plants::read as Read, theirs)(input) {
        Ok(reading) => format!("{reading:?}"),
        Err(error) => error.to_string(),
    }
}

/// The packet of the row, whose elements count four bytes where the extension has eight.
fn as_counted(reading: &Reading) -> Result<Vec<u8>, RtpError> {
    let written = plants::write(reading)?;
    if written.len() == 24 { Ok(written) } else { Err(RtpError::ExtensionLength(written.len())) }
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "rtp/pion-extension-length",
        row: Some(48),
        source: "pion/webrtc #285",
        cause: "the header extension is as long as it says: a slice past the end",
        input: Input::Bytes(&[0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff]),
        right: "read an RTP packet whose header extension does not fit",
        others: NO_MEDIA,
        play: |code, input| reads(code, plants::extension_past_end, input),
        ..Known::USUAL
    },
    Known {
        id: "rtp/pion-source-count",
        row: Some(48),
        source: "pion/webrtc #247, pion/rtp #1",
        cause: "contributing sources are read that the packet does not have",
        input: Input::Bytes(&[0x8f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]),
        right: "read an RTP packet whose 15 contributing sources do not fit",
        others: NO_MEDIA,
        play: |code, input| reads(code, plants::sources_past_end, input),
        ..Known::USUAL
    },
    Known {
        id: "rtp/pion-three-bytes",
        row: Some(48),
        source: "pion/rtp #254",
        cause: "the header of a packet of three bytes is read",
        input: Input::Bytes(&[0x81, 0x81, 0x94]),
        right: "read an RTP packet of 3 bytes, the fixed header has 12",
        others: Others::Run("demux/short-rtp"),
        play: |code, input| {
            reads(
                code,
                |bytes| {
                    let sources = 4 * usize::from(bytes[0] & 0x0f);
                    let _ = &bytes[12..12 + sources];
                    plants::read(bytes)
                },
                input,
            )
        },
        ..Known::USUAL
    },
    Known {
        id: "rtp/pion-padding-too-long",
        row: Some(49),
        source: "pion/interceptor before 0.1.39, CVE-2025-49140, pion/webrtc #3148",
        cause: "there is more padding than payload: a panic in an SFU",
        input: Input::Bytes(&[0xa0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]),
        right: "read an RTP packet with 255 of 1 bytes padding",
        others: NO_MEDIA,
        play: |code, input| reads(code, plants::padding_too_long, input),
        ..Known::USUAL
    },
    Known {
        id: "rtp/rtc-filled-extension",
        row: Some(50),
        source: "rtc-rtp 0.21.1, measured 2026-11-23",
        cause: "zeros between elements are read and not counted: `output size 20, expect 24`",
        input: Input::Bytes(&[
            0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 2, 0x10, 0xaa, 0, 0, 0x20, 0xbb,
            0, 0,
        ]),
        // RFC 8285 §4.1.2: padding may stand between elements, and has no meaning.
        right: "written, and read again the same: true",
        others: NO_MEDIA,
        play: |code, input| {
            type Write = fn(&Reading) -> Result<Vec<u8>, RtpError>;
            let read = match plants::read(input) {
                Ok(read) => read,
                Err(error) => return error.to_string(),
            };
            match code.pick(plants::write as Write, as_counted)(&read) {
                Ok(written) => {
                    let same = plants::read(&written).as_ref() == Ok(&read);
                    format!("written, and read again the same: {same}")
                }
                Err(error) => error.to_string(),
            }
        },
        ..Known::USUAL
    },
    Known {
        id: "rtp/mediasoup-sequence-wrap",
        row: Some(55),
        source: "mediasoup #1028, #1045",
        cause: "the sequence number after 65535 is far behind it: buffers of retransmission crash",
        input: Input::Bytes(&[0xff, 0xfe, 0xff, 0xff, 0, 0, 0, 1]),
        right: "[1, 1, 1]",
        others: Others::Nobody("no case sends media yet"),
        play: |code, input| {
            let numbers: Vec<u16> =
                input.as_chunks::<2>().0.iter().map(|two| u16::from_be_bytes(*two)).collect();
            let steps = numbers.windows(2).map(|two| {
                let ours = i32::from(SequenceNumber(two[1]).since(SequenceNumber(two[0])));
                code.pick(ours, i32::from(two[1]) - i32::from(two[0]))
            });
            format!("{:?}", steps.collect::<Vec<_>>())
        },
        ..Known::USUAL
    },
];
