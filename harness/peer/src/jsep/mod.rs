//! Offer and answer (RFC 9429): the state machine between `createOffer` and a negotiated transport.
//!
//! It is pure: descriptions and candidates go in and out as text and typed values, nothing is sent
//! and nothing is random. Data channels are negotiated, in one section of a BUNDLE group; sections
//! of media, which this peer does not have yet, are answered with port 0 and keep their place.
//!
//! [`Jsep`] takes [`Config`] once. Whoever owns the transports
//! 1. calls [`Jsep::create_offer`] or [`Jsep::create_answer`], with a closure that makes new ICE
//!    credentials should the rules ask for a new generation;
//! 2. sets descriptions with [`Jsep::set_local`], [`Jsep::set_remote`], [`Jsep::rollback`], and
//!    hands over trickled candidates with [`Jsep::add_ice_candidate`];
//! 3. drains [`Jsep::poll_effect`] after every call and does what the [`Effect`]s say, in order:
//!    gather with these credentials, forget those, use this [`Transport`], check this candidate;
//! 4. reports what it gathered with [`Jsep::add_local_candidate`] and
//!    [`Jsep::end_of_local_candidates`], so that descriptions carry it.
//!
//! ```
//! use rtcspec_peer::jsep::{Config, Description, Effect, IceCredentials, Jsep, SdpType};
//! let config = |n: u8| {
//!     let fingerprint = format!("sha-256 {n:02X}{}", ":00".repeat(31));
//!     Config::new(n.into(), vec![fingerprint.parse().unwrap()])
//! };
//! let ice = |name: &str| IceCredentials::new(name, &name.repeat(6)).unwrap();
//! let (mut a, mut b) = (Jsep::new(config(1)), Jsep::new(config(2)));
//! a.want_data();
//! let offer = Description::new(SdpType::Offer, a.create_offer(false, || ice("aaaa"))?);
//! a.set_local(&offer)?;
//! b.set_remote(&offer)?;
//! let answer = Description::new(SdpType::Answer, b.create_answer(|| ice("bbbb"))?);
//! b.set_local(&answer)?;
//! a.set_remote(&answer)?;
//! let transport = std::iter::from_fn(|| a.poll_effect()).find_map(|effect| match effect {
//!     Effect::Use(transport) => Some(transport),
//!     _ => None,
//! });
//! assert_eq!(transport.unwrap().remote.credentials, ice("bbbb"));
//! # Ok::<(), rtcspec_peer::jsep::Error>(())
//! ```

mod answer;
mod candidates;
mod config;
mod description;
mod effect;
mod error;
mod machine;
mod negotiation;
mod offer;
mod remote;
mod section;
mod set;
mod state;
mod transport;
mod trickle;

pub use candidates::IceCandidate;
pub(crate) use config::MAX_MESSAGE_SIZE;
pub use config::{Config, IceCredentials};
pub use description::{Description, SdpType};
pub use effect::Effect;
pub use error::{DescriptionError, Error};
pub use machine::Jsep;
pub use state::SignalingState;
pub use transport::{RemoteIce, Sctp, Transport};
