//! RTCP: compounds and what their packets say.

mod compound;
mod plants;

pub use compound::COMPOUND;
