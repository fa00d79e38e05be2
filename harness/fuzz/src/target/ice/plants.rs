//! Bugs of others' agents, at the edge of one of ours.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_peer::ice::{Agent, Datagram, SendError};
use rtcspec_peer::io::Transmit;
use rtcspec_peer::stun::Outgoing;
use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, Key, Message, Seal, TransactionId, View,
};

use super::fault::Edge;
use super::pair::body;
use super::stranger;
use crate::target::Plant;

pub(super) const ALL: &[Plant] = &[
    plant!(
        "ice-integrity-not-checked",
        "metaRTC #113: a check is answered whatever its MESSAGE-INTEGRITY is",
        IntegrityNotChecked
    ),
    plant!(
        "ice-username-not-bound",
        "SIPSorcery C13: a check for another username fragment is answered",
        UsernameNotBound
    ),
    plant!(
        "ice-first-packet-moves",
        "SIPSorcery C9: data goes where the last came from, whoever sent it",
        FirstPacketMoves
    ),
    plant!(
        "ice-stale-transaction",
        "rtc #100 in kind: an answer to a check of before a restart is looked up in the new list",
        StaleTransaction
    ),
    plant!("ice-indication-panics", "str0m #690: a Binding indication", IndicationPanics),
    plant!(
        "ice-consent-not-enforced",
        "RFC 7675 §5.1: data is sent although nobody consents any more",
        ConsentNotEnforced
    ),
    plant!(
        "ice-role-conflict-ignored",
        "RFC 8445 §7.3.1.1: both sides control, and go on",
        RoleConflictIgnored
    ),
    plant!(
        "ice-response-not-checked",
        "metaRTC #113 in kind: an answer is believed whoever signed it",
        ResponseNotChecked
    ),
    plant!("ice-unpaced", "RFC 8445 §14.2: checks leave in pairs", Unpaced),
    plant!(
        "ice-refusal-amplifies",
        "an error response to anybody says all about the agent",
        RefusalAmplifies
    ),
    plant!(
        "ice-mapped-address-wrong",
        "RFC 8445 §7.2.5.3.1: a check is answered with the address it was sent to",
        MappedAddressWrong
    ),
];

/// A message signed anew.
fn sealed(message: &Message, key: &[u8]) -> Option<Vec<u8>> {
    let key = Key::from_bytes(key);
    message.encode(&Seal::none().integrity(&key).fingerprint()).ok()
}

/// Signs a datagram of a class as the agent wants it, and with the name that it wants.
fn signed_anew(agent: &Agent, datagram: &mut Datagram, class: &[Class]) {
    let Ok(mut message) = Message::parse(&datagram.data) else { return };
    let Some(key) = agent.key_of(datagram).filter(|_| class.contains(&message.class)) else {
        return;
    };
    message.attributes.retain(|attribute| {
        !matches!(
            attribute.ty(),
            AttributeType::MESSAGE_INTEGRITY
                | AttributeType::MESSAGE_INTEGRITY_SHA256
                | AttributeType::FINGERPRINT
        )
    });
    if let Some(data) = sealed(&message, &key) {
        datagram.data = data;
    }
}

#[derive(Default)]
struct IntegrityNotChecked;

impl Edge for IntegrityNotChecked {
    fn incoming(&mut self, agent: &Agent, datagram: &mut Datagram) {
        signed_anew(agent, datagram, &[Class::Request]);
    }
}

#[derive(Default)]
struct UsernameNotBound;

impl Edge for UsernameNotBound {
    fn incoming(&mut self, agent: &Agent, datagram: &mut Datagram) {
        let Some(key) = agent.key_of(datagram) else { return };
        let view = View::new(&datagram.data);
        let signed = view.verify_integrity(&Key::from_bytes(&key)) == Check::Valid;
        let Ok(mut message) = Message::parse(&datagram.data) else { return };
        if !signed || message.class != Class::Request {
            return;
        }
        for attribute in &mut message.attributes {
            if let Attribute::Username(name) = attribute {
                let rest = name.split_once(':').map(|(_, rest)| rest.to_owned());
                let own = &agent.local_credentials().ufrag;
                *name = format!("{own}:{}", rest.unwrap_or_default());
            }
        }
        if let Some(data) = sealed(&message, &key) {
            datagram.data = data;
        }
    }
}

#[derive(Default)]
struct FirstPacketMoves {
    stranger: bool,
}

impl Edge for FirstPacketMoves {
    fn incoming(&mut self, _: &Agent, datagram: &mut Datagram) {
        if datagram.data.first().is_some_and(|first| *first >= 0x80) {
            self.stranger = datagram.remote == stranger::address();
        }
    }

    fn leaving(&mut self, transmit: &mut Transmit) {
        if let Transmit::Udp { remote, data, .. } = transmit
            && self.stranger
            && data.first().is_some_and(|first| *first >= 0x80)
        {
            *remote = stranger::address();
        }
    }
}

#[derive(Default)]
struct StaleTransaction {
    ufrag: String,
    asked: Vec<TransactionId>,
}

