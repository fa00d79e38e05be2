//! SRTP: packets that are protected, changed on their way, and opened.

mod model;
pub(crate) mod plants;
mod program;

pub use program::PACKETS;
