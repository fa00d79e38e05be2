//! DTLS 1.2 and 1.3 (RFC 6347, RFC 9147) by the library `dimpl`, made deterministic and observable.
//!
//! The handshake and the record layer are the library's. What is ours: everything random in a
//! handshake comes from a seed (`entropy`, `kx`, RFC 6979 signatures), the certificate too
//! ([`Identity`]), the secrets come out as NSS key log lines (`keylog`), the peer's certificate is
//! held against the fingerprints of its description ([`Fingerprints`], RFC 8122), what is sent again
//! gets new record numbers (`numbering`), curves can be done without (`symmetric`), and time is the time of the run (`clock`).

mod certificate;
mod clock;
mod entropy;
mod error;
mod fingerprint;
mod keylog;
mod kx;
mod numbering;
mod provider;
mod session;
mod sieve;
mod symmetric;
mod verify;

pub use certificate::Identity;
pub use error::Error;
pub use fingerprint::{Fingerprints, fingerprint};
pub use keylog::KeyLog;
pub use session::{Cryptography, Event, Options, Role, Session, SrtpKeys, Versions};
