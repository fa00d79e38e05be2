//! The peer's certificate: self-signed P-256, made from a seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{DerSignature, Signature, SigningKey};
use rtcspec_wire::sdp::{Fingerprint, HashFunction};
use sha2::{Digest as _, Sha256};

use super::fingerprint::fingerprint;
use crate::rng::Rng;

/// Identities kept for reuse; more seeds than this in one process are made anew each time.
const CACHE_SIZE: usize = 4096;

/// A private key and the certificate for it (RFC 8827 §6.5).
#[derive(Debug)]
pub struct Identity {
    certificate: Vec<u8>,
    fingerprint: Fingerprint,
    key: SigningKey,
}

impl Identity {
    /// The identity a seed stands for; the same seed always gives the same one.
    #[must_use]
    pub fn from_seed(seed: u64) -> Arc<Self> {
        static CACHE: Mutex<BTreeMap<u64, Arc<Identity>>> = Mutex::new(BTreeMap::new());
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = cache.get(&seed) {
            return Arc::clone(identity);
        }
        let identity = Arc::new(Self::generate(&mut Rng::new(seed).fork("certificate")));
        if cache.len() < CACHE_SIZE {
            cache.insert(seed, Arc::clone(&identity));
        }
        identity
    }

    /// The certificate in DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The fingerprint to announce in a description (RFC 8122 §5).
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The private key as PKCS #8 in DER (RFC 5958 §2, RFC 5915 §3), for other DTLS stacks.
    #[must_use]
    pub fn private_key(&self) -> Vec<u8> {
        let scalar = der(OCTET_STRING, &[&self.key.to_bytes()]);
        let key = der(SEQUENCE, &[&der(INTEGER, &[&[1]]), &scalar]);
        let algorithm = der(SEQUENCE, &[EC_PUBLIC_KEY, SECP256R1]);
        der(SEQUENCE, &[&der(INTEGER, &[&[0]]), &algorithm, &der(OCTET_STRING, &[&key])])
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    fn generate(rng: &mut Rng) -> Self {
        let key = loop {
            // Only a number that is zero or not below the order is refused; chances are 2^-32.
            if let Ok(key) = SigningKey::from_slice(&rng.bytes::<32>()) {
                break key;
            }
        };
        let serial = rng.bytes::<8>();
        let certificate = self_signed(&key, serial);
        // RFC 8122 §5: SHA-256 is the one that everyone has to know.
        let fingerprint = fingerprint(HashFunction::Sha256, &certificate)
            .expect("invariant: SHA-256 is among our hash functions");
        Self { certificate, fingerprint, key }
    }
}

/// ecdsa-with-SHA256 (RFC 5758 §3.2).
const ECDSA_WITH_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// id-ecPublicKey and secp256r1 (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const SECP256R1: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// id-at-commonName (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;

/// An X.509 v3 certificate without extensions (RFC 5280 §4.1), valid for this century.
fn self_signed(key: &SigningKey, mut serial: [u8; 8]) -> Vec<u8> {
    // RFC 5280 §4.1.2.2: positive; and no leading zero byte, which DER forbids.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    let algorithm = der(SEQUENCE, &[ECDSA_WITH_SHA256]);
    let attribute = der(SEQUENCE, &[COMMON_NAME, &der(UTF8_STRING, &[b"rtcspec"])]);
    let name = der(SEQUENCE, &[&der(SET, &[&attribute])]);
    let validity = der(
        SEQUENCE,
        &[&der(UTC_TIME, &[b"000101000000Z"]), &der(GENERALIZED_TIME, &[b"20991231235959Z"])],
    );
    let point = key.verifying_key().to_sec1_point(false);
    let public_key = der(
        SEQUENCE,
        &[&der(SEQUENCE, &[EC_PUBLIC_KEY, SECP256R1]), &der(BIT_STRING, &[&[0], point.as_bytes()])],
    );
    let version = der(EXPLICIT_0, &[&der(INTEGER, &[&[2]])]);
    let serial = der(INTEGER, &[&serial]);
    let body =
        der(SEQUENCE, &[&version, &serial, &algorithm, &name, &validity, &name, &public_key]);
    let signature: Signature = key
        .sign_prehash(&Sha256::digest(&body))
        .expect("invariant: a SHA-256 digest is as long as the group's order");
    let signature = DerSignature::from(signature);
    der(SEQUENCE, &[&body, &algorithm, &der(BIT_STRING, &[&[0], signature.as_bytes()])])
}

/// A tag, the length and the parts of a DER value.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(len + 4);
    out.push(tag);
    let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    match len {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use dimpl::crypto::{HashAlgorithm, SignatureAlgorithm, rust_crypto};

    #[test]
    fn same_seed_gives_the_same_certificate_and_another_seed_another() {
        let first = Identity::generate(&mut Rng::new(1).fork("certificate"));
        assert_eq!(first.certificate, Identity::from_seed(1).certificate);
        assert_ne!(first.certificate, Identity::from_seed(2).certificate);
    }

    #[test]
    fn certificate_is_one_an_x509_parser_takes_and_signed_by_its_own_key() {
        let identity = Identity::from_seed(7);
        let der = identity.certificate();
        // SEQUENCE with a two-byte length, then the signed body with a one-byte length, then the
        // algorithm, then the signature in a BIT STRING.
        let body_end = 4 + 3 + usize::from(der[6]);
        let body = &der[4..body_end];
        let signature = &der[body_end + 2 + ECDSA_WITH_SHA256.len() + 3..];
        let verifier = rust_crypto::default_provider().signature_verification;
        let verified = verifier.verify_signature(
            der,
            body,
            signature,
            HashAlgorithm::SHA256,
            SignatureAlgorithm::ECDSA,
        );
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn private_key_is_one_another_library_loads_and_signs_the_same_with() {
        let identity = Identity::from_seed(7);
        let provider = rust_crypto::default_provider().key_provider;
        let mut loaded = provider.load_private_key(&identity.private_key()).unwrap();
        let mut theirs = dimpl::crypto::Buf::new();
        loaded.sign(b"message", HashAlgorithm::SHA256, &mut theirs).unwrap();
        // RFC 6979: the signature is a function of key and message.
        let ours: Signature = identity.key.sign_prehash(&Sha256::digest(b"message")).unwrap();
        assert_eq!(theirs.into_vec(), DerSignature::from(ours).as_bytes());
    }
}
