//! Gathering of candidates (RFC 8445 §5.1.1), usable on its own.
//!
//! [`Gatherer`] owns the sockets and TURN clients of one ICE session: servers in, candidates out,
//! and the data path through host and relayed bases. Stacks that leave gathering to the
//! application are fed from it.

mod binding;
mod gatherer;
mod relay;

pub use gatherer::{Datagram, GatherConfig, GatherEvent, GatherOutput, Gatherer, Policy};
