//! NATs as the traffic shows them, in the words of RFC 4787.
//!
//! [`Inference`] listens to a [`watch::Observer`](crate::watch::Observer). It learns mappings in
//! two ways: from XOR-MAPPED-ADDRESS, which a capture on one side of a box holds, and from one
//! datagram seen with two addresses, which a capture on both sides holds. Only the latter shows
//! what a box dropped. Whatever the traffic could not show stays unknown.
//!
//! ```
//! use rtcspec_trace::nat::Inference;
//! assert!(Inference::new().finish().is_empty());
//! ```

mod crossings;
mod inference;
mod mappings;
mod verdict;
mod words;

pub use inference::Inference;
pub use words::{Behaviour, Hairpin, Mapped, NatSeen, Ports, Proof, Trait, Unusable, shows};
