//! Long-term credentials (RFC 8489 §9.2.4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rtcspec_wire::stun::{Attribute, AttributeType, Check, ErrorCode, Key, View};

use super::config::Config;
use super::reply::Refusal;
use crate::Ns;
use crate::services::draws::mix;

/// Who sent a request that was authenticated.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) key: Arc<Key>,
}

/// Checks credentials and hands out nonces. A nonce says when it was made and proves it, so that
/// requests without credentials leave nothing behind.
#[derive(Debug)]
pub(super) struct Authenticator {
    realm: String,
    keys: BTreeMap<String, Arc<Key>>,
    secret: u64,
    issued: u64,
    lifetime: Ns,
    spent: BTreeSet<Vec<u8>>,
}

impl Authenticator {
    pub(super) fn new(config: &Config, secret: u64) -> Self {
        let key =
            |name: &str, password: &str| Arc::new(Key::long_term(name, &config.realm, password));
        let users = config.users.iter();
        Self {
            realm: config.realm.clone(),
            keys: users.map(|user| (user.name.clone(), key(&user.name, &user.password))).collect(),
            secret,
            issued: 0,
            lifetime: config.nonce_lifetime,
            spent: BTreeSet::new(),
        }
    }

    /// The sender of a request, or how it is to be answered.
    pub(super) fn authenticate(
        &mut self,
        now: Ns,
        view: &View<'_>,
    ) -> Result<Credentials, Refusal> {
        let has = |ty| view.has(ty);
        if !has(AttributeType::MESSAGE_INTEGRITY) && !has(AttributeType::MESSAGE_INTEGRITY_SHA256) {
            return Err(self.challenge(now, ErrorCode::UNAUTHENTICATED));
        }
        let named = has(AttributeType::USERNAME) || has(AttributeType::USERHASH);
        let (Some(nonce), true, true) = (view.nonce(), named, has(AttributeType::REALM)) else {
            return Err(Refusal::unsigned(ErrorCode::BAD_REQUEST));
        };
        if !self.accepts(now, nonce) {
            return Err(self.challenge(now, ErrorCode::STALE_NONCE));
        }
        match self.identify(view) {
            Some(credentials) => Ok(credentials),
            None => Err(self.challenge(now, ErrorCode::UNAUTHENTICATED)),
        }
    }

    /// 401 or 438 with what the client needs to try again.
    pub(super) fn challenge(&mut self, now: Ns, code: u16) -> Refusal {
        self.issued += 1;
        let nonce = self.nonce(now, self.issued);
        Refusal::unsigned(code)
            .with(Attribute::Realm(self.realm.clone()))
            .with(Attribute::Nonce(nonce))
    }

    /// Takes a nonce from no one any more.
    pub(super) fn spend(&mut self, nonce: &[u8]) {
        self.spent.insert(nonce.to_vec());
    }

    /// The user whose key made the integrity attribute.
    fn identify(&self, view: &View<'_>) -> Option<Credentials> {
        let (username, key) = match view.username() {
            Some(name) => self.keys.get_key_value(name)?,
            None => {
                let hash = view.value(AttributeType::USERHASH)?.try_into().ok()?;
                let is_hashed = |name: &str| {
                    Attribute::user_hash(name, &self.realm) == Attribute::UserHash(hash)
                };
                self.keys.iter().find(|(name, _)| is_hashed(name))?
            }
        };
        // RFC 8489 §9.2.4: the stronger attribute decides if there are both.
        let check = match view.verify_integrity_sha256(key) {
            Check::Absent => view.verify_integrity(key),
            sha256 => sha256,
        };
        let credentials = Credentials { username: username.clone(), key: Arc::clone(key) };
        (check == Check::Valid).then_some(credentials)
    }

    fn accepts(&self, now: Ns, nonce: &[u8]) -> bool {
        let Some((issued_at, ordinal)) = read_nonce(nonce) else { return false };
        let genuine = self.nonce(issued_at, ordinal) == nonce;
        genuine && now < issued_at + self.lifetime && !self.spent.contains(nonce)
    }

    fn nonce(&self, at: Ns, ordinal: u64) -> Vec<u8> {
        let proof = mix(mix(self.secret ^ at.0) ^ ordinal);
        format!("{:x}-{ordinal:x}-{proof:016x}", at.0).into_bytes()
    }
}

/// When a nonce claims to have been made, and as which.
fn read_nonce(nonce: &[u8]) -> Option<(Ns, u64)> {
    let mut parts = std::str::from_utf8(nonce).ok()?.split('-');
    let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
    Some((Ns(number()?), number()?))
}
