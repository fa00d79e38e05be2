//! The reference WebRTC peer.

pub mod dtls;
pub mod ice;
pub mod io;
pub mod jsep;
pub mod rng;
pub mod sctp;
pub mod stun;
pub mod tamper;
pub mod turn;
