//! Signatures of the peer's handshake messages.

use dimpl::CryptoError;
use dimpl::crypto::{HashAlgorithm, SignatureAlgorithm, SignatureVerifier, rust_crypto};

use super::entropy;

/// Verifies with `ring` where it can, else with the library's pure Rust.
#[derive(Debug)]
pub(super) struct Verifier;

impl SignatureVerifier for Verifier {
    fn verify_signature(
        &self,
        cert_der: &[u8],
        data: &[u8],
        signature: &[u8],
        hash_alg: HashAlgorithm,
        sig_alg: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        if entropy::is_rebuild() {
            return Ok(());
        }
        #[cfg(feature = "ring")]
        if by_ring(cert_der, data, signature, hash_alg) == Some(true) {
            return Ok(());
        }
        // Whatever ring does not take goes here, and so does what it refuses, for the exact error.
        let verifier = rust_crypto::default_provider().signature_verification;
        verifier.verify_signature(cert_der, data, signature, hash_alg, sig_alg)
    }
}

/// Whether an ECDSA signature is good; `None` for anything but ECDSA on the two usual curves.
#[cfg(feature = "ring")]
fn by_ring(cert_der: &[u8], data: &[u8], signature: &[u8], hash: HashAlgorithm) -> Option<bool> {
    use dimpl::crypto::{OID_P256, OID_P384};
    use ring::signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1,
        ECDSA_P384_SHA384_ASN1, UnparsedPublicKey,
    };
    use x509_cert::der::Decode as _;
    use x509_cert::der::asn1::ObjectIdentifier;

    let certificate = x509_cert::Certificate::from_der(cert_der).ok()?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    let curve: ObjectIdentifier = key.algorithm.parameters.as_ref()?.decode_as().ok()?;
    let algorithm = match (curve, hash) {
        (OID_P256, HashAlgorithm::SHA256) => &ECDSA_P256_SHA256_ASN1,
        (OID_P256, HashAlgorithm::SHA384) => &ECDSA_P256_SHA384_ASN1,
        (OID_P384, HashAlgorithm::SHA256) => &ECDSA_P384_SHA256_ASN1,
        (OID_P384, HashAlgorithm::SHA384) => &ECDSA_P384_SHA384_ASN1,
        _ => return None,
    };
    let key = UnparsedPublicKey::new(algorithm, key.subject_public_key.as_bytes()?);
    Some(key.verify(data, signature).is_ok())
}
