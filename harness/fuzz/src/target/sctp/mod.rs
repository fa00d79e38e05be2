//! SCTP: reading packets, and pairs of associations.

mod fault;
mod pair;
mod pair_plants;
mod parse;
pub(crate) mod plants;

pub use pair::PAIR;
pub use parse::PARSE;
