//! The certificate of test servers, made once so that its bytes never change:
//!
//! ```text
//! openssl ecparam -name prime256v1 -genkey -noout -out key.pem
//! openssl req -x509 -key key.pem -sha256 -days 36500 -subj "/CN=turn.rtcspec.test" \
//!     -addext "subjectAltName=DNS:turn.rtcspec.test" -outform DER -out certificate.der
//! ```
//!
//! It is of a kind that browsers take, which have no Ed25519 here; Chromium is told to trust its key by
//! its adapter.

/// The self-signed certificate in DER.
pub const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

/// The name it is for.
pub const NAME: &str = "turn.rtcspec.test";

/// Its private key, a scalar of P-256, as public as this repository.
pub(crate) const KEY: &[u8] = include_bytes!("key.bin");

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use sha2::{Digest as _, Sha256};
    use x509_cert::Certificate;
    use x509_cert::der::{Decode as _, Encode as _};

    use super::*;

    #[test]
    fn the_adapter_of_chromium_trusts_its_key() {
        let adapter = include_str!("../../adapters/chromium/adapter.js");
        let certificate = Certificate::from_der(CERTIFICATE).unwrap();
        let key = certificate.tbs_certificate().subject_public_key_info().to_der().unwrap();
        let digest = BASE64.encode(Sha256::digest(key));
        assert!(adapter.contains(&digest), "{digest} is not in adapter.js");
    }
}
