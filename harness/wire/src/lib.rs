//! Bytes to views and values for every WebRTC wire format.

pub mod candidate;
pub mod demux;
pub mod framing;
pub mod sctp;
pub mod stun;
pub mod turn;
