//! What was signalled, from files beside a capture: SDP, webrtc-internals dumps, rtcstats files.

mod dialogue;
mod internals;
mod read;
mod rtcstats;
mod sdp;

pub use dialogue::Dialogue;
pub use read::{Signalling, SignallingError};
pub use rtcstats::rtcstats;
pub(crate) use rtcstats::written;
