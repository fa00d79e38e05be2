//! ICE: who is controlling, and who still agrees to be sent to.

mod consent;
mod role_conflict;

pub(super) use consent::{CONSENT_CHECKED, CONSENT_WITHHELD};
pub(super) use role_conflict::{CONFLICT_EQUAL, CONFLICT_LARGEST, CONFLICT_ZERO};
