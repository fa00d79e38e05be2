//! The peer connection: signalling, ICE, DTLS, SCTP and data channels joined into what W3C calls
//! an `RTCPeerConnection`.
//!
//! [`Peer`] takes commands, datagrams and the time, and gives datagrams and [`Event`]s. Between any
//! two layers a message passes its [`Tamper`](crate::tamper::Tamper) hook, in `flow.rs`:
//!
//! | from | to | hook |
//! |---|---|---|
//! | JSEP | signalling | `sdp`, `candidate` |
//! | ICE | network | `stun` |
//! | DTLS | ICE | `dtls` |
//! | SCTP | DTLS | `sctp` |
//! | channels | SCTP | `message` |
//!
//! and the `received_` hooks on the way back. Media would join beside `data.rs`: its keys come from
//! DTLS already, and `flow.rs` is where RTP is told from DTLS.

mod channels;
mod config;
mod data;
mod delayed;
mod error;
mod event;
mod flow;
mod names;
mod peer;
mod secure;
mod signalling;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use crate::jsep::{IceCandidate, SdpType, SignalingState};
pub use config::{Config, IceServer, SctpOptions, TransportPolicy};
pub use error::Error;
pub use event::{ChannelId, ChannelInit, Event, Message};
pub use peer::Peer;
pub use state::{ConnectionState, DtlsState, IceConnectionState, IceGatheringState};
