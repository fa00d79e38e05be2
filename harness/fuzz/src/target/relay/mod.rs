//! The TURN server of the virtual network: clients, peers, time, and what it relays between them.

mod model;
mod plants;
mod program;

pub use program::SERVER;
