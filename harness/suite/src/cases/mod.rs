//! Hostile cases: the reference peer misbehaves on request, and the peer under test must cope.
//!
//! A case is a [`Case`] and the [`Hostile`] it makes. The hostile side is the reference peer with
//! a tamper; everything it sends and receives is written into a [`Log`], from which the case
//! judges what came of it. Around the case stands a scenario like any other: by default two hosts
//! on one network, a channel, and messages both ways a second after it opened. Their arrival is
//! the positive probe: whatever a peer must ignore, it must still be there afterwards.

mod base;
mod catalogue;
mod hand;
mod hostile;
mod log;
mod ruling;
#[cfg(test)]
pub(crate) mod sabotage;
mod scripted;
mod stun_craft;
#[cfg(test)]
mod tests;

mod dcep;
mod demux;
mod dtls;
mod ice;
mod sctp;
mod sdp;
mod stun;
mod turn;

pub use base::{Case, PROBE, Roles};
pub use catalogue::{ALL, find};
pub(crate) use hand::Hand;
pub use hostile::Hostile;
pub use log::{Kind, Log, Noted, Way};
pub(crate) use ruling::SeenChannel;
pub use ruling::{Ruling, Seen};
pub use scripted::Improvise;
pub(crate) use scripted::{AsWritten, Scripted};
