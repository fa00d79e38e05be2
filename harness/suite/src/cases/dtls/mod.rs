//! DTLS: flights that are lost, records that are not to be believed.

mod fingerprint;
mod lost_flight;
mod records;

pub(super) use fingerprint::WRONG_FINGERPRINT;
pub(super) use lost_flight::LOST_LAST_FLIGHT;
pub(super) use records::{PLAIN_APPLICATION_DATA, REPLAYED_RECORD};
