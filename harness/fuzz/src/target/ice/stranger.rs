//! What a stranger sends who may know all but the passwords.

use std::net::SocketAddr;

use rtcspec_peer::ice::Credentials;
use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, ErrorCode, Key, Message, Method, Seal, TransactionId,
    View,
};

/// Where a stranger sends from.
pub(super) fn address() -> SocketAddr {
    ([203, 0, 113, 200], 7777).into()
}

/// What the stranger knows of one side and its peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// All credentials of the side and of its peer so far; of passwords only a fuzzer knows.
    pub(super) own: Vec<Credentials>,
    pub(super) peer: Vec<Credentials>,
    /// The last STUN message that came to the side, and the last check it sent.
    pub(super) came: Option<Vec<u8>>,
    pub(super) asked: Option<TransactionId>,
}

impl Known {
    /// Whether a message proves that its sender knows a password of this side, or of its peer.
    pub(super) fn is_authentic(&self, data: &[u8]) -> bool {
        let view = View::new(data);
        let Some(ty) = view.message_type().filter(|_| view.check().is_ok()) else { return false };
        let signed = |credentials: &Credentials| {
            view.verify_integrity(&Key::short_term(&credentials.password)) == Check::Valid
        };
        match ty.class {
            // RFC 8445 §7.3: the username begins with our fragment.
            Class::Request => self.own.iter().any(|credentials| {
                let own = format!("{}:", credentials.ufrag);
                signed(credentials) && view.username().is_some_and(|name| name.starts_with(&own))
            }),
            Class::Indication => false,
            Class::SuccessResponse | Class::ErrorResponse => self.peer.iter().any(signed),
        }
    }

    /// `kind`: what is sent; `how`: with which role, priority and key.
    pub(super) fn message(&self, kind: u8, how: u8) -> Vec<u8> {
        let wrong = Key::short_term("somebody's password");
        let own = self.own.last().cloned().unwrap_or_else(nobody);
        let peer = self.peer.last().cloned().unwrap_or_else(nobody);
        let name = format!("{}:{}", own.ufrag, peer.ufrag);
        let unsigned = Seal::none().fingerprint();
        let forged = Seal::none().integrity(&wrong).fingerprint();
        let id = TransactionId([how; 12]);
        let request = |name: String| request(id, name, how);
        let asked = self.asked.unwrap_or(id);
        let mapped = Attribute::XorMappedAddress(address());
        let success = Message::success(Method::BINDING, asked).with(mapped);
        let error =
            |code| ErrorCode::new(code).map(|code| Message::error(Method::BINDING, asked, code));
        let encoded = match kind % 11 {
            0 => request(name).encode(&unsigned),
            1 => request(name).encode(&forged),
            // It was meant for somebody else with the same password.
            2 => {
                let key = Key::short_term(&own.password);
                let name = format!("x{}:{}", own.ufrag, peer.ufrag);
                request(name).encode(&Seal::none().integrity(&key).fingerprint())
            }
            3 => {
                let key = Key::short_term(&peer.password);
                request(name).encode(&Seal::none().integrity(&key).fingerprint())
            }
            4 => return self.changed(how),
            5 => success.encode(if how & 1 == 0 { &unsigned } else { &forged }),
            6 => {
                let code = [487, 400, 401, 500][usize::from(how >> 1 & 3)];
                let Some(error) = error(code) else { return Vec::new() };
                error.encode(if how & 1 == 0 { &unsigned } else { &forged })
            }
            7 => Message::indication(Method::BINDING, id).encode(&unsigned),
            8 => return vec![0x80 | how & 0x3f; 40],
            9 => return self.came.clone().unwrap_or_default(),
            _ => {
                // Longer than it may be, every other time.
                let (ty, bytes) = (AttributeType::SOFTWARE, vec![b'x'; how.into()]);
                request(name).with(Attribute::Unknown { ty, bytes }).encode(&forged)
            }
        };
        encoded.unwrap_or_default()
    }

    /// The last message that came, with one byte changed; every other time under a right
    /// FINGERPRINT.
    fn changed(&self, how: u8) -> Vec<u8> {
        let mut data = self.came.clone().unwrap_or_default();
        let at = usize::from(how) % data.len().max(1);
        if let Some(byte) = data.get_mut(at) {
            *byte ^= 1 << (how & 7);
        }
        match Message::parse(&data) {
            Ok(message) if how & 1 == 0 => {
                let wrong = Key::short_term("somebody's password");
                let seal = Seal::none().integrity(&wrong).fingerprint();
                message.encode(&seal).unwrap_or(data)
            }
            _ => data,
        }
    }
}

fn nobody() -> Credentials {
    Credentials { ufrag: "none".to_owned(), password: "none".to_owned() }
}

fn request(id: TransactionId, name: String, how: u8) -> Message {
    let role = u64::from(how) << 56;
    let role =
        if how & 4 == 0 { Attribute::IceControlling(role) } else { Attribute::IceControlled(role) };
    let request = Message::request(Method::BINDING, id)
        .with(Attribute::Username(name))
        .with(Attribute::Priority(u32::from(how) << 23 | 1))
        .with(role);
    if how & 2 == 0 { request } else { request.with(Attribute::UseCandidate) }
}
