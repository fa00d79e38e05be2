//! peerctl/1 for webrtc-rs `rtc`.
