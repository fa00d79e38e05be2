//! From packets as captured to datagrams and stream bytes: link, IP, fragments, UDP and TCP.

pub(crate) mod fragments;
mod frames;
pub(crate) mod ip;
pub(crate) mod link;
mod summary;
pub(crate) mod tcp;

pub use frames::{Frame, Frames, Interface, Step};
pub use rtcspec_trace::watch::Seen;
pub use summary::{Skipped, Summary};
pub use tcp::HostStreams;
