//! The reference WebRTC peer.

pub mod dtls;
pub mod io;
pub mod rng;
pub mod tamper;
