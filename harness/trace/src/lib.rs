//! The observer: datagrams, secrets and signalling become events, and events become a transcript.
//!
//! What it is not: it never looks inside a peer and never judges; audit rules and scenarios do.

mod session;

pub use session::{
    Action, Carrier, Crossing, Datagram, Lost, Nat, Party, Peer, Place, Profile, Server, Session,
    Signal, SignalBody,
};
