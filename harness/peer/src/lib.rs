//! The reference WebRTC peer.
//!
//! What it is: a peer connection of our own, sans-IO and seeded, strict in what it sends, complete
//! in what it accepts, and hostile on request: at every layer a [`tamper::Tamper`] may see, change,
//! drop, double, delay, replace or inject messages. [`connection::Peer`] joins the layers.
//!
//! What it is not: it knows no network engine and no control contract, opens no socket and reads no
//! clock, and its randomness is for tests: never use it to protect anything.
//!
//! - [x] JSEP (RFC 9429) for data channels: offer, answer, rollback, restart, BUNDLE-ready
//! - [x] ICE (RFC 8445, 8421, 8838, 8839, 8863, 7675), ICE-lite, TURN client (RFC 8656)
//! - [x] mDNS candidates (draft-ietf-rtcweb-mdns-ice-candidates-04, RFC 6762 as far as they need it)
//! - [x] DTLS 1.2 and 1.3 (RFC 6347, 9147) by library, for WebRTC (RFC 8827, 8842, 8122)
//! - [x] SCTP (RFC 9260, 8261, 3758, 7496, 6525, 8260, 9653), data channels (RFC 8831, 8832)
//! - [ ] Media (RFC 8834, 3711)
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_peer::connection::{ChannelInit, Config, Peer, SdpType};
//!
//! let now = Duration::ZERO;
//! let mut peer = Peer::new(now, Config::default(), 1)?;
//! peer.create_data_channel(now, ChannelInit::reliable("chat"))?;
//! let offer = peer.create_offer(now, false)?;
//! peer.set_local_description(now, SdpType::Offer, &offer)?;
//! assert!(offer.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"));
//! # Ok::<(), rtcspec_peer::connection::Error>(())
//! ```

pub mod connection;
pub mod dcep;
pub mod dtls;
pub mod ice;
pub mod io;
pub mod jsep;
mod mdns;
pub mod rng;
pub mod sctp;
pub mod seal;
pub mod stun;
pub mod tamper;
pub mod turn;
