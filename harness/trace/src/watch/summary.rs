//! What an observer saw, in numbers.

use std::net::SocketAddr;

use super::event::{ConnectionId, FlowId};
use super::totals::{Protected, Totals};

/// What was fed in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Datagrams and pieces of streams.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Flows.
    pub flows: u64,
    /// Connections.
    pub connections: u64,
    /// Flows that were forgotten to make room; what they did later counts as new ones.
    pub flows_forgotten: u64,
    /// Connections that were forgotten to make room.
    pub connections_forgotten: u64,
    /// How often unfinished messages were forgotten to make room.
    pub pieces_forgotten: u64,
    /// What was in it.
    pub totals: Totals,
    /// The flows that were not forgotten, in the order they appeared.
    pub by_flow: Vec<FlowSummary>,
}

/// A flow, and what was opened of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowSummary {
    /// The flow.
    pub id: FlowId,
    /// Its ends, the lower address first; one is the relayed address if there is a relay.
    pub ends: [SocketAddr; 2],
    /// Client and server of the TURN allocation it runs through.
    pub relay: Option<(SocketAddr, SocketAddr)>,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// What was opened of it, and why not the rest.
    pub protected: Protected,
}
