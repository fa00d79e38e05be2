//! RTP packets (RFC 3550) with header extensions (RFC 8285).
//!
//! A [`View`] shows any bytes; a [`Packet`] is checked and borrows, so that reading a header
//! allocates nothing; a [`Header`] is an owned value to write packets with.

mod error;
mod extension;
mod header;
mod number;
mod view;

pub use error::RtpError;
pub use extension::{Element, Elements, Extension, ExtensionView, Form};
pub use header::Header;
pub use number::{PayloadType, SequenceNumber, Ssrc};
pub use view::{Packet, View};
