//! Fixtures of the rules about TURN, consent and NATs.

use std::time::Duration;

use rtcspec_peer::tamper::Injection;
use rtcspec_trace::{Datagram, Party, Place, Session};
use rtcspec_wire::stun::{AttributeType, Class, MessageType, Method, TransactionId, View};

use super::USUAL;
use super::scenes::{LONG, RELAY, SYMMETRIC, cut};
use crate::craft::{Protect, rewrite_as, write, xor_address};
use crate::edit::{Edit, Said, Seen};
use crate::lab::{Fixture, PLAIN};

pub(super) fn turn_and_consent() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.relay-permission.holds", scene: RELAY, ..USUAL },
        Fixture {
            name: "ice.relay-permission.breaks",
            scene: RELAY,
            a: || Edit::default().at(3000, |seen| vec![unpermitted(seen)]),
            ..USUAL
        },
        Fixture {
            name: "turn.channel.holds",
            scene: RELAY,
            // Two numbers for one peer, both refused.
            a: || {
                Edit::default()
                    .at(3000, |seen| vec![channel(seen, [0x4a, 0xbc], 0x73)])
                    .at(3500, |seen| vec![channel(seen, [0x4a, 0xbd], 0x74)])
            },
            ..USUAL
        },
        Fixture {
            name: "turn.channel.breaks",
            scene: RELAY,
            a: || Edit::default().at(3000, |seen| vec![channel(seen, [0x3f, 0xff], 0x72)]),
            ..USUAL
        },
        Fixture { name: "consent.freshness.holds", scene: LONG, edit: cut, ..USUAL },
        Fixture { name: "consent.freshness.breaks", scene: LONG, edit: unanswered, ..USUAL },
        Fixture { name: "nat.inference.holds", scene: PLAIN, ..USUAL },
        Fixture { name: "nat.inference.breaks", scene: SYMMETRIC, ..USUAL },
    ]
}

fn asked(seen: &Seen) -> &Said {
    seen.asked.first().expect("A asks its TURN server for an allocation")
}

/// A Send indication with a check, for a peer without permission.
fn unpermitted(seen: &Seen) -> Injection {
    let server = asked(seen);
    let plain = |said: &&Said| !View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().find(plain).unwrap();
    let id = TransactionId([0x70; 12]);
    let check = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let ty = MessageType { class: Class::Indication, method: Method::SEND };
    let peer = xor_address(([198, 51, 100, 99], 5000).into());
    let attributes = vec![(AttributeType::XOR_PEER_ADDRESS, peer), (AttributeType::DATA, check)];
    let data = write(ty, TransactionId([0x71; 12]), &attributes, &[], Protect::Fully);
    Injection::Datagram { local: server.local, remote: server.remote, data }
}

/// A `ChannelBind` without credentials, which the server refuses.
fn channel(seen: &Seen, number: [u8; 2], id: u8) -> Injection {
    let server = asked(seen);
    let ty = MessageType { class: Class::Request, method: Method::CHANNEL_BIND };
    let peer = xor_address(([198, 51, 100, 99], 5000).into());
    let attributes = vec![
        (AttributeType::CHANNEL_NUMBER, vec![number[0], number[1], 0, 0]),
        (AttributeType::XOR_PEER_ADDRESS, peer),
    ];
    let data = write(ty, TransactionId([id; 12]), &attributes, &[], Protect::Fully);
    Injection::Datagram { local: server.local, remote: server.remote, data }
}

/// From the third second on no check of A is answered.
fn unanswered(session: &mut Session) {
    let answer = |datagram: &Datagram| {
        datagram.to == Some(Place::Peer(Party::A))
            && datagram.payload.starts_with(&[1, 1])
            && datagram.sent > Duration::from_secs(3)
    };
    session.datagrams.retain(|datagram| !answer(datagram));
}
