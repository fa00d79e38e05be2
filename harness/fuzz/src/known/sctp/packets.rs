//! Rows about reading SCTP packets.
//!
//! The checksums are zero: the readers here do not look at them.

use rtcspec_wire::sctp::{
    Checksum, Chunk, EncodeError, Error, Fault, Packet, PacketView, Parameter,
};

use crate::known::{Code, Input, Known, Others};
use crate::target::sctp::plants;

/// A packet with these bytes behind its common header.
macro_rules! packet {
    ($($byte:expr),* $(,)?) => {
        Input::Bytes(&[0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0, $($byte),*])
    };
}

/// An INIT of this length, with these bytes behind its fixed fields.
macro_rules! init {
    ($kind:literal, $length:literal, $($byte:expr),* $(,)?) => {
        packet![$kind, 0, 0, $length, 0, 0, 0, 1, 0, 2, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1, $($byte),*]
    };
}

type Read = fn(&[u8]) -> Result<Packet, Error>;

fn read(bytes: &[u8]) -> Result<Packet, Error> {
    Packet::from_view(&PacketView::new(bytes)?)
}

/// The chunks in words, with what parameters and raw values are; or why not.
fn account(outcome: Result<Packet, Error>) -> String {
    let packet = match outcome {
        Ok(packet) => packet,
        Err(error) => return error.to_string(),
    };
    let words = packet.chunks.iter().map(|chunk| match chunk {
        Chunk::Init(init) | Chunk::InitAck(init) => {
            let parameters = init.parameters.iter().map(parameter).collect::<Vec<_>>();
            format!("{} with {}", chunk.chunk_type(), parameters.join(" and "))
        }
        Chunk::Unknown(raw) => format!("{} of {} bytes, raw", raw.chunk_type, raw.value.len()),
        Chunk::CookieEcho(echo) => format!("COOKIE-ECHO of {} bytes", echo.cookie.len()),
        other => other.chunk_type().to_string(),
    });
    words.collect::<Vec<_>>().join(" + ")
}

fn parameter(parameter: &Parameter) -> String {
    match parameter {
        Parameter::StateCookie(cookie) => format!("a cookie of {} bytes", cookie.len()),
        Parameter::Other { parameter_type, value } => {
            format!("{parameter_type} of {} bytes, raw", value.len())
        }
        other => format!("{other:?}"),
    }
}

fn reads(code: Code, theirs: Read, input: &[u8]) -> String {
    account(code.pick(read as Read, theirs)(input))
}

/// What is refused if a packet has more than a chunk that is taken for all of it.
const ALONE: Error = Error::Chunk(Fault::LengthTooSmall { length: 0 });

