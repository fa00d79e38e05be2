//! STUN: messages whose attributes, protection or framing are not as they should be.

mod attributes;
mod broken;
mod integrity;
mod stray;

pub(super) use attributes::{AFTER_INTEGRITY, UNKNOWN_OPTIONAL, UNKNOWN_REQUIRED};
pub(super) use broken::{
    ATTRIBUTE_LENGTH_WRAPS, ATTRIBUTE_PAST_END, BAD_FINGERPRINT, LENGTH_NOT_IN_FOURS,
    NINETEEN_BYTES,
};
pub(super) use integrity::{MISSING_INTEGRITY, WRONG_INTEGRITY, WRONG_USERNAME};
pub(super) use stray::{
    BINDING_INDICATION, REASON_NOT_UTF8, UNKNOWN_TRANSACTION, XOR_ADDRESS_TOO_LONG,
};
