//! What an observer saw, in numbers.

/// Totals over all that was fed.
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
}
