//! Rows about SRTP.

use rtcspec_srtp::{Context, Master, OpenedRtcp, OpenedRtp, Profile, SrtpError};

use super::{Input, Known, Others};
use crate::target::srtp::plants;

type OpenRtp = fn(&mut Context, &mut [u8]) -> Result<OpenedRtp, SrtpError>;
type OpenRtcp = fn(&mut Context, &mut [u8]) -> Result<OpenedRtcp, SrtpError>;

const ROW: Known =
    Known { others: Others::Nobody("no case sends media yet"), budget: BUDGET, ..Known::USUAL };
/// Two contexts derive their keys.
const BUDGET: crate::case::Budget = crate::case::Budget {
    bytes: 256 << 10,
    time: std::time::Duration::from_millis(5),
    ..crate::case::Budget::DATAGRAM
};

/// A context of fixed keys.
fn context() -> Context {
    let master = Master { key: &[7; 16], salt: &[9; 14] };
    Context::new(Profile::Aes128CmSha1_80, master)
        .expect("key and salt are of the profile's lengths")
}

/// What a receiver opens: so many bytes, or why not.
fn opened(outcome: Result<OpenedRtp, SrtpError>) -> String {
    match outcome {
        Ok(OpenedRtp { len, replayed: false, .. }) => format!("{len} bytes"),
        Ok(OpenedRtp { len, .. }) => format!("{len} bytes, replayed"),
        Err(error) => error.to_string(),
    }
}

/// A packet that a sender protected, changed on its way.
fn protected(packet: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = packet.to_vec();
    let sealed = context().protect_rtp(&mut out);
    debug_assert!(sealed.is_ok(), "{sealed:?}");
    change(&mut out);
    out
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "srtp/libsrtp-shorter-than-trailer",
        row: Some(60),
        source: "libsrtp, a commit that checks lengths",
        cause: "of the length of an SRTCP packet that of its trailer is subtracted unseen",
        input: Input::Bytes(&[0x80, 201, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8]),
        right: "open 16 bytes: header, tag and index do not fit",
        play: |code, input| {
            let theirs: OpenRtcp = |context, packet| {
                let _ = packet.len().checked_sub(8 + 4 + 10).expect("subtract with overflow");
                context.open_rtcp(packet)
            };
            let open = code.pick(Context::open_rtcp as OpenRtcp, theirs);
            match open(&mut context(), &mut input.to_vec()) {
                Ok(opened) => format!("{opened:?}"),
                Err(error) => error.to_string(),
            }
        },
        ..ROW
    },
    Known {
        id: "srtp/libsrtp-sources-past-end",
        row: Some(60),
        source: "libsrtp CVE-2015-6360",
        cause: "contributing sources and extension go past the end of the packet",
        input: Input::Bytes(&[
            0x9f, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        ]),
        right: "read the header of a packet of 26 bytes",
        play: |code, input| {
            let open = code.pick(Context::open_rtp as OpenRtp, plants::header_past_end);
            opened(open(&mut context(), &mut input.to_vec()))
        },
        ..ROW
    },
    Known {
        id: "srtp/libsrtp-extension-past-end",
        row: Some(60),
        source: "libsrtp CVE-2015-6360",
        cause: "the header extension goes past the end of the packet",
        input: Input::Bytes(&[
            0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8,
            9, 10,
        ]),
        right: "read the header of a packet of 26 bytes",
        play: |code, input| {
            let open = code.pick(Context::open_rtp as OpenRtp, plants::header_past_end);
            opened(open(&mut context(), &mut input.to_vec()))
        },
        ..ROW
    },
    Known {
        id: "srtp/libpeer-failure-not-blocking",
        row: Some(61),
        source: "libpeer #274 c3 (2026-08)",
        cause: "a packet that does not authenticate is used all the same",
        input: Input::Bytes(&[
            0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, b'm', b'e', b'd', b'i', b'a',
        ]),
        right: "authenticate a packet",
        play: |code, input| {
            let mut packet = protected(input, |packet| packet[12] ^= 1);
            let open = code.pick(Context::open_rtp as OpenRtp, plants::failure_not_blocking);
            opened(open(&mut context(), &mut packet))
        },
        ..ROW
    },
    Known {
        id: "srtp/str0m-no-payload",
        row: Some(61),
        source: "str0m 06b6c325",
        cause: "a packet without payload: a panic",
        input: Input::Bytes(&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]),
        right: "12 bytes",
        play: |code, input| {
            let mut packet = protected(input, |_| ());
            let open = code.pick(Context::open_rtp as OpenRtp, plants::no_payload);
            opened(open(&mut context(), &mut packet))
        },
        ..ROW
    },
    Known {
        id: "srtp/replay-not-told",
        row: None,
        source: "RFC 3711 §3.3.2; no report known",
        cause: "a packet that comes again is new",
        input: Input::Bytes(&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, b'x']),
        right: "13 bytes; 13 bytes, replayed",
        play: |code, input| {
            let mut receiver = context();
            let packet = protected(input, |_| ());
            let open = |context: &mut Context| opened(context.open_rtp(&mut packet.clone()));
            let first = open(&mut receiver);
            let second = open(code.pick(&mut receiver, &mut context()));
            format!("{first}; {second}")
        },
        ..ROW
    },
];
