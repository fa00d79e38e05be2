//! ICE candidates as text: the `candidate` attribute of RFC 8839 §5.1 with the TCP types of
//! RFC 6544, and the numbers RFC 8445 §5.1 computes for them.
//!
//! ```
//! use rtcspec_wire::candidate::{Candidate, CandidateKind, CandidateView};
//!
//! let line = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host generation 0";
//! assert_eq!(CandidateView::new(line).extension("generation"), Some("0"));
//! let candidate: Candidate = line.parse()?;
//! assert_eq!(candidate.kind, CandidateKind::Host);
//! assert_eq!(candidate.to_string(), line);
//! # Ok::<(), rtcspec_wire::candidate::CandidateError>(())
//! ```

mod error;
mod foundation;
mod priority;
mod sockets;
mod value;
mod view;

pub use error::{CandidateError, Field};
pub use foundation::Foundation;
pub use priority::{Priority, pair_priority};
pub use sockets::udp_sockets;
pub use value::{
    Candidate, CandidateKind, ComponentId, ConnectionAddress, Extension, TcpType, Transport,
};
pub use view::{CandidateView, Extensions};
