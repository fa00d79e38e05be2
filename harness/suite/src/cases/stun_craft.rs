//! STUN requests that no agent would send, made from one that an agent did send.

use std::time::Duration;

use rtcspec_peer::tamper::{Injection, Stun, Tamper};
use rtcspec_wire::stun::{
    AttributeType, Class, Key, MessageType, Method, Seal, TransactionId, View, Writer,
};

use super::hostile::Hostile;
use super::log::{Check, Log};
use super::ruling::{Ruling, Seen};

/// Transaction of every crafted message; no agent draws it.
pub(super) const CRAFTED: TransactionId = TransactionId(*b"rtcspec-case");

/// Whether a message asks for an answer.
pub(super) fn is_request(message: &Stun<'_>) -> bool {
    let kind = View::new(message.bytes).message_type();
    kind.is_some_and(|kind| kind.class == Class::Request)
}

/// A Binding message, attribute by attribute and without protection.
#[derive(Clone, Debug)]
pub(super) struct Craft {
    class: Class,
    attributes: Vec<(AttributeType, Vec<u8>)>,
}

impl Craft {
    /// A request that says what the check says.
    pub(super) fn like(check: &Check<'_>) -> Self {
        let protects = [AttributeType::MESSAGE_INTEGRITY, AttributeType::FINGERPRINT];
        let attributes = check.view.attributes().filter(|found| !protects.contains(&found.ty));
        Self {
            class: Class::Request,
            attributes: attributes.map(|found| (found.ty, found.value.to_vec())).collect(),
        }
    }

    /// A message without attributes.
    pub(super) fn bare(class: Class) -> Self {
        Self { class, attributes: Vec::new() }
    }

    /// Without an attribute.
    pub(super) fn without(mut self, ty: AttributeType) -> Self {
        self.attributes.retain(|(other, _)| *other != ty);
        self
    }

    /// With an attribute at the end.
    pub(super) fn with(mut self, ty: AttributeType, value: &[u8]) -> Self {
        self.attributes.push((ty, value.to_vec()));
        self
    }

    /// With an attribute in place of every other of its type.
    pub(super) fn set(self, ty: AttributeType, value: &[u8]) -> Self {
        self.without(ty).with(ty, value)
    }

    /// The bytes, with integrity and fingerprint as they should be.
    pub(super) fn sealed(self, key: &Key) -> Vec<u8> {
        self.bytes(&Seal::none().integrity(key).fingerprint())
    }

    /// The bytes, with this protection.
    pub(super) fn bytes(&self, seal: &Seal<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        let kind = MessageType { class: self.class, method: Method::BINDING };
        let mut writer = Writer::new(&mut out, kind, CRAFTED);
        for (ty, value) in &self.attributes {
            writer.bytes(*ty, value);
        }
        // A few short attributes fit any message.
        let _ = writer.finish(seal);
        out
    }

    /// The bytes, sealed with integrity before the last attribute, which nothing covers then.
    pub(super) fn sealed_before(mut self, ty: AttributeType, value: &[u8], key: &Key) -> Vec<u8> {
        let covered = self.bytes(&Seal::none().integrity(key));
        let found = View::new(&covered).value(AttributeType::MESSAGE_INTEGRITY);
        let mac = found.unwrap_or_default().to_vec();
        self = self.with(AttributeType::MESSAGE_INTEGRITY, &mac).with(ty, value);
        self.bytes(&Seal::none().fingerprint())
    }
}

/// What became of a crafted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    Silence,
    /// A success response.
    Success,
    /// An error response: its code and what it lists as unknown.
    Error(u16, Vec<u16>),
}

impl Answer {
    /// The answer to the crafted request.
    pub(super) fn of(log: &Log) -> Self {
        let Some(view) = log.answer(CRAFTED) else { return Self::Silence };
        match view.error_code() {
            None => Self::Success,
            Some(error) => {
                let unknown = view.value(AttributeType::UNKNOWN_ATTRIBUTES).unwrap_or_default();
                let listed =
                    unknown.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
                Self::Error(error.code(), listed.collect())
            }
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Silence => f.write_str("no answer"),
            Self::Success => f.write_str("a success response"),
            Self::Error(code, unknown) if unknown.is_empty() => write!(f, "error {code}"),
            Self::Error(code, unknown) => {
                let listed: Vec<_> = unknown.iter().map(|ty| format!("0x{ty:04x}")).collect();
                write!(f, "error {code} listing {}", listed.join(" "))
            }
        }
    }
}

/// Strikes with one datagram on the way of the checks.
pub(super) struct OneDatagram {
    /// Makes it from a check of this side; the log is there for the rest.
    pub(super) craft: fn(&Check<'_>, &Log) -> Vec<u8>,
    /// Rules on the answer.
    pub(super) judge: fn(&Seen<'_>, &Answer) -> Vec<Ruling>,
}

impl Tamper for OneDatagram {}

impl Hostile for OneDatagram {
    fn strike(&mut self, _: Duration, log: &Log) -> Vec<Injection> {
        let check = log.last_check();
        check.map(|check| check.inject((self.craft)(&check, log))).into_iter().collect()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        (self.judge)(seen, &Answer::of(seen))
    }
}
