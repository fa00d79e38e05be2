//! Signatures of the test server: ECDSA with P-256, whose nonces follow from key and message (RFC 6979
//! §3.2), so that the handshake has no randomness but ours.

use std::sync::Arc;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use rustls::sign::{CertifiedKey, Signer, SingleCertAndKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::certificate::{CERTIFICATE, KEY};

const SCHEME: SignatureScheme = SignatureScheme::ECDSA_NISTP256_SHA256;

/// The server's certificate with its key, for whoever asks.
pub(crate) fn certified() -> Arc<SingleCertAndKey> {
    let key = SigningKey::from_slice(KEY).expect("invariant: the key is a scalar of the curve");
    let key = Arc::new(Deterministic(key));
    Arc::new(CertifiedKey::new(vec![CERTIFICATE.into()], key).into())
}

#[derive(Clone)]
struct Deterministic(SigningKey);

impl std::fmt::Debug for Deterministic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deterministic")
    }
}

impl rustls::sign::SigningKey for Deterministic {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&SCHEME).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Deterministic {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SCHEME
    }
}
