//! RTCP: compounds and what their packets say.

mod compound;
pub(crate) mod plants;

pub use compound::COMPOUND;
