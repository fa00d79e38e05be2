//! Ephemeral keys from the seed of the session.

use dimpl::CryptoError;
use dimpl::crypto::{ActiveKeyExchange, Buf, NamedGroup, SupportedKxGroup};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use x25519_dalek::{PublicKey, StaticSecret};

use super::entropy;

/// What the library's self-test gets when it runs again: both sides hold the same one.
const SELF_TEST_SECRET: [u8; 32] = [0x25; 32];

/// X25519 (RFC 7748) with a secret from the session's seed.
#[derive(Debug)]
pub(super) struct SeededX25519;

/// P-256 (secp256r1) with a secret from the session's seed.
#[derive(Debug)]
pub(super) struct SeededP256;

/// A step of the self-test of a provider that has passed it; agrees with itself.
pub(super) struct Rehearsal(pub(super) NamedGroup);

struct X25519 {
    secret: StaticSecret,
    public: PublicKey,
}

struct P256 {
    secret: p256::SecretKey,
    public: Vec<u8>,
}

impl SupportedKxGroup for SeededX25519 {
    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        if entropy::is_rebuild() {
            return Ok(Box::new(Rehearsal(self.name())));
        }
        let secret = StaticSecret::from(secret_bytes());
        let public = PublicKey::from(&secret);
        Ok(Box::new(X25519 { secret, public }))
    }
}

impl SupportedKxGroup for SeededP256 {
    fn name(&self) -> NamedGroup {
        NamedGroup::Secp256r1
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        if entropy::is_rebuild() {
            return Ok(Box::new(Rehearsal(self.name())));
        }
        // A number that is not below the group's order is drawn again; chances are 2^-32.
        let secret = (0..16)
            .find_map(|_| p256::SecretKey::from_slice(&secret_bytes()).ok())
            .ok_or(CryptoError::UnsupportedKeyExchangeGroup(self.name()))?;
        let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Box::new(P256 { secret, public }))
    }
}

/// 32 bytes of the session, or fixed ones for the self-test outside of any session.
pub(super) fn secret_bytes() -> [u8; 32] {
    entropy::with_tap(|tap| tap.rng.bytes()).unwrap_or(SELF_TEST_SECRET)
}

impl ActiveKeyExchange for X25519 {
    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn complete(self: Box<Self>, peer_pub: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let invalid = CryptoError::InvalidPublicKey(NamedGroup::X25519);
        let peer: [u8; 32] = peer_pub.try_into().map_err(|_| invalid.clone())?;
        let shared = self.secret.diffie_hellman(&PublicKey::from(peer));
        // RFC 7748 §6.1: an all-zero result comes from a point of small order.
        if !shared.was_contributory() {
            return Err(invalid);
        }
        out.clear();
        out.extend_from_slice(shared.as_bytes());
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for P256 {
    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn complete(self: Box<Self>, peer_pub: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        let peer = p256::PublicKey::from_sec1_bytes(peer_pub)
            .map_err(|_| CryptoError::InvalidPublicKey(NamedGroup::Secp256r1))?;
        let secret = self.secret.to_nonzero_scalar();
        let shared = p256::ecdh::diffie_hellman(&secret, peer.as_affine());
        out.clear();
        out.extend_from_slice(shared.raw_secret_bytes());
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::Secp256r1
    }
}

impl ActiveKeyExchange for Rehearsal {
    fn pub_key(&self) -> &[u8] {
        &SELF_TEST_SECRET
    }

    fn complete(self: Box<Self>, _: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        out.clear();
        out.extend_from_slice(&SELF_TEST_SECRET);
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        self.0
    }
}

impl std::fmt::Debug for X25519 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("X25519").field("public", &self.public).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for P256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("P256").field("public", &self.public).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rehearsal").field(&self.0).finish()
    }
}
