//! The library's crypto provider with our entropy and our tap in it.

use std::sync::OnceLock;

use dimpl::crypto::{
    Buf, CryptoProvider, HashAlgorithm, HmacProvider, KeyProvider, NamedGroup, SecureRandom,
    SignatureAlgorithm, SigningKey, SupportedKxGroup, rust_crypto,
};
use dimpl::{Config, ConfigBuilder, CryptoError, CryptoOperation};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{DerSignature, Signature};
use sha2::{Digest as _, Sha256, Sha384};

use super::certificate::Identity;
use super::entropy;
use super::error::Error;
use super::kx::{SeededP256, SeededX25519};
use super::session::Cryptography;
use super::symmetric::{Checksums, Sum};
use super::verify::Verifier;

static KX_GROUPS: &[&dyn SupportedKxGroup] = &[&SeededX25519, &SeededP256];
static SUMS: &[&dyn SupportedKxGroup] = &[&Sum(NamedGroup::X25519), &Sum(NamedGroup::Secp256r1)];

/// The provider: pure Rust throughout, and no randomness but that of the session's seed.
fn provider() -> CryptoProvider {
    CryptoProvider {
        kx_groups: KX_GROUPS,
        signature_verification: &Verifier,
        key_provider: &SessionKey,
        secure_random: &SessionRandom,
        hmac_provider: &TappedHmac,
        ..rust_crypto::default_provider()
    }
}

/// The same without curves.
fn symmetric() -> CryptoProvider {
    CryptoProvider {
        kx_groups: SUMS,
        signature_verification: &Checksums,
        key_provider: &Checksums,
        ..provider()
    }
}

/// What the provider is handed for a private key: it finds the real one in the tap of the session.
pub(super) fn private_key(cryptography: Cryptography, identity: &Identity) -> Vec<u8> {
    match cryptography {
        Cryptography::Full => Vec::new(),
        Cryptography::Symmetric => identity.certificate().to_vec(),
    }
}

/// Builds a configuration on the provider.
///
/// The library tests a provider at each build, which costs more than a handshake because of its
/// signatures and key exchanges. Those run once per process.
pub(super) fn configure(
    settings: ConfigBuilder,
    cryptography: Cryptography,
) -> Result<Config, Error> {
    static SELF_TEST: OnceLock<Result<(), dimpl::Error>> = OnceLock::new();
    SELF_TEST
        .get_or_init(|| Config::builder().with_crypto_provider(provider()).build().map(|_| ()))
        .clone()
        .map_err(Error::Library)?;
    let provider = match cryptography {
        Cryptography::Full => provider(),
        Cryptography::Symmetric => symmetric(),
    };
    let build = || settings.with_crypto_provider(provider).build();
    entropy::rebuild(build).map_err(Error::Library)
}

#[derive(Debug)]
struct TappedHmac;

impl HmacProvider for TappedHmac {
    fn hmac(
        &self,
        hash: HashAlgorithm,
        key: &[u8],
        data: &[u8],
        out: &mut [u8],
    ) -> Result<usize, CryptoError> {
        let len = rust_crypto::default_provider().hmac_provider.hmac(hash, key, data, out)?;
        if let Some(result) = out.get(..len) {
            entropy::with_tap(|tap| tap.log.see_hmac(key, data, result));
        }
        Ok(len)
    }
}

#[derive(Debug)]
struct SessionRandom;

impl SecureRandom for SessionRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<(), CryptoError> {
        entropy::with_tap(|tap| tap.rng.fill(buf))
            .ok_or(CryptoError::OperationFailed(CryptoOperation::FillRandom))
    }
}

/// Finds the private key of a session in its tap; the library's copy of it stays empty.
#[derive(Debug)]
struct SessionKey;

impl KeyProvider for SessionKey {
    fn load_private_key(&self, _: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        entropy::with_tap(|tap| Box::new(EcdsaKey(tap.key.clone())) as Box<dyn SigningKey>)
            .ok_or(CryptoError::InvalidPrivateKey)
    }
}

/// ECDSA on P-256 with nonces by RFC 6979: same key, same data, same signature.
#[derive(Debug)]
struct EcdsaKey(p256::ecdsa::SigningKey);

impl SigningKey for EcdsaKey {
    fn sign(
        &mut self,
        data: &[u8],
        hash_alg: HashAlgorithm,
        out: &mut Buf,
    ) -> Result<(), CryptoError> {
        let signed: Result<Signature, _> = match hash_alg {
            HashAlgorithm::SHA256 => self.0.sign_prehash(&Sha256::digest(data)),
            HashAlgorithm::SHA384 => self.0.sign_prehash(&Sha384::digest(data)),
            _ => return Err(CryptoError::OperationFailed(CryptoOperation::Sign)),
        };
        let signature = signed.map_err(|_| CryptoError::OperationFailed(CryptoOperation::Sign))?;
        out.clear();
        out.extend_from_slice(DerSignature::from(signature).as_bytes());
        Ok(())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }

    fn supported_hash_algorithms(&self) -> &[HashAlgorithm] {
        &[HashAlgorithm::SHA256, HashAlgorithm::SHA384]
    }
}
