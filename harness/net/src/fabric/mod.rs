//! The graph of elements, the scheduler and the road every packet takes.

mod element;
mod topology;

pub use element::{ElementId, FirewallId, HostId, LinkId, NatId, PortId, Protocol, SegmentId};
pub use topology::{Fabric, TopologyError};
