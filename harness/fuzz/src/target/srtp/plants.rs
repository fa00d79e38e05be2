//! Bugs of others' SRTP code, built into copies of ours.

use rtcspec_srtp::{Context, OpenedRtp, Profile, SrtpError};

use super::program::{self, Subject};
use crate::target::Plant;

pub(super) const PACKETS: &[Plant] = &[
    Plant {
        name: "srtcp-shorter-than-trailer",
        source: "libsrtp: the length of SRTCP less that of its trailer, unchecked",
        body: |case| {
            let subject = Subject {
                open_rtcp: |context, packet| {
                    let _ = packet.len().checked_sub(8 + 4 + 10).expect("subtract with overflow");
                    context.open_rtcp(packet)
                },
                ..Subject::OURS
            };
            program::body(case, &subject)
        },
    },
    Plant {
        name: "srtp-header-past-end",
        source: "libsrtp CVE-2015-6360: sources and extension longer than the packet",
        body: |case| program::body(case, &Subject { open_rtp: header_past_end, ..Subject::OURS }),
    },
    Plant {
        name: "srtp-failure-not-blocking",
        source: "libpeer #274 c3: a packet that does not authenticate is used all the same",
        body: |case| {
            program::body(case, &Subject { open_rtp: failure_not_blocking, ..Subject::OURS })
        },
    },
    Plant {
        name: "srtp-no-payload",
        source: "str0m 06b6c325: a packet without payload",
        body: |case| program::body(case, &Subject { open_rtp: no_payload, ..Subject::OURS }),
    },
    Plant {
        name: "srtp-replay-not-told",
        source: "RFC 3711 §3.3.2: a replayed packet is new",
        body: |case| {
            let subject = Subject {
                open_rtp: |context, packet| {
                    Ok(OpenedRtp { replayed: false, ..context.open_rtp(packet)? })
                },
                ..Subject::OURS
            };
            program::body(case, &subject)
        },
    },
    Plant {
        name: "srtp-counter-never-turns",
        source: "RFC 3711 §3.3.1: the sender's rollover counter stays 0, and keystream repeats",
        body: |case| {
            let subject = Subject {
                protect_rtp: |context, packet| {
                    let index = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
                    context.seal_rtp(packet, index).map(|()| index)
                },
                ..Subject::OURS
            };
            program::body(case, &subject)
        },
    },
    Plant {
        name: "srtcp-index-repeats",
        source: "RFC 3711 §3.4: each SRTCP packet has the first index",
        body: |case| {
            let subject = Subject {
                protect_rtcp: |context, packet, encrypt| {
                    context.seal_rtcp(packet, 0, encrypt).map(|()| 0)
                },
                ..Subject::OURS
            };
            program::body(case, &subject)
        },
    },
    Plant {
        name: "srtp-short-tag-compared",
        source: "of a tag as many bytes are compared as the packet has",
        body: |case| program::body(case, &Subject { open_rtp: short_tag, ..Subject::OURS }),
    },
];

pub(crate) fn header_past_end(
    context: &mut Context,
    packet: &mut [u8],
) -> Result<OpenedRtp, SrtpError> {
    if let [first @ 0x80..0xc0, ..] = *packet
        && packet.len() > 16
    {
        let mut len = 12 + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            len += 4 + 4 * usize::from(u16::from_be_bytes([packet[len + 2], packet[len + 3]]));
        }
        let _ = &packet[len..];
    }
    context.open_rtp(packet)
}

pub(crate) fn failure_not_blocking(
    context: &mut Context,
    packet: &mut [u8],
) -> Result<OpenedRtp, SrtpError> {
    match context.open_rtp(packet) {
        Err(SrtpError::Authentication) => {
            Ok(OpenedRtp { len: packet.len() - 10, index: 0, replayed: false })
        }
        outcome => outcome,
    }
}

pub(crate) fn no_payload(context: &mut Context, packet: &mut [u8]) -> Result<OpenedRtp, SrtpError> {
    let opened = context.open_rtp(packet)?;
    let header = 12 + 4 * usize::from(packet[0] & 0x0f) + if packet[0] & 0x10 != 0 { 8 } else { 0 };
    let _ = packet[..opened.len][header];
    Ok(opened)
}

/// What a reader would open that takes a missing end of the tag for right.
fn short_tag(context: &mut Context, packet: &mut [u8]) -> Result<OpenedRtp, SrtpError> {
    let outcome = context.open_rtp(packet);
    let is_counter =
        matches!(context.profile(), Profile::Aes128CmSha1_80 | Profile::Aes128CmSha1_32);
    match outcome {
        Err(SrtpError::Short { len }) if is_counter && len >= 12 => {
            Ok(OpenedRtp { len: 12, index: 0, replayed: false })
        }
        outcome => outcome,
    }
}
