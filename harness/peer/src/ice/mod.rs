//! An ICE agent (RFC 8445), sans-IO and seeded.
//!
//! What it is: a full agent (or, by [`Config::lite`], a lite one) for one component of one data
//! stream, which is what BUNDLE and RTP/RTCP multiplexing leave of WebRTC's media. What it is not:
//! ICE over TCP candidates (RFC 6544), names (whoever drives it resolves them).
//!
//! - [x] RFC 8445 ICE, RFC 8421 multihomed and dual-stack hosts
//! - [x] RFC 8838 trickle, RFC 8863 patience
//! - [x] RFC 7675 consent
//! - [x] RFC 8489 STUN client and server as far as ICE uses them
//! - [x] relayed candidates by [`turn`](crate::turn)
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_peer::ice::{Agent, Config, Event, Output, Role};
//! use rtcspec_peer::rng::Rng;
//!
//! let mut config = Config::default();
//! config.gather.interfaces = vec![[192, 0, 2, 1].into()];
//! let mut agent = Agent::new(config, Role::Controlling, &Rng::new(1));
//! agent.gather(Duration::ZERO);
//! let Some(Output::Event(Event::Candidate { candidate, .. })) = agent.poll() else { panic!() };
//! assert_eq!(candidate.kind.word(), "host");
//! ```

mod agent;
mod candidate;
mod check;
mod checklist;
mod config;
mod consent;
mod context;
mod credentials;
mod event;
mod gather;
mod interfaces;
mod nomination;
mod pair;
mod respond;
mod role;
mod server;
mod session;
mod trickle;

pub use agent::{Agent, RemoteError, SendError};
pub use candidate::{CandidateType, LocalCandidate, RemoteCandidate};
pub use config::Config;
pub use credentials::{Credentials, RemoteParameters};
pub use event::{Event, Output, SelectedPair, State};
pub use gather::{Datagram, GatherConfig, GatherEvent, GatherOutput, Gatherer, Policy};
pub use pair::{Pair, PairId, PairState, pair_priority};
pub use role::Role;
pub use server::{Hosts, Server, ServerError, Service};

#[cfg(test)]
mod tests;
