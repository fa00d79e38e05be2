//! Capture files.
//!
//! What it is: a pcapng writer for what crossed a simulated network, with the name of every side a
//! packet was seen at, the reason why it went no further, and the TLS secrets that decrypt it.
//! The same packets give the same bytes.
//!
//! What it is not: it neither opens files nor captures packets, and it reads nothing yet.
//!
//! Formats:
//! - [x] pcapng (draft-ietf-opsawg-pcapng): section header, interface description, enhanced packet
//!   and decryption secrets blocks
//! - [ ] reading pcap, pcapng and text2pcap
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_capture::pcapng::{Crossing, EPOCH, Packet, Writer};
//!
//! let mut file = Writer::new("rtcspec", EPOCH);
//! let outside = file.interface("nat.home outside");
//! file.secrets("CLIENT_RANDOM 00 00\n");
//! file.packet(&Packet {
//!     interface: outside,
//!     at: Duration::from_millis(20),
//!     crossing: Some(Crossing::Inbound),
//!     bytes: &[0x45; 28],
//!     comment: Some("nat.home: filtered, APDF, 203.0.113.2:6160 never contacted"),
//! });
//! assert_eq!(file.finish().len() % 4, 0);
//! ```

pub mod pcapng;
