//! The certificate of test servers, made once so that its bytes never change:
//!
//! ```text
//! openssl genpkey -algorithm ed25519 -outform DER -out key.der
//! openssl req -x509 -key key.der -keyform DER -days 36500 -subj "/CN=turn.rtcspec.test" \
//!     -addext "subjectAltName=DNS:turn.rtcspec.test" -outform DER -out certificate.der
//! ```
//!
//! Ed25519 signatures need no randomness (RFC 8032 §5.1), so the handshake has none but ours.

/// The self-signed certificate in DER.
pub const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

/// The name it is for.
pub const NAME: &str = "turn.rtcspec.test";

/// Its private key in PKCS #8, as public as this repository.
pub(crate) const KEY: &[u8] = include_bytes!("key.der");
