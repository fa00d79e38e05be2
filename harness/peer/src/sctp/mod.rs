//! SCTP over DTLS: RFC 9260 as RFC 8261 uses it, with partial reliability (RFC 3758, RFC 7496),
//! stream reset (RFC 6525), message interleaving (RFC 8260) and zero checksum (RFC 9653).
//!
//! [`Association`] is sans-IO and seeded: packets, messages and the time go in, typed packets and
//! events come out. DTLS and the tamper hooks sit outside, between [`Association::poll_transmit`]
//! and the wire. Not here: several addresses per end (RFC 8261 §6.1 rules them out), AUTH, ASCONF.
//!
//! | file | concern |
//! |---|---|
//! | `association.rs` | the public face, state, timers |
//! | `handshake.rs`, `cookie.rs` | INIT to COOKIE ACK, collisions, restart (§5) |
//! | `receive.rs` | packets in: checks, dispatch, unknown chunks (§3.2, §8.5) |
//! | `transmit.rs` | packets out: bundling, retransmission before new data (§6.1, §6.10) |
//! | `outbound.rs` | messages waiting, fragmentation, turns between streams (§6.9; RFC 8260 §3) |
//! | `outstanding.rs` | what is in flight, SACKs, loss, abandonment (§6.3.3, §7.2.4; RFC 3758) |
//! | `congestion.rs`, `rto.rs` | windows and timeouts (§7.2, §6.3) |
//! | `received.rs` | TSNs seen, gaps, duplicates, when to acknowledge (§6.2) |
//! | `reassembly.rs` | fragments to messages, order on streams (§6.5, §6.6, §6.9) |
//! | `reset.rs` | RE-CONFIG (RFC 6525) |
//! | `shutdown.rs` | the graceful and the other end (§9) |
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_peer::{rng::Rng, sctp::{Association, Config, Event, Reliability}};
//! use rtcspec_wire::sctp::{Ppid, StreamId};
//!
//! let now = Duration::ZERO;
//! let mut a = Association::new(Config::default(), Rng::new(1));
//! let mut b = Association::new(Config::default(), Rng::new(2));
//! a.connect(now);
//! a.send(now, StreamId(1), Ppid::STRING, b"hello".to_vec(), Reliability::RELIABLE)?;
//! for _ in 0..4 {
//!     while let Some(packet) = a.poll_transmit() { b.receive(now, &a.encode(&packet)?); }
//!     while let Some(packet) = b.poll_transmit() { a.receive(now, &b.encode(&packet)?); }
//! }
//! assert_eq!(b.poll_event(), Some(Event::Connected));
//! assert!(matches!(b.poll_event(), Some(Event::Message(message)) if message.data == b"hello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod association;
mod config;
mod congestion;
mod cookie;
mod event;
mod handshake;
mod outbound;
mod outstanding;
mod reassembly;
mod receive;
mod received;
mod reset;
mod rto;
mod serial;
mod shutdown;
#[cfg(test)]
mod tests;
mod timers;
mod transmit;

pub use association::{Association, State};
pub use config::Config;
pub use event::{Closed, Event, Message, Reliability, SendError};
