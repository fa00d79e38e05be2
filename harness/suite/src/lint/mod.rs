//! Whether an adapter keeps the contract peerctl/1, before any verdict is based on it.
//!
//! What it is: one session of an adapter with itself, two connections in one process, and the
//! traps an adapter can fall into: a command it should refuse, a configuration key it should not
//! drop, bytes that must come through as they are. The checks are in `checks.rs`, each with the
//! section of `PEERCTL.md` it holds the adapter to.
//!
//! What it is not: a test of the stack. What only the wire can tell is not looked at.

mod checks;
mod client;
mod offer;
mod report;

pub use checks::lint;
pub use report::{Check, Outcome, Report};
