//! From key log lines to the plaintext of DTLS records, and back.
//!
//! An [`Association`] is told the hellos of a handshake; then it opens records with the secrets of a
//! [`KeyLog`], and seals other content in their place.

mod aead;
mod association;
mod cbc;
mod closed;
mod expand;
mod key_log;
mod record12;
mod record13;
mod suite;

pub use association::{Association, Opened};
pub use closed::Closed;
pub use key_log::KeyLog;
pub(crate) use key_log::Word;

#[cfg(test)]
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).expect("below sixteen"))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
