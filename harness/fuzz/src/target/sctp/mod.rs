//! SCTP: reading packets, associations, pairs of them.

mod parse;
mod plants;

pub use parse::PARSE;
