//! RTCP compounds, whole and of reduced size.

mod ours;
#[cfg(feature = "foreign")]
mod theirs;

use rtcspec_wire::rtcp::{PacketType, PacketView, packets};

use crate::format::{Condition, Format};
use crate::parser::Parser;

/// Each packet with its type, then what it is about.
const FIELDS: &[&str] = &[
    "packet",
    "sender",
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
    "media",
    "nack",
    "refresh",
];

/// Compounds of RFC 3550, RFC 4585 and RFC 5506.
pub(crate) const FORMAT: Format = Format {
    name: "rtcp",
    target: "rtcp_compound",
    is_text: false,
    fields: FIELDS,
    ours: Parser { name: "rtcspec", tells: FIELDS, read: ours::read },
    theirs,
    conditions: CONDITIONS,
    repair: |_| {},
};

fn theirs() -> Vec<Parser> {
    #[cfg(feature = "foreign")]
    return theirs::ALL.to_vec();
    #[cfg(not(feature = "foreign"))]
    Vec::new()
}

/// Whether a packet of a compound is so.
fn any(input: &[u8], is: impl Fn(&PacketView<'_>) -> bool) -> bool {
    packets(input).flatten().any(|packet| is(&packet))
}

/// Whether a packet of this type and format is so.
fn feedback(input: &[u8], kind: PacketType, format: u8, is: impl Fn(&[u8]) -> bool) -> bool {
    any(input, |packet| {
        packet.packet_type() == kind && packet.count() == format && is(packet.body())
    })
}

const CONDITIONS: &[Condition] = &[
    // RFC 3550 §6.4.1: padding is no part of what a packet says.
    Condition { name: "padding", holds: |input| any(input, |packet| packet.padding() > 0) },
    // RFC 3550 §6.1: types that a receiver does not know are passed over.
    Condition {
        name: "unknown-type",
        holds: |input| any(input, |packet| !(200..=207).contains(&packet.packet_type().0)),
    },
    // RFC 3550 §6.5: items of types that a receiver does not know are passed over.
    Condition { name: "unknown-item", holds: ours::has_unknown_item },
    // RFC 3550 §6.5: every chunk ends at a word.
    Condition {
        name: "description",
        holds: |input| any(input, |packet| packet.packet_type() == PacketType::SOURCE_DESCRIPTION),
    },
    // RFC 4585 §6.2.1, RFC 5104 §4.3.1: lists that may be found empty.
    Condition {
        name: "empty-feedback",
        holds: |input| {
            feedback(input, PacketType::TRANSPORT_FEEDBACK, 1, |body| body.len() <= 8)
                || feedback(input, PacketType::PAYLOAD_FEEDBACK, 4, |body| body.len() <= 8)
        },
    },
    // RFC 4585 §6.3.2: slice losses, which WebRTC does not use.
    Condition {
        name: "slice-loss",
        holds: |input| feedback(input, PacketType::PAYLOAD_FEEDBACK, 2, |_| true),
    },
    // RFC 4585 §6.4: application layer feedback is REMB only by its identifier.
    Condition {
        name: "application-feedback",
        holds: |input| {
            feedback(input, PacketType::PAYLOAD_FEEDBACK, 15, |body| {
                body.get(8..12) != Some(b"REMB")
            })
        },
    },
    // draft-alvestrand-rmcat-remb-03 §2.2: the media source is zero.
    Condition {
        name: "remb-media",
        holds: |input| {
            feedback(input, PacketType::PAYLOAD_FEEDBACK, 15, |body| {
                body.get(8..12) == Some(b"REMB")
            })
        },
    },
    // RFC 8888 §3.1, RFC 6051: transport feedback of other formats.
    Condition {
        name: "other-transport-feedback",
        holds: |input| {
            any(input, |packet| {
                packet.packet_type() == PacketType::TRANSPORT_FEEDBACK
                    && !matches!(packet.count(), 1 | 15)
            })
        },
    },
    // draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
    Condition {
        name: "arrival-times",
        holds: |input| feedback(input, PacketType::TRANSPORT_FEEDBACK, 15, |_| true),
    },
    // RFC 3611 §3: an extended report may have no block.
    Condition {
        name: "extended-report",
        holds: |input| any(input, |packet| packet.packet_type() == PacketType::EXTENDED_REPORT),
    },
    // RFC 3550 §6.6: a goodbye.
    Condition {
        name: "goodbye",
        holds: |input| any(input, |packet| packet.packet_type() == PacketType::BYE),
    },
    // RFC 3550 §6.7: application-defined packets.
    Condition {
        name: "application",
        holds: |input| any(input, |packet| packet.packet_type() == PacketType::APP),
    },
];
