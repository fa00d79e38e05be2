//! `demux`: each packet of a 5-tuple is of exactly one protocol, and its reader agrees.

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::rtcp::PacketView;
use rtcspec_wire::{dtls, rtp, stun, turn};

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate::{self, Source};

/// Holds telling protocols apart (RFC 7983, RFC 9443, RFC 5761).
pub const PACKET: Target = Target {
    name: "demux",
    about: "RFC 7983: one class by the first bytes, the class of whoever can read the packet",
    seeds: &["stun", "turn-channel-data", "dtls-record", "rtp", "rtcp"],
    dictionary: || {
        [0, 3, 15, 19, 20, 63, 64, 79, 127, 128, 191, 200, 206].map(|byte| vec![byte]).to_vec()
    },
    mutate: |data, source| mutate::mostly(data, source, change),
    body: |case| body(case, classify),
    situations: &["empty", "stun", "dtls", "channel data", "rtp", "rtcp", "quic", "none"],
    plants: PLANTS,
};

type Classify = fn(&[u8]) -> Protocol;

fn classify(packet: &[u8]) -> Protocol {
    Protocol::of(packet)
}

/// First bytes at and next to the edges of ranges, before any rest.
fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let first = source
        .pick(&[0, 1, 2, 3, 4, 15, 16, 19, 20, 22, 63, 64, 79, 80, 127, 128, 144, 191, 192, 255]);
    let second = source.pick(&[0, 96, 191, 192, 199, 200, 204, 205, 206, 207, 210, 223, 224, 255]);
    match source.rng.u8(..5) {
        0 => data.truncate(source.below(4)),
        1 => mutate::bytes::mutate(data, source),
        2 => data.splice(..data.len().min(2), [first, second]).for_each(drop),
        3 => data.splice(..data.len().min(1), [first]).for_each(drop),
        _ => *data = source.donor.to_vec(),
    }
}

fn body(case: &mut Case<'_>, classify: Classify) -> Verdict {
    let packet = case.input;
    let class = case.within(Budget::DATAGRAM, packet.len(), || classify(packet))?;
    note(case, class);
    if !case.is_thorough() {
        return Ok(());
    }
    hold(Oracle::Determinism, classify(packet) == class, || "two classes")?;
    first_bytes(packet, classify, class)?;
    readers(case, packet, class)?;
    ranges(packet, class)
}

fn note(case: &mut Case<'_>, class: Protocol) {
    case.see(&class);
    match class {
        Protocol::Empty => case.reach("empty"),
        Protocol::Stun => case.reach("stun"),
        Protocol::Dtls => case.reach("dtls"),
        Protocol::TurnChannel => case.reach("channel data"),
        Protocol::Rtp => case.reach("rtp"),
        Protocol::Rtcp => case.reach("rtcp"),
        Protocol::Quic => case.reach("quic"),
        Protocol::Unassigned | Protocol::Zrtp => case.reach("none"),
    }
}

/// RFC 7983 §7: the first byte decides; RFC 5761 §4: of RTP and RTCP the second too; nothing else.
fn first_bytes(packet: &[u8], classify: Classify, class: Protocol) -> Verdict {
    let two = packet.get(..2).unwrap_or(packet);
    let alone = classify(two);
    hold(Oracle::Metamorphic, alone == class, || {
        format!("{two:02x?} is {alone}, with what follows {class}")
    })?;
    let &[first, second, ..] = packet else { return Ok(()) };
    let media = |class| matches!(class, Protocol::Rtp | Protocol::Rtcp);
    let other = classify(&[first, second ^ 0x5a]);
    hold(Oracle::Metamorphic, other == class || media(other) && media(class), || {
        format!("{first:#x} is {class} or {other} by its second byte")
    })?;
    // Beside the marker bit, a payload type of RTP is none of RTCP's numbers (RFC 5761 §4).
    let marked = classify(&[first, second | 0x80]);
    let collides = class == Protocol::Rtp && marked == Protocol::Rtcp && second < 0x80;
    hold(Oracle::Model, !collides || (64..96).contains(&second), || {
        format!("payload type {second} is RTCP with the marker bit")
    })
}

