//! The cases, by what they are about.

mod allocation;
mod channel;
mod credentials;
mod permission;
mod stream;
mod stun;

use crate::Case;

/// All of them, in the order they are held.
pub static CASES: &[Case] = &[
    stun::BINDING,
    stun::UNKNOWN_REQUIRED,
    stun::UNKNOWN_OPTIONAL,
    stun::INDICATION,
    stun::RESPONSE,
    stun::UNKNOWN_METHOD,
    stun::WRONG_FINGERPRINT,
    stun::MALFORMED,
    stun::AMPLIFICATION,
    credentials::CHALLENGE,
    credentials::CHALLENGE_SIZE,
    credentials::WRONG_PASSWORD,
    credentials::UNKNOWN_USER,
    credentials::NOT_WHOLE,
    credentials::STALE_NONCE,
    credentials::PROTECTED,
    allocation::ALLOCATE,
    allocation::MISMATCH,
    allocation::RETRANSMITTED,
    allocation::NO_TRANSPORT,
    allocation::WRONG_TRANSPORT,
    allocation::UNKNOWN_ATTRIBUTE,
    allocation::LIFETIME,
    allocation::REFRESH,
    allocation::DELETE,
    allocation::NOTHING_TO_REFRESH,
    allocation::EVEN_PORT,
    allocation::EVEN_PORT_WITH_TOKEN,
    allocation::UNKNOWN_TOKEN,
    allocation::FAMILY,
    allocation::DONT_FRAGMENT,
    allocation::QUOTA,
    permission::NEEDED,
    permission::DATA,
    permission::ANY_PORT,
    permission::NO_PEER,
    permission::OTHER_FAMILY,
    permission::WITHOUT_ALLOCATION,
    permission::BROKEN_SEND,
    permission::OWN_ADDRESSES,
    permission::RANGES,
    channel::BOTH_WAYS,
    channel::PADDED,
    channel::NUMBER,
    channel::BOUND_ONCE,
    channel::UNBOUND,
    channel::TOO_LONG,
    stream::PIECES,
    stream::TOGETHER,
    stream::NO_FRAME,
];
