//! Facts about DTLS.

use rtcspec_wire::dtls::{
    Alert, CipherSuite, ContentType, Error, HandshakeType, ProtocolVersion, ReassemblyError,
    Record as RecordView, SrtpProfile,
};
use sha2::{Digest as _, Sha256};

use super::Side;
use crate::secrets::Closed;

/// Client or server of a DTLS association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DtlsRole {
    /// Sent the `ClientHello`.
    Client,
    /// Answered it.
    Server,
}

/// A DTLS record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The record as on the wire.
    pub view: RecordView<'a>,
    /// Which association of its connection, from 1; 0 while there is none.
    pub association: u32,
    /// The sender's role, once a `ClientHello` was seen.
    pub role: Option<DtlsRole>,
    /// Its epoch: in DTLS 1.3 all of it if it could be opened, else the two bits it shows.
    pub epoch: u64,
    /// Its sequence number; of an encrypted record of DTLS 1.3 only if it could be opened.
    pub sequence: Option<u64>,
    /// What it carries: inside DTLS 1.3 only if it could be opened.
    pub content_type: Option<ContentType>,
    /// The plaintext, or why there is none.
    pub content: Result<&'a [u8], Closed>,
    /// Whether a record of this epoch and number was seen before from this side, as far back as
    /// 64 numbers.
    pub replayed: bool,
}

/// A handshake fragment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Handshake<'a> {
    /// Which association of its connection, from 1.
    pub association: u32,
    /// The sender's role.
    pub role: Option<DtlsRole>,
    /// Which message.
    pub msg_type: HandshakeType,
    /// Its number.
    pub message_seq: u16,
    /// Epoch of the record.
    pub epoch: u64,
    /// Length of the whole message.
    pub length: u32,
    /// Where the fragment begins.
    pub fragment_offset: u32,
    /// The fragment.
    pub fragment: &'a [u8],
    /// The whole body, if this fragment completes the message: once more for each retransmission.
    pub message: Option<&'a [u8]>,
    /// Whether this part of this message was sent before.
    pub retransmission: bool,
    /// Why it does not join the fragments before it.
    pub fault: Option<ReassemblyError>,
}

/// An alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordAlert {
    /// Which association of its connection, from 1; 0 while there is none.
    pub association: u32,
    /// The sender's role.
    pub role: Option<DtlsRole>,
    /// The alert, or why it is none.
    pub alert: Result<Alert, Error>,
    /// Whether it was encrypted.
    pub encrypted: bool,
}

/// A certificate.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Certificate<'a> {
    /// Which association of its connection, from 1.
    pub association: u32,
    /// The sender's role.
    pub role: Option<DtlsRole>,
    /// Its place in the message; 0 is the sender's own.
    pub index: usize,
    /// The certificate.
    pub der: &'a [u8],
    /// Whether the signalling announced it; only of the sender's own.
    pub announced: Announced,
}

impl Certificate<'_> {
    /// The certificate's SHA-256.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.der).into()
    }
}

/// What the signalling says about a certificate (RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Announced {
    /// One of its sender's `a=fingerprint` lines is of it.
    Match,
    /// There are such lines, and none is of it.
    Mismatch,
    /// There is no such line, or nobody knows who sent it.
    Unknown,
}

/// A DTLS association that is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DtlsReady {
    /// Which association of its connection, from 1.
    pub association: u32,
    /// The version.
    pub version: ProtocolVersion,
    /// The suite.
    pub suite: CipherSuite,
    /// The SRTP profile the server chose; of DTLS 1.3 only if its messages could be opened.
    pub srtp: Option<SrtpProfile>,
    /// Who is the DTLS client.
    pub client: Side,
    /// Whether both agreed on `extended_master_secret`.
    pub extended_master_secret: bool,
    /// Whether both agreed on `encrypt_then_mac`.
    pub encrypt_then_mac: bool,
    /// Whether there is a secret to open it with.
    pub has_secret: bool,
}
