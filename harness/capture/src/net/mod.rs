//! From packets as captured to datagrams and stream bytes: link, IP, fragments, UDP and TCP.

mod fragments;
mod frames;
mod ip;
mod link;
mod summary;
mod tcp;

pub use frames::{Frame, Frames, Interface, Step};
pub use rtcspec_trace::watch::Seen;
pub use summary::{Skipped, Summary};