pub(in crate::known) const ALL: &[Known] = &[
    Known {
        id: "sctp/usrsctp-last-parameter",
        row: Some(1),
        source: "usrsctp CVE-2019-20503",
        cause: "of a last parameter that is cut short enough is there for the check, not for the \
                use: reads past the end",
        input: init!(1, 26, 0xc0, 0, 0, 8, 0xaa, 0xbb, 0, 0),
        right: "read a parameter: length 8 where 6 bytes are left",
        others: Others::Run("sctp/last-parameter-cut"),
        play: |code, input| reads(code, plants::last_parameter, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/usrsctp-hmac-list",
        row: Some(2),
        source: "usrsctp e1dd9bea, 858d2f73, CVE-2020-6831",
        cause: "a list of HMAC identifiers whose length is odd is read two bytes at a time",
        input: init!(1, 27, 0x80, 4, 0, 7, 0, 3, 0, 0),
        right: "INIT with Requested HMAC Algorithm of 3 bytes, raw",
        others: Others::Run("sctp/hmac-list-odd"),
        play: |code, input| reads(code, plants::hmac_list, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/usrsctp-cookie-zero-length",
        row: Some(4),
        source: "usrsctp a5ce87dd",
        cause: "a state cookie of no bytes",
        input: init!(2, 24, 0, 7, 0, 4),
        right: "INIT-ACK with a cookie of 0 bytes",
        others: Others::Run("sctp/cookie-of-no-bytes"),
        play: |code, input| reads(code, plants::empty_cookie, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/usrsctp-packet-drop-length",
        row: Some(5),
        source: "usrsctp 25f4212f, OSS-Fuzz",
        cause: "PKTDROP says how long the packet in it is, and is believed",
        input: packet![
            0x81, 0, 0, 20, 0, 0, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0x13, 0x88, 0x13, 0x88,
        ],
        right: "chunk 129 of 16 bytes, raw",
        others: Others::Run("sctp/packet-drop-length"),
        play: |code, input| reads(code, plants::packet_drop, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/usrsctp-chunk-flags",
        row: Some(9),
        source: "usrsctp #357",
        cause: "flags and padding of a chunk are what was in memory",
        input: packet![0, 7, 0, 17, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 53, 0xaa, 0, 0, 0],
        right: "flags 7, padding [0, 0, 0]",
        others: Others::Nobody("what a stack has in its memory is not seen from outside"),
        play: |code, input| {
            type Write = fn(&Packet) -> Result<Vec<u8>, EncodeError>;
            let ours: Write = |packet| packet.encode(Checksum::Crc32c);
            match read(input).map(|packet| code.pick(ours, plants::flags_lost)(&packet)) {
                Ok(Ok(written)) => {
                    format!("flags {}, padding {:?}", written[13], &written[written.len() - 3..])
                }
                other => format!("{other:?}"),
            }
        },
        ..Known::USUAL
    },
    Known {
        id: "sctp/sipsorcery-chunk-length-zero",
        row: Some(10),
        source: "SIPSorcery PR 1758, dpkt #583",
        cause: "a chunk of length 0 is gone past by 0 bytes, for ever",
        input: packet![0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        right: "read a chunk: length 0 is below 4",
        others: Others::Run("sctp/zero-chunk-length"),
        play: |code, input| reads(code, plants::length_zero, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/werift-parameter-length-zero",
        row: None,
        source: "werift 0.24.4, aiortc 1.16.0: corpus/live/werift/sctp-hang-525affe2.toml",
        cause: "a parameter of length 0 is gone past by 0 bytes, and a list grows at each turn",
        input: packet![4, 0, 0, 8, 0, 1, 0, 0],
        right: "read HEARTBEAT: no Heartbeat Info",
        others: Others::Run("sctp/zero-parameter-length"),
        play: |code, input| reads(code, endless_parameters, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/linux-embedded-init-length",
        row: Some(11),
        source: "Linux CVE-2026-53224, CVE-2026-53246",
        cause: "COOKIE ECHO holds an INIT that claims to be longer than it",
        input: packet![10, 0, 0, 24, 1, 0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1],
        right: "COOKIE-ECHO of 20 bytes",
        others: Others::Run("sctp/cookie-foreign"),
        play: |code, input| reads(code, plants::embedded_init, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/linux-init-too-short",
        row: Some(11),
        source: "Linux CVE-2021-3655",
        cause: "fields of an INIT are read that end behind the chunk",
        input: packet![1, 0, 0, 12, 0, 0, 0, 1, 0, 2, 0, 0],
        right: "read INIT: 8 of at least 16 bytes after the chunk header",
        others: Others::Run("sctp/short-init"),
        play: |code, input| reads(code, fixed_fields, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/pion-sack-counts",
        row: Some(12),
        source: "pion/webrtc #45",
        cause: "a SACK has fewer gap blocks and duplicates than it counts",
        input: packet![3, 0, 0, 16, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0xff, 0, 1],
        right: "read SACK: lists of 1024 bytes in 0",
        others: Others::Run("sctp/sack-counts"),
        play: |code, input| reads(code, plants::sack_counts, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/pion-chunks-without-value",
        row: Some(12),
        source: "pion/sctp PR 339",
        cause: "chunks are cut out and their fixed fields read, whatever their length",
        input: Input::Events("each type of chunk with fixed fields, of 4 bytes"),
        right: "DATA 12, INIT 16, INIT-ACK 16, SACK 12, SHUTDOWN 4, I-DATA 16, FORWARD-TSN 4",
        others: Others::Run("sctp/chunks-without-value"),
        play: |code, _| {
            let words = [0, 1, 2, 3, 7, 64, 192].map(|kind| {
                let bytes = [0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0, kind, 0, 0, 4];
                match code.pick(read as Read, fixed_fields)(&bytes) {
                    Err(Error::ChunkTooShort { chunk_type, needed, available: 0 }) => {
                        format!("{chunk_type} {needed}")
                    }
                    other => format!("{other:?}"),
                }
            });
            words.join(", ")
        },
        ..Known::USUAL
    },
    Known {
        id: "sctp/webrtc-rs-sack-with-data",
        row: Some(13),
        source: "webrtc-rs/sctp #6",
        cause: "a SACK is taken for all of its packet, and DATA behind it for lists that lie",
        input: packet![
            3, 0, 0, 16, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 17, 0, 0, 0, 1, 0, 2, 0, 0,
            0, 0, 0, 53, 0xaa, 0, 0, 0,
        ],
        right: "SACK + DATA",
        others: Others::Run("sctp/sack-with-data"),
        play: |code, input| reads(code, sack_alone, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/rtc-forward-tsn-with-data",
        row: Some(13),
        source: "webrtc-rs/rtc PR 89",
        cause: "FORWARD-TSN is taken for all of its packet, and DATA behind it drops both",
        input: packet![
            0xc0, 0, 0, 8, 0, 0, 0, 1, 0, 3, 0, 17, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 53, 0xaa, 0,
            0, 0,
        ],
        right: "FORWARD-TSN + DATA",
        others: Others::Run("sctp/forward-tsn-with-data"),
        play: |code, input| reads(code, plants::forward_tsn_alone, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/rtc-cause-beyond-chunk",
        row: Some(15),
        source: "rtc-sctp 0.21.1, measured 2026-11-23",
        cause: "an error cause that claims to be longer than its chunk is sliced: a panic",
        input: packet![9, 0, 0, 8, 0, 1, 0, 8],
        right: "read an error cause: length 8 where 4 bytes are left",
        others: Others::Run("sctp/cause-beyond-chunk"),
        play: |code, input| reads(code, plants::cause_past_chunk, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/rtc-unknown-chunk",
        row: Some(16),
        source: "rtc-sctp 0.21.1, sctp-proto 0.10.8, measured 2026-11-23",
        cause: "an unknown chunk refuses its packet, whatever the high bits of its type say",
        input: packet![5, 0, 0, 8, 0, 1, 0, 4, 0xbd, 0, 0, 5, 1, 0, 0, 0],
        right: "HEARTBEAT-ACK + chunk 189 of 1 bytes, raw",
        others: Others::Run("sctp/unknown-chunk-skip"),
        play: |code, input| reads(code, plants::unknown_refused, input),
        ..Known::USUAL
    },
    Known {
        id: "sctp/rtc-supported-address-types",
        row: Some(16),
        source: "rtc-sctp 0.21.1, measured 2026-11-23",
        cause: "an INIT with parameter 12 (Supported Address Types) is refused",
        input: init!(1, 26, 0, 12, 0, 6, 0, 5, 0, 0),
        right: "INIT with SupportedAddressTypes([5])",
        others: Others::Run("sctp/supported-address-types"),
        play: |code, input| reads(code, no_address_types, input),
        ..Known::USUAL
    },
];

fn endless_parameters(bytes: &[u8]) -> Result<Packet, Error> {
    let mut list = Vec::new();
    let mut at = 16;
    while let Some(&[_, _, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        assert!(list.len() < 10_000, "an endless loop");
        list.push(at..at + length);
        at += length.next_multiple_of(4);
    }
    read(bytes)
}

fn fixed_fields(bytes: &[u8]) -> Result<Packet, Error> {
    let value = &bytes[16..];
    let needed = [12, 16, 16, 12].get(usize::from(bytes[12])).copied().unwrap_or(4);
    let _ = &value[..needed];
    read(bytes)
}

fn sack_alone(bytes: &[u8]) -> Result<Packet, Error> {
    let packet = read(bytes)?;
    let sack = packet.chunks.iter().any(|chunk| matches!(chunk, Chunk::Sack(_)));
    if sack && packet.chunks.len() > 1 { Err(ALONE) } else { Ok(packet) }
}

fn no_address_types(bytes: &[u8]) -> Result<Packet, Error> {
    let packet = read(bytes)?;
    let types = |parameter: &Parameter| matches!(parameter, Parameter::SupportedAddressTypes(_));
    let refused = packet.chunks.iter().any(|chunk| match chunk {
        Chunk::Init(init) => init.parameters.iter().any(types),
        _ => false,
    });
    if refused { Err(ALONE) } else { Ok(packet) }
}
