//! Hosts: where applications meet the network.

mod vocabulary;

pub use vocabulary::{Application, ConnId, Receive, Transmit};
