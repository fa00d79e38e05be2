//! Capture files.
//!
//! What it is: a reader of captures from the field, with bounded memory, down to the datagrams and
//! stream bytes that an observer is fed; and a pcapng writer for what crossed a simulated network,
//! with the name of every side a packet was seen at, the reason why it went no further, and the TLS
//! secrets that decrypt it. The same packets give the same bytes.
//!
//! What it is not: it captures no packets, and it knows nothing above UDP and TCP.
//!
//! Reads:
//! - [x] pcap (draft-ietf-opsawg-pcap) in both byte orders, with microseconds and nanoseconds
//! - [x] pcapng (draft-ietf-opsawg-pcapng): sections, interfaces with their clocks, enhanced, simple
//!   and obsolete packet blocks, decryption secrets
//! - [x] logs of SCTP packets as `text2pcap` reads them
//! - [x] gzip of each (RFC 1952), several files one after the other, damaged files
//! - [x] Ethernet, IEEE 802.1Q and 802.1ad, Linux cooked v1 and v2, raw IP, BSD loopback
//! - [x] IPv4 (RFC 791), IPv6 (RFC 8200) with extension headers, fragments (RFC 5722), UDP, TCP
//!
//! Writes:
//! - [x] pcapng: section header, interface description, enhanced packet and decryption secrets
//!   blocks
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
//!     missing: 0,
//!     comment: Some("nat.home: filtered, APDF, 203.0.113.2:6160 never contacted"),
//!     id: Some(1),
//! });
//! assert_eq!(file.finish().len() % 4, 0);
//! ```

pub mod conversations;
pub mod export;
pub mod keys;
pub mod net;
mod open;
pub mod pcapng;
pub mod read;
mod reading;
pub mod seeds;
pub mod signalling;
mod views;

pub use open::{Capture, Given, OpenError, open};
pub use reading::Found;
