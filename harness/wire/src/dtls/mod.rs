//! DTLS as far as it can be seen without keys: RFC 6347 (1.2), RFC 9147 (1.3), RFC 9146 (CID).
//!
//! Records of a datagram, handshake fragments of a record, and the handshake messages a
//! transcript names. Nothing here encrypts, decrypts or verifies.
//!
//! ```
//! use rtcspec_wire::dtls::{ContentType, Record, Records};
//!
//! let datagram = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40];
//! let Some(Record::Plaintext(record)) = Records::new(&datagram).next() else { panic!() };
//! assert_eq!(record.content_type, ContentType::ALERT);
//! assert_eq!(record.alert().unwrap().to_string(), "fatal handshake_failure");
//! ```

mod alert;
mod certificate;
mod cursor;
mod error;
mod extension;
mod handshake;
mod hello;
mod number;
mod reassembly;
mod record;
#[cfg(test)]
mod tests;

pub use alert::{Alert, AlertDescription, AlertLevel};
pub use certificate::{CertificateView, Certificates};
pub use error::{Error, ReassemblyError};
pub use extension::{ExtensionView, Extensions, KeyShareEntry, KeyShares, UseSrtp, Words};
pub use handshake::{HandshakeFragment, HandshakeFragments, HandshakeType};
pub use hello::{ClientHelloView, HelloVerifyRequestView, ServerHelloView};
pub use number::{
    CipherSuite, ContentType, ExtensionType, NamedGroup, ProtocolVersion, SignatureScheme,
    SrtpProfile,
};
pub use reassembly::{Message, Reassembler};
pub use record::{PlaintextRecord, Record, Records, UnifiedRecord};
