//! Where and when something was seen, while it is being looked at.

use std::time::Duration;

use super::event::{ConnectionId, Event, FlowId, Kind, Path, Relay, Side};
use crate::Carrier;

/// Where events go.
pub(super) type Sink<'s> = &'s mut dyn FnMut(&Event<'_>);

/// A datagram's circumstances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) carrier: Carrier,
    pub(super) outer: Path,
    pub(super) inner: Path,
    pub(super) relay: Option<Relay>,
    pub(super) in_stun: bool,
    /// How often TURN was taken off.
    pub(super) depth: u8,
}

/// A datagram's circumstances, with the flow it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub(super) frame: Frame,
    pub(super) flow: FlowId,
    pub(super) connection: Option<ConnectionId>,
    pub(super) from: Side,
}

impl Scene {
    /// Says something.
    pub(super) fn say(&self, sink: Sink<'_>, kind: Kind<'_>) {
        let Frame { number, at, carrier, outer, inner, relay, in_stun, .. } = self.frame;
        sink(&Event {
            number,
            at,
            carrier,
            connection: self.connection,
            flow: self.flow,
            from: self.from,
            outer,
            inner,
            relay,
            in_stun,
            kind,
        });
    }
}
