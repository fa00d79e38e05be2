//! Fixtures of the rules about data channels and RTP.

use rtcspec_peer::tamper::{Action, Injection, StreamMessage};
use rtcspec_wire::sctp::{Checksum, set_checksum};

use super::USUAL;
use super::scenes::{CLOSING, LONGER_MESSAGE};
use super::sctp::{chunks, user_data};
use crate::edit::Edit;
use crate::lab::Fixture;
use crate::media;

pub(super) fn channels() -> Vec<Fixture> {
    vec![
        Fixture { name: "dcep.open.holds", ..USUAL },
        Fixture {
            name: "dcep.open.breaks",
            a: || {
                Edit::default().at(3000, |_| {
                    let data = [&[3, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0][..], b"even"].concat();
                    // A is the DTLS server; an even stream is not its own.
                    vec![Injection::Message(StreamMessage { stream: 100, ppid: 50, data })]
                })
            },
            ..USUAL
        },
        Fixture { name: "dcep.order-before-ack.holds", a: early_message, ..USUAL },
        Fixture {
            name: "dcep.order-before-ack.breaks",
            a: || {
                early_message().sctp(|_, packet| {
                    let Some(at) = user_data(packet) else { return Action::Pass };
                    let mut packet = packet.to_vec();
                    packet[at + 1] |= 4;
                    set_checksum(&mut packet, Checksum::Crc32c);
                    Action::replace(packet)
                })
            },
            ..USUAL
        },
        Fixture { name: "dc.ppid.holds", ..USUAL },
        Fixture {
            name: "dc.ppid.breaks",
            a: || {
                Edit::default().at(3000, |_| {
                    let data = b"seven".to_vec();
                    vec![Injection::Message(StreamMessage { stream: 1, ppid: 7, data })]
                })
            },
            ..USUAL
        },
        Fixture { name: "dc.max-message-size.holds", scene: LONGER_MESSAGE, ..USUAL },
        Fixture {
            name: "dc.max-message-size.breaks",
            scene: LONGER_MESSAGE,
            b: || Edit::default().sdp(|sdp| *sdp = max_message_size(sdp, "1200")),
            a: || Edit::default().received_sdp(|sdp| *sdp = max_message_size(sdp, "262144")),
            ..USUAL
        },
        Fixture { name: "dc.close.holds", scene: CLOSING, ..USUAL },
        Fixture {
            name: "dc.close.breaks",
            scene: CLOSING,
            b: || {
                Edit::default().sctp(
                    |_, packet| {
                        if resets(packet) { Action::Drop } else { Action::Pass }
                    },
                )
            },
            ..USUAL
        },
        Fixture { name: "rtp.payload-type.holds", edit: media::opus, sdp: false, ..USUAL },
        Fixture { name: "rtp.payload-type.breaks", edit: media::type_77, sdp: false, ..USUAL },
    ]
}

fn max_message_size(sdp: &str, size: &str) -> String {
    let change = |line: &str| match line.strip_prefix("a=max-message-size:") {
        Some(_) => format!("a=max-message-size:{size}\r\n"),
        None => format!("{line}\r\n"),
    };
    sdp.lines().map(change).collect()
}

/// Whether a packet resets streams of its sender.
fn resets(packet: &[u8]) -> bool {
    let asks = |at: usize| {
        let length = usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]]));
        let chunk = packet.get(at..at + length).unwrap_or_default();
        let mut parameter = 4;
        while let Some(head) = chunk.get(parameter..parameter + 4) {
            if head[..2] == [0, 13] {
                return true;
            }
            let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
            parameter += length.next_multiple_of(4);
        }
        false
    };
    chunks(packet).into_iter().any(|at| packet[at] == 130 && asks(at))
}

/// A message right behind the OPEN, before anything comes back.
fn early_message() -> Edit {
    let mut done = false;
    Edit::default().message(move |message| {
        if message.ppid != 50 || message.data.first() != Some(&3) || done {
            return Action::Pass;
        }
        done = true;
        let early = StreamMessage { stream: message.stream, ppid: 51, data: b"early".to_vec() };
        Action::Replace(vec![message.clone(), early])
    })
}
