//! The reference WebRTC peer.

pub mod tamper;