impl Edge for StaleTransaction {
    fn outgoing(&mut self, message: &mut Outgoing) -> Option<Outgoing> {
        let view = View::new(&message.bytes);
        if view.message_type().is_some_and(|ty| ty.class == Class::Request) {
            self.asked.extend(view.transaction_id());
        }
        None
    }

    fn incoming(&mut self, agent: &Agent, datagram: &mut Datagram) {
        let ufrag = &agent.local_credentials().ufrag;
        if *ufrag != self.ufrag {
            if !self.ufrag.is_empty() {
                self.asked.clear();
            }
            self.ufrag.clone_from(ufrag);
        }
        let view = View::new(&datagram.data);
        let answers = view.message_type().is_some_and(|ty| ty.class == Class::SuccessResponse);
        if answers && agent.key_of(datagram).is_some() {
            let at = self.asked.iter().position(|id| Some(*id) == view.transaction_id());
            let last = self.asked.len().wrapping_sub(1);
            assert_eq!(self.asked[at.unwrap_or(last)], self.asked[at.unwrap_or(last)]);
        }
    }
}

#[derive(Default)]
struct IndicationPanics;

impl Edge for IndicationPanics {
    fn incoming(&mut self, _: &Agent, datagram: &mut Datagram) {
        let ty = View::new(&datagram.data).message_type();
        assert!(
            ty.is_none_or(|ty| ty.class != Class::Indication),
            "an indication is neither request nor response"
        );
    }
}

#[derive(Default)]
struct ConsentNotEnforced {
    pair: Option<(SocketAddr, SocketAddr)>,
}

impl Edge for ConsentNotEnforced {
    fn send(&mut self, agent: &mut Agent, now: Duration, data: &[u8]) -> bool {
        self.pair = agent.selected().or(self.pair);
        match (agent.send(now, data), self.pair) {
            (Err(SendError::NoConsent), Some((base, remote))) => {
                agent.inject(now, base, remote, data)
            }
            (sent, _) => sent.is_ok(),
        }
    }
}

#[derive(Default)]
struct RoleConflictIgnored;

impl Edge for RoleConflictIgnored {
    fn incoming(&mut self, agent: &Agent, datagram: &mut Datagram) {
        let Some(key) = agent.key_of(datagram) else { return };
        let view = View::new(&datagram.data);
        if view.verify_integrity(&Key::from_bytes(&key)) != Check::Valid {
            return;
        }
        let Ok(mut message) = Message::parse(&datagram.data) else { return };
        if view.error_code().is_some_and(|error| error.code() == 487) {
            datagram.data.clear();
            return;
        }
        message.attributes.retain(|attribute| {
            !matches!(attribute, Attribute::IceControlling(_) | Attribute::IceControlled(_))
        });
        if message.class == Class::Request
            && let Some(data) = sealed(&message, &key)
        {
            datagram.data = data;
        }
    }
}

#[derive(Default)]
struct ResponseNotChecked;

impl Edge for ResponseNotChecked {
    fn incoming(&mut self, agent: &Agent, datagram: &mut Datagram) {
        signed_anew(agent, datagram, &[Class::SuccessResponse, Class::ErrorResponse]);
    }
}

#[derive(Default)]
struct Unpaced {
    made: u8,
    known: Vec<TransactionId>,
}

impl Edge for Unpaced {
    fn outgoing(&mut self, message: &mut Outgoing) -> Option<Outgoing> {
        let mut more = Message::parse(&message.bytes).ok()?;
        let check = more.attribute(AttributeType::USERNAME).is_some();
        if more.class != Class::Request || !check || self.known.contains(&more.id) {
            return None;
        }
        self.known.push(more.id);
        self.made = self.made.wrapping_add(1);
        more.id.0[0] ^= 0xff;
        let bytes = sealed(&more, message.key.as_ref()?)?;
        Some(Outgoing { bytes, ..message.clone() })
    }
}

#[derive(Default)]
struct RefusalAmplifies;

impl Edge for RefusalAmplifies {
    fn outgoing(&mut self, message: &mut Outgoing) -> Option<Outgoing> {
        let more = Message::parse(&message.bytes).ok()?;
        if more.class == Class::ErrorResponse && message.key.is_none() {
            let bytes = b"an agent of many words ".repeat(20);
            let more = more.with(Attribute::Unknown { ty: AttributeType::SOFTWARE, bytes });
            message.bytes = more.encode(&Seal::none().fingerprint()).ok()?;
        }
        None
    }
}

#[derive(Default)]
struct MappedAddressWrong;

impl Edge for MappedAddressWrong {
    fn outgoing(&mut self, message: &mut Outgoing) -> Option<Outgoing> {
        let mut answer = Message::parse(&message.bytes).ok()?;
        let local = message.local;
        for attribute in &mut answer.attributes {
            if let Attribute::XorMappedAddress(mapped) = attribute {
                *mapped = local;
            }
        }
        if answer.class == Class::SuccessResponse {
            message.bytes = sealed(&answer, message.key.as_ref()?)?;
        }
        None
    }
}
