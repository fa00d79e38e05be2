//! peerctl/1 for the reference peer.
