//! Session descriptions: reading and printing them, and what is negotiated with them.

mod parse;
pub(crate) mod plants;

pub use parse::PARSE;
