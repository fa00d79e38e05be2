//! SCTP: reading packets, an association by itself, and pairs of them.

mod assoc;
mod fault;
mod pair;
mod pair_plants;
mod parse;
pub(crate) mod plants;

pub use assoc::ASSOC;
pub use pair::PAIR;
pub use parse::PARSE;
