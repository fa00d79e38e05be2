//! The graph of elements, the scheduler and the road every packet takes.
//!
//! A packet goes from its host through the wire of the host's interface (firewalls and links, the
//! nearest to the host first) to the segment, from there through another interface's wire to its
//! owner: a host, or a NAT that sends it on to its other side. All of that happens at once, until
//! a link holds the packet back. What is sent to a multicast group of the local link goes to every
//! host of the segment that has joined it, and through no NAT.
//!
//! Order of events, which is total: by time; at one time by the hash of the link's name, then out
//! before in, then by the order in which packets leave that link (and among those that leave at one
//! time, by the order in which they came). What hosts send takes effect in the order of the calls.
//! Nothing depends on the order in which elements were made, and random decisions depend only on
//! the seed, the element's name, the direction, what is decided and for how many packets it was
//! decided there before.

mod action;
mod element;
mod multicast;
mod packet;
mod route;
mod runtime;
mod topology;
mod watch;

pub use action::{Action, ActionError};
pub use element::{ElementId, FirewallId, HostId, LinkId, NatId, PortId, Protocol, SegmentId};
pub(crate) use packet::Packet;
pub use runtime::{Counters, Delivery};
pub use topology::{Fabric, TopologyError};
