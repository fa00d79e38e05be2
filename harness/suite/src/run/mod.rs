//! Running a scenario in virtual time.
//!
//! [`play`] is a pure function of scenario, variant, implementations and seed.

mod actor;
mod blame;
mod hostility;
mod judge;
mod log;
mod net;
mod payload;
mod play;
mod script;
mod service;
mod signalling;
mod stage;
mod survey;
mod watch;
mod weather;

pub use net::COUNTERS;
#[cfg(test)]
pub(crate) use play::play_doctored;
pub use play::{Cast, Played, implied_needs, play, play_case};
