//! From key log lines to the plaintext of DTLS records.

mod aead;
mod expand;
mod key_log;

pub(crate) use aead::{Opener12, Opener13};
pub(crate) use key_log::{KeyLog, Word};
