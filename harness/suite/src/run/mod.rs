//! Running a scenario.
//!
//! [`play`] is a pure function of scenario, variant, implementations and seed; with peers that live
//! outside of the run's time, of what came from them and when ([`Record`]).

mod actor;
mod blame;
mod hostility;
mod judge;
mod log;
mod net;
mod onlooker;
mod pace;
mod payload;
mod play;
mod record;
mod script;
mod service;
mod signalling;
mod stage;
mod survey;
mod terrain;
mod tray;
mod watch;
mod weather;
mod wire_only;

pub use net::COUNTERS;
pub(crate) use play::peers;
#[cfg(test)]
pub(crate) use play::play_doctored;
pub use play::{Cast, Played, implied_needs, play, play_case, play_improvised};
pub use record::{Record, RecordError};
pub use terrain::Terrain;
