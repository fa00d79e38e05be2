//! The observer: datagrams, secrets and signalling become events, and events become a transcript.
//!
//! What it is not: it never looks inside a peer and never judges; audit rules and scenarios do.
//!
//! Protocols followed: RFC 7983 demultiplexing, RFC 8489 STUN with RFC 8445 ICE and RFC 8656 TURN,
//! RFC 6347 and RFC 9147 DTLS (opened with a key log), RFC 8261 and RFC 9260 SCTP with RFC 6525,
//! RFC 3758, RFC 8260 and RFC 9653, RFC 8832 DCEP, headers of RFC 3550 RTP and RTCP.
//!
//! ```
//! use rtcspec_trace::{Session, diff, transcript};
//! let text = transcript(&Session::default(), "ok");
//! assert!(text.starts_with("transcript 1"));
//! assert!(diff(&text, &text).is_identical());
//! ```

mod assembly;
mod diff;
mod dtls;
mod fingerprint;
mod flow;
mod fold;
mod ladder;
mod mdns;
mod names;
pub mod nat;
mod notes;
mod observe;
mod sctp;
pub mod secrets;
mod session;
mod signal;
mod stun;
mod text;
mod transcript;
pub mod watch;

pub use diff::{Diff, diff};
pub use fingerprint::certificate_hash;
pub use ladder::{Rung, ladder};
pub use session::{
    Action, Carrier, Crossing, Datagram, Lost, Nat, Party, Peer, Place, Profile, Server, Session,
    Signal, SignalBody,
};
pub use text::{Entry, Line, ParseError, Section, Transcript, printable};
pub use transcript::{transcript, value};
