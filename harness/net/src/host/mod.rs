//! Hosts: where applications meet the network.

mod socket;
mod tcp;
mod vocabulary;

pub use socket::{Host, Input, SendError};
pub use vocabulary::{Application, ConnId, IcmpError, Receive, Transmit};
