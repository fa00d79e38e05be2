//! Fixtures of the rules about SCTP.

use rtcspec_peer::tamper::{Action, Injection};
use rtcspec_wire::sctp::{Checksum, set_checksum};

use super::USUAL;
use crate::edit::{Edit, Seen};
use crate::lab::Fixture;

pub(super) fn sctp() -> Vec<Fixture> {
    vec![
        Fixture { name: "sctp.over-dtls.holds", ..USUAL },
        Fixture {
            name: "sctp.over-dtls.breaks",
            a: || {
                on_init(|packet| {
                    packet.extend([0, 5, 0, 8, 192, 0, 2, 1]);
                    lengthen(packet, 8);
                })
            },
            ..USUAL
        },
        Fixture { name: "sctp.checksum.holds", ..USUAL },
        Fixture {
            name: "sctp.checksum.breaks",
            a: || {
                let mut done = false;
                Edit::default().sctp(move |_, packet| {
                    if done || !has_user_data(packet) {
                        return Action::Pass;
                    }
                    done = true;
                    let mut packet = packet.to_vec();
                    set_checksum(&mut packet, Checksum::Exactly(0x0bad_0bad));
                    Action::replace(packet)
                })
            },
            ..USUAL
        },
        Fixture { name: "sctp.tag-and-bundling.holds", ..USUAL },
        Fixture {
            name: "sctp.tag-and-bundling.breaks",
            a: || Edit::default().at(3000, |seen| vec![Injection::Sctp(heartbeat_to_nobody(seen))]),
            ..USUAL
        },
        Fixture { name: "sctp.streams.holds", ..USUAL },
        Fixture {
            name: "sctp.streams.breaks",
            a: || {
                on_init(|packet| {
                    // Supported Extensions lists PAD in the place of RE-CONFIG.
                    let at = packet.windows(2).position(|two| two == [0x80, 0x08]).unwrap();
                    let length = usize::from(packet[at + 3]);
                    for byte in &mut packet[at + 4..at + length] {
                        if *byte == 130 {
                            *byte = 132;
                        }
                    }
                })
            },
            ..USUAL
        },
    ]
}

/// Changes INIT and INIT ACK.
fn on_init(f: impl Fn(&mut Vec<u8>) + 'static) -> Edit {
    Edit::default().sctp(move |_, packet| {
        if !matches!(packet.get(12), Some(1 | 2)) {
            return Action::Pass;
        }
        let mut packet = packet.to_vec();
        f(&mut packet);
        set_checksum(&mut packet, Checksum::Crc32c);
        Action::replace(packet)
    })
}

/// Adds to the length of the first chunk.
fn lengthen(packet: &mut [u8], by: u16) {
    let length = u16::from_be_bytes([packet[14], packet[15]]) + by;
    packet[14..16].copy_from_slice(&length.to_be_bytes());
}

/// Where the chunks of a packet begin.
pub(super) fn chunks(packet: &[u8]) -> Vec<usize> {
    let (mut at, mut all) = (12, Vec::new());
    while let Some(head) = packet.get(at..at + 4) {
        all.push(at);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]])).max(4);
        at += length.next_multiple_of(4);
    }
    all
}

/// Where a packet has a DATA or I-DATA chunk of an application.
pub(super) fn user_data(packet: &[u8]) -> Option<usize> {
    let ppid = |at: usize| match packet[at] {
        0 => packet.get(at + 12..at + 16),
        64 => packet.get(at + 16..at + 20),
        _ => None,
    };
    chunks(packet).into_iter().find(|at| ppid(*at).is_some_and(|ppid| ppid != [0, 0, 0, 50]))
}

fn has_user_data(packet: &[u8]) -> bool {
    user_data(packet).is_some()
}

fn heartbeat_to_nobody(seen: &Seen) -> Vec<u8> {
    let mut packet = seen.sctp[..12].to_vec();
    packet[4] ^= 0x55;
    packet.extend([4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4]);
    set_checksum(&mut packet, Checksum::Crc32c);
    packet
}
