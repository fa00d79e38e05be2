//! The Data Channel Establishment Protocol (RFC 8832).
//!
//! ```
//! use rtcspec_wire::dcep::{Message, Open, Reliability, View};
//! let open = Open::new("chat", "")?.unordered().with(Reliability::MaxRetransmits(3));
//! let bytes = Message::Open(open.clone()).to_bytes();
//! assert_eq!(Message::parse(&bytes)?, Message::Open(open));
//! assert!(matches!(View::parse(&bytes), View::Open(view) if view.label() == Some(b"chat")));
//! # Ok::<(), rtcspec_wire::dcep::DcepError>(())
//! ```

mod error;
mod value;
mod view;

pub use error::DcepError;
pub use value::{Message, Name, Open, Priority, Reliability};
pub use view::{OpenView, View};

/// Message type of `DATA_CHANNEL_ACK` (RFC 8832 §8.2.1).
pub const ACK: u8 = 0x02;
/// Message type of `DATA_CHANNEL_OPEN` (RFC 8832 §8.2.1).
pub const OPEN: u8 = 0x03;
/// Bytes of an OPEN before its label.
pub const OPEN_HEADER: usize = 12;
