//! DTLS: flights that are lost, records that are not to be believed.

mod fingerprint;
mod fragments;
mod handshake;
mod lost_flight;
mod records;

pub(super) use fingerprint::WRONG_FINGERPRINT;
pub(super) use fragments::{
    EMPTY_FRAGMENT, FRAGMENT_CLAIMS_16_MIB, FRAGMENTS_CONTRADICT, FRAGMENTS_OF_MANY,
    FRAGMENTS_OF_TWO, FRAGMENTS_OVERLAP,
};
pub(super) use handshake::{BEFORE_SELECTED_PAIR, NO_CERTIFICATE_VERIFY, PSK_KEY_EXCHANGE};
pub(super) use lost_flight::LOST_LAST_FLIGHT;
pub(super) use records::{PLAIN_APPLICATION_DATA, REPLAYED_RECORD};
