//! Bytes to views and values for every WebRTC wire format.

pub mod candidate;
pub mod dcep;
pub mod demux;
pub mod dtls;
pub mod framing;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod stun;
pub mod turn;