/// Who can read a packet says what it is. The readers know nothing of each other.
fn readers(case: &mut Case<'_>, packet: &[u8], class: Protocol) -> Verdict {
    // RFC 5761 §4: these are payload types that RTP must not use beside RTCP.
    let of_rtcp = packet.get(1).is_some_and(|second| (192..=223).contains(second));
    let record = dtls::Records::new(packet).next();
    let read = [
        // RFC 7983 §7: the methods that there is room for.
        (Protocol::Stun, stun::View::new(packet).check_header().is_ok() && packet[0] < 4),
        (Protocol::Rtp, rtp::View::new(packet).check().is_ok() && !of_rtcp),
        (Protocol::Rtcp, PacketView::split(packet).is_ok() && of_rtcp),
        (
            Protocol::Dtls,
            record.is_some_and(|record| !matches!(record, dtls::Record::Malformed { .. })),
        ),
        (Protocol::TurnChannel, turn::ChannelData::parse(packet).is_ok()),
    ];
    read.into_iter().filter(|(_, reads)| *reads).try_for_each(|(wanted, _)| {
        case.see(&(wanted, "read"));
        hold(Oracle::Model, class == wanted, || {
            format!("{:02x?} is read as {wanted} and classed {class}", packet.get(..4))
        })
    })
}

/// RFC 9443 §3: the ranges of the first byte, as the figure has them.
fn ranges(packet: &[u8], class: Protocol) -> Verdict {
    const FIGURE: [(u8, u8, &[Protocol]); 8] = [
        (0, 3, &[Protocol::Stun]),
        (4, 15, &[Protocol::Unassigned]),
        (16, 19, &[Protocol::Zrtp]),
        (20, 63, &[Protocol::Dtls]),
        (64, 79, &[Protocol::TurnChannel]),
        (80, 127, &[Protocol::Quic]),
        (128, 191, &[Protocol::Rtp, Protocol::Rtcp]),
        (192, 255, &[Protocol::Quic]),
    ];
    let Some(first) = packet.first() else {
        return hold(Oracle::Model, class == Protocol::Empty, || "no byte is of a protocol");
    };
    let row = FIGURE.iter().find(|(from, to, _)| (from..=to).contains(&first));
    hold(Oracle::Model, row.is_some_and(|(_, _, classes)| classes.contains(&class)), || {
        format!("first byte {first} is {class}")
    })
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "demux-stun-below-2",
        source: "RFC 5764 §5.1.2, which RFC 7983 replaces: STUN begins with 0 or 1",
        body: |case| body(case, stun_below_2),
    },
    Plant {
        name: "demux-dtls-64",
        source: "RFC 5764 §5.1.2 read as 19 < B <= 64: a channel's first number is DTLS",
        body: |case| body(case, dtls_64),
    },
    Plant {
        name: "demux-channel-to-127",
        source: "RFC 5766 §11: ChannelData begins with 0x40 to 0x7f, where QUIC is now",
        body: |case| body(case, channel_to_127),
    },
    Plant {
        name: "demux-rtcp-only-reports",
        source: "RTCP is 200 to 204: feedback (205, 206) goes to the RTP stack",
        body: |case| body(case, rtcp_only_reports),
    },
    Plant {
        name: "demux-one-byte",
        source: "the second byte of a packet of one",
        body: |case| body(case, one_byte),
    },
];

fn stun_below_2(packet: &[u8]) -> Protocol {
    match packet.first() {
        Some(2 | 3) => Protocol::Unassigned,
        _ => classify(packet),
    }
}

fn dtls_64(packet: &[u8]) -> Protocol {
    if packet.first() == Some(&64) { Protocol::Dtls } else { classify(packet) }
}

fn channel_to_127(packet: &[u8]) -> Protocol {
    match packet.first() {
        Some(64..128) => Protocol::TurnChannel,
        _ => classify(packet),
    }
}

fn rtcp_only_reports(packet: &[u8]) -> Protocol {
    match (classify(packet), packet) {
        (Protocol::Rtcp, [_, 200..=204, ..]) => Protocol::Rtcp,
        (Protocol::Rtcp, _) => Protocol::Rtp,
        (class, _) => class,
    }
}

fn one_byte(packet: &[u8]) -> Protocol {
    if let [128..192, ..] = packet {
        let _ = packet[1];
    }
    classify(packet)
}
