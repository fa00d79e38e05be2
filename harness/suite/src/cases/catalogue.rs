//! The list of cases.

use super::{Case, dcep, demux, dtls, ice, sctp, stun, turn};

/// All of them, by id.
pub const ALL: &[&Case] = &[
    &dcep::DATA_BEFORE_ACK,
    &dcep::DATA_WITH_OPEN,
    &dcep::NAMES_IN_BYTES,
    &dcep::UNOPENED_STREAM,
    &dcep::WRONG_PARITY,
    &demux::EMPTY_DATAGRAM,
    &demux::UNKNOWN_FIRST_BYTE,
    &dtls::LOST_LAST_FLIGHT,
    &dtls::PLAIN_APPLICATION_DATA,
    &dtls::REPLAYED_RECORD,
    &dtls::WRONG_FINGERPRINT,
    &ice::CONSENT_CHECKED,
    &ice::CONSENT_WITHHELD,
    &ice::CONFLICT_EQUAL,
    &ice::CONFLICT_LARGEST,
    &ice::CONFLICT_ZERO,
    &sctp::ABORT_WRONG_TAG,
    &sctp::CAUSE_BEYOND_CHUNK,
    &sctp::DUPLICATE_DATA,
    &sctp::HEARTBEAT_WITH_DATA,
    &sctp::INIT_COLLISION,
    &sctp::INIT_RETRANSMITTED,
    &sctp::INIT_TAG,
    &sctp::LATE_INIT,
    &sctp::LIMIT_ZERO,
    &sctp::LIMIT_ZERO_LOSS,
    &sctp::SACK_BEYOND_SENT,
    &sctp::UNKNOWN_CHUNK_SKIP,
    &sctp::UNKNOWN_CHUNK_SKIP_REPORT,
    &sctp::UNKNOWN_CHUNK_STOP,
    &sctp::UNKNOWN_CHUNK_STOP_REPORT,
    &sctp::UNKNOWN_PARAMETER_SKIP,
    &sctp::UNKNOWN_PARAMETER_SKIP_REPORT,
    &sctp::UNKNOWN_PARAMETER_STOP,
    &sctp::UNKNOWN_PARAMETER_STOP_REPORT,
    &sctp::ZERO_CHUNK_LENGTH,
    &sctp::ZERO_WINDOW,
    &stun::AFTER_INTEGRITY,
    &stun::BAD_FINGERPRINT,
    &stun::BINDING_INDICATION,
    &stun::LENGTH_NOT_IN_FOURS,
    &stun::MISSING_INTEGRITY,
    &stun::NINETEEN_BYTES,
    &stun::UNKNOWN_OPTIONAL,
    &stun::UNKNOWN_REQUIRED,
    &stun::UNKNOWN_TRANSACTION,
    &stun::WRONG_INTEGRITY,
    &stun::WRONG_USERNAME,
    &turn::STALE_NONCE_EVERYWHERE,
    &turn::STALE_NONCE_REFRESH,
];

/// The case of an id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Case> {
    ALL.iter().find(|case| case.id == id).copied()
}
