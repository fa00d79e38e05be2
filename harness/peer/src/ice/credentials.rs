//! Username fragment and password of one side of an ICE session (RFC 8445 §5.3).

use rtcspec_wire::stun::Key;

use crate::rng::Rng;

/// Characters of a fragment of ours: 24 bits, the least RFC 8445 §5.3 allows.
const UFRAG_LENGTH: usize = 4;
/// Characters of a password of ours: 132 bits, where RFC 8445 §5.3 wants 128.
const PASSWORD_LENGTH: usize = 22;

/// What one side authenticates with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `ice-ufrag`.
    pub ufrag: String,
    /// `ice-pwd`.
    pub password: String,
}

impl Credentials {
    /// New ones.
    #[must_use]
    pub fn random(rng: &mut Rng) -> Self {
        let ufrag = rng.ice_chars(UFRAG_LENGTH);
        Self { ufrag, password: rng.ice_chars(PASSWORD_LENGTH) }
    }

    /// The key of messages to the side these belong to (RFC 8445 §7.2.2).
    #[must_use]
    pub fn key(&self) -> Key {
        Key::short_term(&self.password)
    }
}

/// What the other side's description says about ICE, besides candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteParameters {
    /// Its credentials.
    pub credentials: Credentials,
    /// `a=ice-lite`.
    pub lite: bool,
}
