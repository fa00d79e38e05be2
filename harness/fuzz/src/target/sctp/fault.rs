//! An association as its peer sees it: ours, or ours with somebody's bug at its edge.

use std::time::Duration;

use rtcspec_peer::sctp::{Association, Event};
use rtcspec_wire::sctp::Packet;

/// What stands between an association and the wire. The one without a bug does nothing.
pub(super) trait Edge {
    /// A packet goes out; false keeps it back.
    fn outgoing(&mut self, _packet: &mut Packet) -> bool {
        true
    }

    /// A packet comes in, before the association reads it.
    fn incoming(&mut self, _association: &mut Association, _now: Duration, _packet: &[u8]) {}

    /// Events are told.
    fn telling(&mut self, _events: &mut Vec<Event>) {}

    /// Packets of its own, after those of the association.
    fn adding(&mut self) -> Vec<Packet> {
        Vec::new()
    }

    /// Bytes of the peer's messages that are held.
    fn held(&self, association: &Association) -> usize {
        association.held()
    }

    /// When it wants to be called again.
    fn wake(&self, association: &Association) -> Option<Duration> {
        association.wake()
    }
}

/// No bug.
pub(super) struct Sound;

impl Edge for Sound {}

/// Makes the edge of one execution.
pub(super) type MakeEdge = fn() -> Box<dyn Edge>;

pub(super) fn sound() -> Box<dyn Edge> {
    Box::new(Sound)
}
