//! The observer as a stream: datagrams in, events out, in bounded memory.
//!
//! [`Observer`] is fed what one observation point saw, from a capture of any size or from a
//! simulated session, and says what every datagram is: RFC 7983 tells the protocols on a 5-tuple
//! apart, TURN is taken off, connections are told apart by their ufrags. It keeps what is needed
//! to say so ([`limits`]) and nothing else; it judges nothing.
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_trace::Carrier;
//! use rtcspec_trace::watch::{Kind, Observer, Seen};
//!
//! let mut observer = Observer::new();
//! let seen = Seen {
//!     number: 1,
//!     at: Duration::ZERO,
//!     carrier: Carrier::Udp,
//!     source: "192.0.2.1:5000".parse()?,
//!     destination: "192.0.2.2:5000".parse()?,
//!     payload: b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction!",
//! };
//! let mut requests = 0;
//! observer.seen(&seen, &mut |event| {
//!     requests += u32::from(matches!(event.kind, Kind::Stun(_)));
//! });
//! assert_eq!(requests, 1);
//! assert_eq!(observer.finish().flows, 1);
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

mod association;
mod connections;
mod dtls;
mod event;
mod flows;
mod frame;
pub mod limits;
mod media;
mod observer;
mod relays;
mod replay;
mod resync;
mod sctp;
mod seen;
mod signalled;
pub(crate) mod streams;
mod stun;
mod summary;
mod totals;
mod transactions;
mod tsns;
mod unopened;
mod vantage;

pub use event::{
    Announced, Certificate, ChannelData, Chunk, Closed, ConnectionId, Datagram, Dcep, DtlsReady,
    DtlsRole, Event, FlowId, Handshake, Integrity, Kind, Message, Opaque, Path, Protection,
    Purpose, Record, RecordAlert, Relay, Rtcp, Rtp, SctpPacket, Side, Stun, Tag, Transaction,
    Unread, Username, Via,
};
pub use observer::Observer;
pub use sctp::accepts_zero_checksum;
pub use seen::Seen;
pub use streams::Streams;
pub use summary::{FlowSummary, Summary};
pub use totals::{Opened, Protected, Totals};
pub use unopened::{Sealed, Unopened, Unopeneds, unopened};
pub use vantage::{sighted, vantage};
