//! The reference WebRTC peer.
