//! Key shares and signatures that cost next to nothing: sums and checksums.
//!
//! For sessions by the thousand, where a handshake's curves would take a good part of the time. What is
//! changed on its way is still noticed: both sides arrive at the same secret only if neither key
//! share was touched, and a signature holds for one certificate and one transcript only. Nothing is
//! secret. Hashes, key derivation and records are as ever.

use dimpl::crypto::{
    ActiveKeyExchange, Buf, HashAlgorithm, KeyProvider, NamedGroup, SignatureAlgorithm,
    SignatureVerifier, SigningKey, SupportedKxGroup,
};
use dimpl::{CryptoError, CryptoOperation};
use sha2::{Digest as _, Sha256};

use super::entropy;
use super::kx::{Rehearsal, secret_bytes};

/// A group whose public keys are the secret ones, and whose shared secret is the sum of both.
#[derive(Debug)]
pub(super) struct Sum(pub(super) NamedGroup);

/// Signs by [`checksum`].
#[derive(Debug)]
pub(super) struct Checksums;

/// Holds the certificate that it signs for.
#[derive(Debug)]
struct Signer(Vec<u8>);

#[derive(Debug)]
struct Share {
    group: NamedGroup,
    public: Vec<u8>,
}

impl SupportedKxGroup for Sum {
    fn name(&self) -> NamedGroup {
        self.0
    }

    fn start_exchange(&self, _: Buf) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        if entropy::is_rebuild() {
            return Ok(Box::new(Rehearsal(self.0)));
        }
        let secret = secret_bytes();
        // RFC 8422 §5.4.1: an uncompressed point is a 4 and two coordinates.
        let public = match self.0 {
            NamedGroup::X25519 => secret.to_vec(),
            _ => [&[4][..], &secret, &secret].concat(),
        };
        Ok(Box::new(Share { group: self.0, public }))
    }
}

impl ActiveKeyExchange for Share {
    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn complete(self: Box<Self>, peer_pub: &[u8], out: &mut Buf) -> Result<(), CryptoError> {
        if peer_pub.len() != self.public.len() {
            return Err(CryptoError::InvalidPublicKey(self.group));
        }
        // All of both counts, so that any change of either makes another secret.
        let sum: Vec<u8> =
            self.public.iter().zip(peer_pub).map(|(one, other)| one ^ other).collect();
        out.clear();
        out.extend_from_slice(&Sha256::digest(&sum));
        Ok(())
    }

    fn group(&self) -> NamedGroup {
        self.group
    }
}

impl KeyProvider for Checksums {
    /// The key is the certificate.
    fn load_private_key(&self, certificate: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError> {
        Ok(Box::new(Signer(certificate.to_vec())))
    }
}

impl SigningKey for Signer {
    fn sign(
        &mut self,
        data: &[u8],
        hash_alg: HashAlgorithm,
        out: &mut Buf,
    ) -> Result<(), CryptoError> {
        out.clear();
        out.extend_from_slice(&checksum(&self.0, data, hash_alg));
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

impl SignatureVerifier for Checksums {
    fn verify_signature(
        &self,
        cert_der: &[u8],
        data: &[u8],
        signature: &[u8],
        hash_alg: HashAlgorithm,
        _: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        if entropy::is_rebuild() || signature == checksum(cert_der, data, hash_alg) {
            Ok(())
        } else {
            Err(CryptoError::OperationFailed(CryptoOperation::VerifySignature))
        }
    }
}

/// Of a certificate, what it signs and how, in the form of an ECDSA signature (RFC 3279 §2.2.3):
/// twice the same number, positive and without a leading zero byte.
fn checksum(certificate: &[u8], data: &[u8], hash: HashAlgorithm) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(Sha256::digest(certificate));
    hasher.update([hash.as_u8()]);
    hasher.update(data);
    let mut number = hasher.finalize();
    number[0] = (number[0] & 0x7f) | 0x40;
    let integer = [&[0x02, 32][..], &number].concat();
    [&[0x30, 68][..], &integer, &integer].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(own: Share, peer: &[u8]) -> Vec<u8> {
        let mut out = Buf::new();
        Box::new(own).complete(peer, &mut out).expect("a share as long as ours");
        out.to_vec()
    }

    #[test]
    fn both_sides_have_the_same_secret_unless_a_share_was_changed() {
        for group in [NamedGroup::X25519, NamedGroup::Secp256r1] {
            let share = |byte: u8| {
                let public = vec![byte; if group == NamedGroup::X25519 { 32 } else { 65 }];
                Share { group, public }
            };
            let both = shared(share(1), &share(2).public);
            assert_eq!(both, shared(share(2), &share(1).public));
            for at in 0..share(2).public.len() {
                let mut changed = share(2).public;
                changed[at] ^= 0x80;
                assert_ne!(both, shared(share(1), &changed), "byte {at}");
            }
            let short = Box::new(share(1)).complete(&[2; 31], &mut Buf::new());
            assert_eq!(short, Err(CryptoError::InvalidPublicKey(group)));
        }
    }

    #[test]
    fn signature_is_of_one_certificate_one_text_and_one_hash() {
        let mut signature = Buf::new();
        let mut key = Checksums.load_private_key(b"certificate").expect("any will do");
        key.sign(b"text", HashAlgorithm::SHA256, &mut signature).expect("it signs anything");
        let holds = |certificate: &[u8], text: &[u8], signature: &[u8], hash| {
            let algorithm = SignatureAlgorithm::ECDSA;
            Checksums.verify_signature(certificate, text, signature, hash, algorithm).is_ok()
        };
        let is = HashAlgorithm::SHA256;
        assert!(holds(b"certificate", b"text", &signature, is));
        assert!(!holds(b"another", b"text", &signature, is));
        assert!(!holds(b"certificate", b"tex", &signature, is));
        assert!(!holds(b"certificate", b"text", &signature, HashAlgorithm::SHA384));
        for at in 0..signature.len() {
            let mut changed = signature.to_vec();
            changed[at] ^= 1;
            assert!(!holds(b"certificate", b"text", &changed, is), "byte {at}");
        }
        assert!(p256::ecdsa::DerSignature::try_from(&signature[..]).is_ok(), "it is well-formed");
    }
}
