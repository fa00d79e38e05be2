//! Gathering of candidates (RFC 8445 §5.1.1), usable on its own.
//!
//! [`Gatherer`] owns the sockets and TURN clients of one ICE session: servers in, candidates out,
//! and the data path through host and relayed bases. Stacks that leave gathering to the
//! application are fed from it.
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_peer::ice::{GatherConfig, GatherEvent, GatherOutput, Gatherer};
//! use rtcspec_peer::rng::Rng;
//!
//! let config = GatherConfig { interfaces: vec![[192, 0, 2, 1].into()], ..Default::default() };
//! let mut gatherer = Gatherer::new(config, Rng::new(1));
//! gatherer.start(Duration::ZERO);
//! while let Some(output) = gatherer.poll() {
//!     match output {
//!         GatherOutput::Transmit(transmit) => println!("for the network: {transmit:?}"),
//!         GatherOutput::Stun(message) => gatherer.forward(Duration::ZERO, message),
//!         GatherOutput::Event(GatherEvent::Candidate(candidate)) => {
//!             println!("{}", candidate.to_wire(None));
//!         }
//!         GatherOutput::Event(_) => {}
//!     }
//! }
//! ```

mod binding;
mod candidates;
mod config;
mod event;
mod gatherer;
mod relay;

pub use config::{GatherConfig, Policy};
pub use event::{Datagram, GatherEvent, GatherOutput};
pub use gatherer::Gatherer;

#[cfg(test)]
mod tests;
