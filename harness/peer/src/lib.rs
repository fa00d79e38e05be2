//! The reference WebRTC peer.

pub mod io;
pub mod rng;
pub mod tamper;
