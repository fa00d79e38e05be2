//! TLS 1.3 as a state machine with seeded randomness.
//!
//! What it is: `rustls` with its randomness, key exchange and clock replaced, so that a session is a
//! function of its seed and what the other side says.
//!
//! What it is not: secure. Secrets come from a test's seed, and the server's private key is public.
//!
//! - [x] RFC 8446 with X25519, a P-256 ECDSA certificate of our own, no resumption
//!
//! ```
//! use rtcspec_tls::{ClientConfig, ServerConfig, Session, Trust};
//!
//! let mut server = Session::server(&ServerConfig::fixed(), 1)?;
//! let mut client = Session::client(&ClientConfig::new(Trust::Fixed), "turn.rtcspec.test", 2)?;
//! client.send(b"hello")?;
//! let mut heard = Vec::new();
//! while heard.is_empty() {
//!     server.receive(&client.take_output(), &mut heard)?;
//!     client.receive(&server.take_output(), &mut Vec::new())?;
//! }
//! assert_eq!(heard, b"hello");
//! # Ok::<(), rtcspec_tls::TlsError>(())
//! ```

mod certificate;
mod config;
mod entropy;
mod key_exchange;
mod session;
mod signer;

pub use certificate::{CERTIFICATE, NAME};
pub use config::{ClientConfig, ServerConfig, Trust};
pub use session::{Session, TlsError};
