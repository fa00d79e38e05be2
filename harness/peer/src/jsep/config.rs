//! What this side brings to a negotiation.

use rtcspec_wire::sdp::{Fault, Fingerprint, IcePwd, IceUfrag, TlsId};

use crate::dtls::Role;

/// Largest message this peer announces unless told otherwise, as browsers do.
pub(crate) const MAX_MESSAGE_SIZE: u64 = 262_144;
/// Port of RFC 8831's examples, which everyone uses.
const SCTP_PORT: u16 = 5000;

/// Credentials of one ICE generation of one side (RFC 8839 §5.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IceCredentials {
    /// User name fragment.
    pub ufrag: IceUfrag,
    /// Password.
    pub pwd: IcePwd,
}

impl IceCredentials {
    /// Checks both texts.
    ///
    /// # Errors
    /// The length or a character is not RFC 8839 §5.4's.
    pub fn new(ufrag: &str, pwd: &str) -> Result<Self, Fault> {
        Ok(Self { ufrag: ufrag.parse()?, pwd: pwd.parse()? })
    }
}

/// What this side brings to a negotiation and does not negotiate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Session id of `o=`; RFC 9429 §5.2.1 wants 63 random bits.
    pub session_id: u64,
    /// Fingerprints of the certificate.
    pub fingerprints: Vec<Fingerprint>,
    /// Identifies the DTLS association (RFC 8842 §4); offered when given.
    pub tls_id: Option<TlsId>,
    /// Role to take when the offer leaves the choice (RFC 8842 §5.3): client unless said
    /// otherwise, so that the handshake can start with the answer.
    pub answer_role: Role,
    /// Act as an ICE-lite agent.
    pub ice_lite: bool,
    /// Announce trickle ICE (RFC 8840 §4.1).
    pub trickle: bool,
    /// SCTP port to announce.
    pub sctp_port: u16,
    /// Largest message taken, in bytes, 0 for any (RFC 8841 §6).
    pub max_message_size: u64,
    /// INIT chunk to announce (draft-hancke-tsvwg-snap).
    pub sctp_init: Option<Vec<u8>>,
}

impl Config {
    /// The reference peer's defaults.
    #[must_use]
    pub fn new(session_id: u64, fingerprints: Vec<Fingerprint>) -> Self {
        Self {
            session_id: session_id & (u64::MAX >> 1),
            fingerprints,
            tls_id: None,
            answer_role: Role::Client,
            ice_lite: false,
            trickle: true,
            sctp_port: SCTP_PORT,
            max_message_size: MAX_MESSAGE_SIZE,
            sctp_init: None,
        }
    }
}
