//! RTP packets (RFC 3550) with header extensions (RFC 8285).

mod number;

pub use number::{PayloadType, SequenceNumber, Ssrc};
