//! peerctl/1 for str0m.
