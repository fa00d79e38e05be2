//! Fixtures of the rules about demultiplexing and STUN.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Stun};
use rtcspec_wire::stun::{AttributeType, Class, TransactionId, View};

use super::USUAL;
use super::scenes::LATER;
use crate::craft::{Attributes, Protect, rewrite, rewrite_as};
use crate::edit::{Edit, Said};
use crate::lab::Fixture;

pub(super) fn demux_and_stun() -> Vec<Fixture> {
    vec![
        Fixture { name: "demux.first-byte.holds", ..USUAL },
        Fixture {
            name: "demux.first-byte.breaks",
            a: || Edit::default().at(3000, |_| vec![Injection::Transport(vec![5, 1, 2, 3, 4, 5])]),
            ..USUAL
        },
        Fixture { name: "stun.header.holds", ..USUAL },
        Fixture {
            name: "stun.header.breaks",
            // A Binding indication with a length of 2.
            a: || Edit::default().at(3000, |_| vec![Injection::Transport(indication(2))]),
            ..USUAL
        },
        Fixture { name: "stun.fingerprint.holds", ..USUAL },
        Fixture {
            name: "stun.fingerprint.breaks",
            a: || {
                consent(|said| rewrite(&said.bytes, &said.key, Protect::WithoutFingerprint, |_| {}))
            },
            ..USUAL
        },
        Fixture { name: "stun.integrity.holds", ..USUAL },
        Fixture {
            name: "stun.integrity.breaks",
            a: || consent(|said| rewrite(&said.bytes, b"not the password", Protect::Fully, |_| {})),
            ..USUAL
        },
        Fixture { name: "stun.unknown-required.holds", a: || consent(with_unknown), ..USUAL },
        Fixture {
            name: "stun.unknown-required.breaks",
            a: || consent(with_unknown),
            b: || Edit::default().received_stun(|_, message| without_unknown(message)),
            ..USUAL
        },
        Fixture { name: "stun.txid.holds", ..USUAL },
        Fixture { name: "stun.txid.breaks", a: reuse_the_first_id, ..USUAL },
        Fixture {
            name: "stun.rto.holds",
            a: || Edit::default().received_stun(|now, message| deaf(now, message, 600)),
            b: || Edit::default().received_stun(|now, message| deaf(now, message, 300)),
            ..USUAL
        },
        Fixture {
            name: "stun.rto.breaks",
            a: || Edit::default().at(300, |seen| vec![datagram(&seen.requests[0])]),
            ..USUAL
        },
    ]
}

/// Rewrites the first consent check, each time it is sent.
pub(super) fn consent(mut f: impl FnMut(&Said) -> Vec<u8> + 'static) -> Edit {
    let mut chosen = None;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        let request = view.message_type().is_some_and(|ty| ty.class == Class::Request);
        let id = view.transaction_id();
        if now < LATER || !request || *chosen.get_or_insert(id) != id {
            return Action::Pass;
        }
        Action::replace(f(&said(message)))
    })
}

pub(super) fn said(message: Stun<'_>) -> Said {
    Said {
        local: message.local,
        remote: message.remote,
        bytes: message.bytes.to_vec(),
        key: message.key.unwrap_or_default().to_vec(),
    }
}

pub(super) fn signed(said: &Said, edit: impl FnOnce(&mut Attributes)) -> Vec<u8> {
    rewrite(&said.bytes, &said.key, Protect::Fully, edit)
}

pub(super) fn datagram(said: &Said) -> Injection {
    Injection::Datagram { local: said.local, remote: said.remote, data: said.bytes.clone() }
}

fn indication(length: u16) -> Vec<u8> {
    let mut bytes = vec![0, 0x11];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0x21, 0x12, 0xa4, 0x42]);
    bytes.extend([9; 16]);
    bytes
}

fn with_unknown(said: &Said) -> Vec<u8> {
    signed(said, |attributes| attributes.push((AttributeType(0x7fee), vec![1, 2, 3, 4])))
}

fn without_unknown(message: Stun<'_>) -> Action {
    let view = View::new(message.bytes);
    if !view.has(AttributeType(0x7fee)) {
        return Action::Pass;
    }
    let said = said(message);
    assert!(!said.key.is_empty(), "whoever answers knows the key");
    Action::replace(signed(&said, |attributes| attributes.retain(|(ty, _)| ty.0 != 0x7fee)))
}

/// The first consent check goes out under the id of the first check of all.
fn reuse_the_first_id() -> Edit {
    let mut first: Option<TransactionId> = None;
    let mut done = false;
    Edit::default().stun(move |now, message| {
        let view = View::new(message.bytes);
        if view.message_type().is_none_or(|ty| ty.class != Class::Request) {
            return Action::Pass;
        }
        let id = *first.get_or_insert(view.transaction_id().unwrap());
        if now < LATER || std::mem::replace(&mut done, true) {
            return Action::Pass;
        }
        let said = said(message);
        Action::replace(rewrite_as(&said.bytes, id, &said.key, Protect::Fully, |attributes| {
            attributes.push((AttributeType::SOFTWARE, b"again".to_vec()));
        }))
    })
}

/// Hears no request before a time.
fn deaf(now: Duration, message: Stun<'_>, until: u64) -> Action {
    let request = message.bytes.first() == Some(&0);
    if request && now < Duration::from_millis(until) { Action::Drop } else { Action::Pass }
}
