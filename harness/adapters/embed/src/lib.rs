//! What every foreign stack embedded in the harness needs to speak peerctl/1.
//!
//! What it is: [`Embedded`], a [`VirtualEndpoint`](rtcspec_control::VirtualEndpoint) over any
//! sans-IO WebRTC stack that implements [`Stack`] and [`Connection`]. It owns what is the same for
//! all of them: handles of connections and channels, the order of replies and events, local ports
//! and gathering, the translation of run time to [`std::time::Instant`], and the boundary at which
//! a panic of the stack becomes an event instead of the end of the harness.
//!
//! What it is not: it knows no protocol and repairs nothing. What a stack cannot do stays visible
//! as `unsupported`, what it does wrongly reaches the wire.
//!
//! Rules it keeps: gathering starts with `setLocalDescription` (RFC 9429 §3.5.1); the candidates
//! of a generation are announced once each and closed by an end-of-candidates (RFC 8838 §13).
//!
//! ```
//! use rtcspec_adapter_embed::{Outcome, Refusal};
//!
//! fn pranswer() -> Outcome<()> {
//!     Err(Refusal::Unsupported("pranswer".into()))
//! }
//! assert!(pranswer().is_err());
//! ```

mod clock;
mod connection;
mod embedded;
mod peer;
mod put_off;
mod sockets;

pub use clock::VirtualClock;
pub use connection::{ChannelKey, Connection, Found, Gathered, Happening, Outcome, Refusal, Stack};
pub use embedded::Embedded;
