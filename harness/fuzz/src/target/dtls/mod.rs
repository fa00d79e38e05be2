//! DTLS as far as it shows without keys: records and hellos, and handshake messages in fragments.

mod handshake;
mod record;

pub use handshake::HANDSHAKE;
pub use record::RECORD;
