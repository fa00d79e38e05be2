//! An agent as its peer sees it: ours, or ours with somebody's bug at its edge.

use std::time::Duration;

use rtcspec_peer::ice::{Agent, Datagram};
use rtcspec_peer::io::Transmit;
use rtcspec_peer::stun::Outgoing;

/// What stands between an agent and the wire. The one without a bug does nothing.
pub(super) trait Edge {
    /// A datagram of a peer comes in, before the agent reads it.
    fn incoming(&mut self, _agent: &Agent, _datagram: &mut Datagram) {}

    /// A STUN message goes out; what is given goes out with it.
    fn outgoing(&mut self, _message: &mut Outgoing) -> Option<Outgoing> {
        None
    }

    /// A datagram goes out, whatever it is.
    fn leaving(&mut self, _transmit: &mut Transmit) {}

    /// The application sends; says whether it may.
    fn send(&mut self, agent: &mut Agent, now: Duration, data: &[u8]) -> bool {
        agent.send(now, data).is_ok()
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
