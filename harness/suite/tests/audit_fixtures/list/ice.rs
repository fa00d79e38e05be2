//! Fixtures of the rules about ICE.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Stun};
use rtcspec_trace::{Party, Place, Session, SignalBody};
use rtcspec_wire::stun::{AttributeType, Class, TransactionId, View};

use super::USUAL;
use super::scenes::{LATER, LONG, cut};
use super::stun::{consent, said, signed};
use crate::craft::{Protect, rewrite_as, set, xor_address};
use crate::edit::{Edit, Said, Seen};
use crate::lab::Fixture;

pub(super) fn ice() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.username.holds", ..USUAL },
        Fixture {
            name: "ice.username.breaks",
            a: || {
                consent(|said| {
                    signed(said, |attributes| {
                        let name = attributes.iter().find(|(ty, _)| *ty == AttributeType::USERNAME);
                        let text = String::from_utf8(name.unwrap().1.clone()).unwrap();
                        let receiver = text.split(':').next().unwrap();
                        let name = format!("{receiver}:xxxx");
                        set(attributes, AttributeType::USERNAME, name.as_bytes());
                    })
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.credentials.holds", ..USUAL },
        Fixture {
            name: "ice.credentials.breaks",
            // The reference peer refuses such credentials: a section of the offer that the
            // answer leaves alone has them.
            edit: short_password,
            ..USUAL
        },
        Fixture { name: "ice.priority.holds", ..USUAL },
        Fixture {
            name: "ice.priority.breaks",
            a: || {
                consent(|said| {
                    let host = (126_u32 << 24 | 0x00ff_ffff).to_be_bytes();
                    signed(said, |attributes| set(attributes, AttributeType::PRIORITY, &host))
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.mapped-address.holds", at: Party::B, ..USUAL },
        Fixture { name: "ice.mapped-address.breaks", at: Party::B, b: wrong_mapped, ..USUAL },
        Fixture { name: "ice.symmetric-answer.holds", ..USUAL },
        Fixture { name: "ice.symmetric-answer.breaks", edit: answer_from_elsewhere, ..USUAL },
        Fixture {
            name: "ice.pacing.holds",
            a: || {
                (0..5_u8).fold(Edit::default(), |edit, index| {
                    edit.at(3000 + 60 * u64::from(index), move |seen| vec![stray(seen, index)])
                })
            },
            ..USUAL
        },
        Fixture {
            name: "ice.pacing.breaks",
            a: || Edit::default().at(3000, |seen| (0..5).map(|index| stray(seen, index)).collect()),
            ..USUAL
        },
    ]
}

pub(super) fn nomination_and_roles() -> Vec<Fixture> {
    vec![
        Fixture { name: "ice.role-attribute.holds", ..USUAL },
        Fixture {
            name: "ice.role-attribute.breaks",
            a: || {
                consent(|said| {
                    signed(said, |attributes| {
                        attributes.retain(|(ty, _)| *ty != AttributeType::ICE_CONTROLLING);
                    })
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.use-candidate-role.holds", ..USUAL },
        Fixture {
            name: "ice.use-candidate-role.breaks",
            at: Party::B,
            b: || {
                consent(|said| {
                    signed(said, |attributes| set(attributes, AttributeType::USE_CANDIDATE, &[]))
                })
            },
            ..USUAL
        },
        Fixture { name: "ice.single-nomination.holds", ..USUAL },
        Fixture {
            name: "ice.single-nomination.breaks",
            a: || Edit::default().at(3000, |seen| vec![second_nomination(seen)]),
            ..USUAL
        },
        Fixture {
            name: "ice.role-conflict.holds",
            scene: LONG,
            a: || conflict(1),
            edit: cut,
            ..USUAL
        },
        Fixture {
            name: "ice.role-conflict.breaks",
            scene: LONG,
            a: || conflict(2),
            edit: cut,
            ..USUAL
        },
    ]
}

/// The first offer has one more section, with a password of eight characters.
fn short_password(session: &mut Session) {
    let section = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:8\r\n\
                   a=ice-ufrag:x4yz\r\na=ice-pwd:tooshort\r\n";
    let offer = session.signals.iter_mut().find_map(|signal| match &mut signal.body {
        SignalBody::Description { kind, sdp } if kind == "offer" => Some(sdp),
        _ => None,
    });
    offer.expect("there is an offer").push_str(section);
}

fn wrong_mapped() -> Edit {
    let mut done = false;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        let answer = view.message_type().is_some_and(|ty| ty.class == Class::SuccessResponse);
        if now < LATER || !answer || std::mem::replace(&mut done, true) {
            return Action::Pass;
        }
        let mut mapped = view.xor_mapped_address().unwrap();
        mapped.set_port(mapped.port() + 1);
        Action::replace(signed(&said(message), |attributes| {
            set(attributes, AttributeType::XOR_MAPPED_ADDRESS, &xor_address(mapped));
        }))
    })
}

/// The first answer to A arrives from another port.
fn answer_from_elsewhere(session: &mut Session) {
    let first = session.datagrams.iter_mut().find(|datagram| {
        datagram.to == Some(Place::Peer(Party::A)) && datagram.payload.starts_with(&[1, 1])
    });
    let first = first.expect("A's check is answered");
    first.source.set_port(first.source.port() + 1);
    first.seen_source.set_port(first.seen_source.port() + 1);
}

/// A check of a pair that goes nowhere.
fn stray(seen: &Seen, index: u8) -> Injection {
    let plain = |said: &&Said| !View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().find(plain).unwrap();
    let id = TransactionId([0x50 + index; 12]);
    let data = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let mut remote = said.remote;
    remote.set_port(2000 + u16::from(index));
    Injection::Datagram { local: said.local, remote, data }
}

fn second_nomination(seen: &Seen) -> Injection {
    let nominates = |said: &&Said| View::new(&said.bytes).has(AttributeType::USE_CANDIDATE);
    let said = seen.requests.iter().rev().find(nominates).unwrap();
    let id = TransactionId([0x60; 12]);
    let data = rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |_| {});
    let mut remote = said.remote;
    remote.set_port(2000);
    Injection::Datagram { local: said.local, remote, data }
}

/// The first consent checks claim the other role, with a tie-breaker that wins; it is A's until
/// the conflict is over.
fn conflict(checks: usize) -> Edit {
    let mut ids: Vec<TransactionId> = Vec::new();
    let claim = move |now: Duration, message: Stun<'_>| {
        let view = View::new(message.bytes);
        let request = view.message_type().is_some_and(|ty| ty.class == Class::Request);
        let id = view.transaction_id().unwrap();
        if !request {
            return Action::Pass;
        }
        let later = now >= LATER;
        if later && !ids.contains(&id) && ids.len() < checks {
            ids.push(id);
        }
        if later && !ids.contains(&id) {
            return Action::Pass;
        }
        let role =
            if later { AttributeType::ICE_CONTROLLED } else { AttributeType::ICE_CONTROLLING };
        Action::replace(signed(&said(message), |attributes| {
            attributes.retain(|(ty, _)| *ty != AttributeType::ICE_CONTROLLING);
            attributes.push((role, vec![0xff; 8]));
        }))
    };
    // A's own stack claimed nothing and must not hear of it.
    let hush = |_: Duration, message: Stun<'_>| {
        let error = message.bytes.starts_with(&[1, 0x11]);
        if error { Action::Drop } else { Action::Pass }
    };
    Edit::default().stun(claim).received_stun(hush)
}
