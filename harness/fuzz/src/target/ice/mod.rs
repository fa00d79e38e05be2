//! ICE: two agents in a network that the input lays out.

mod fault;
mod ground;
mod pair;
mod plants;
mod stranger;
mod table;

pub use pair::PAIR;
