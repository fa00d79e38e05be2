//! What must happen between two ICE agents: a model of both, run in many orders.
//!
//! What it is: two RFC 8445 agents in an abstract network of boxes without clocks, where ports are
//! names. [`predict`] lets them connect in many seeded orders of everything that has no order, and
//! says whether the result is always the same.
//!
//! What it is not: it shares nothing with the packet engine but the parameters' types, so that one
//! can judge the other; it is no table and no formula, since nested boxes fit neither.
//!
//! What the agents do: RFC 8445 §5.1 (gathering), §6.1.2 (pairs), §7.2.5 (answers, symmetry,
//! peer-reflexive candidates), §7.3.1 (triggered checks, failed pairs revived), §2.5 (lite); RFC
//! 8863 (patience); RFC 8656 §9 (permissions).
//!
//! What it assumes: candidates are exchanged completely; no packet is lost; a fresh mapping's port
//! cannot be guessed; nothing expires; limits of NATs are not reached; no port collides, so that
//! boxes that change on conflict do not change; there are no static forwards; firewall rules about
//! certain addresses or about ports of peers do not apply, nor do rules that kill after a while. Left
//! out: NAT64, candidates over TCP, two lite agents (which send no checks).
//!
//! ```
//! use rtcspec_net::nat::{Filtering, Mapping, Params};
//! use rtcspec_net::oracle::{Middlebox, Options, Topology, Verdict, predict};
//!
//! let home = Params::new(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
//! let office = Params::new(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
//! let sides = [Middlebox::nat("home", home), Middlebox::nat("office", office)];
//! let [home, office] = sides.map(|middlebox| vec![middlebox]);
//! let outcome = predict(&Topology::apart(home, office).with_turn(), &Options::default())?;
//! assert_eq!(outcome.verdict, Verdict::Relay);
//! # Ok::<(), rtcspec_net::oracle::InvalidTopology>(())
//! ```

mod agent;
mod bounds;
mod candidate;
mod edges;
mod explain;
mod network;
mod predict;
mod rng;
mod run;
#[cfg(test)]
mod tests;
mod topology;
mod translate;

pub use bounds::{Bounds, Timing, bounds};
pub use candidate::{CandidateType, Types};
pub use edges::{Cell, Edge, Grid, UnknownEdge, Variant, edges, grid};
pub use predict::{Options, Orders, Outcome, Transit, Verdict, predict};
pub use topology::{
    Base, Family, Implementation, Kind, Middlebox, Segment, SegmentId, ServerId, Side, Topology,
    Turn,
};

/// A topology that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTopology {
    /// There is no segment at all.
    #[error("find the internet: there is no segment")]
    NoInternet,
    /// A segment leads out to one that is not before it in the list.
    #[error("leave segment {segment}: segment {outside} outside of it is not before it")]
    Order {
        /// The segment.
        segment: usize,
        /// Where it leads.
        outside: usize,
    },
    /// A base is on a segment that is not there.
    #[error("find segment {segment}")]
    NoSuchSegment {
        /// The segment.
        segment: usize,
    },
    /// More boxes or bases than the model takes.
    #[error("lay the topology out: too many boxes or bases")]
    TooLarge,
}
