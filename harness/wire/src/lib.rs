//! Bytes to views and values for every WebRTC wire format.

pub mod sctp;
pub mod stun;
pub mod turn;
