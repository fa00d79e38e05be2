//! Partial reliability with `maxRetransmits: 0` (RFC 3758).

use std::time::Duration;

use rtcspec_control::Feature;
use rtcspec_peer::tamper::{Action, Tamper};
use rtcspec_wire::sctp::{Body, Tsn};

use super::aborted;
use super::data::data;
use crate::cases::log::Way;
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

/// Size of the messages on the channel, by which their DATA is known.
const SIZE: usize = 1000;

/// TSNs to which FORWARD TSN moved the receiver, in order.
fn forwarded(seen: &Seen<'_>) -> Vec<Tsn> {
    let bodies = seen.bodies(Way::Received);
    bodies
        .filter_map(|(_, body)| match body {
            Body::ForwardTsn(forward) => Some(forward.new_cumulative_tsn),
            _ => None,
        })
        .collect()
}

pub(in crate::cases) const LIMIT_ZERO: Case = Case {
    id: "sctp/limit-zero",
    title: "No retransmissions allowed and none needed: no FORWARD TSN",
    about: "The peer sends 20 messages on a channel with maxRetransmits 0; nothing is lost. A \
            message may not be given up when it is sent for the first time: pion/sctp#505 and \
            sctp-proto#57 did, and forwarded over data that was on its way.",
    tests: &["RFC 3758 §3.5", "RFC 7496 §3.1"],
    layer: Layer::Sctp,
    needs: &[Feature::PrSctp],
    play: r#"
[[do]]
after   = "open"
channel = { from = "tested", label = "once", max-retransmits = 0 }

[[do]]
after = "open + 1s"
send  = { from = "tested", channel = "once", messages = 20, size = 1000, every = "10ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "hostile", channel = "once", messages = 20 }
"#,
    make: || Box::new(Lossless),
    ..Case::USUAL
};

struct Lossless;

impl Tamper for Lossless {}

const NOTHING_LOST: Duty = Duty {
    text: "RFC 3758 §3.5: FORWARD TSN is for what was abandoned, and what arrives was not",
    expected: "no FORWARD TSN",
};

impl Hostile for Lossless {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let count = forwarded(seen).len();
        vec![NOTHING_LOST.met(count == 0, format!("{count} FORWARD TSN"))]
    }
}

pub(in crate::cases) const LIMIT_ZERO_LOSS: Case = Case {
    id: "sctp/limit-zero-loss",
    title: "No retransmissions allowed and one message lost: FORWARD TSN over it, no repetition",
    about: "The fifth of 20 messages on a channel with maxRetransmits 0 never arrives. It must not \
            be sent again, the receiver must be told not to wait, and the other 19 must arrive.",
    tests: &["RFC 3758 §3.5", "RFC 7496 §3.1", "RFC 8832 §5.1"],
    layer: Layer::Sctp,
    needs: &[Feature::PrSctp],
    play: r#"
[[do]]
after   = "open"
channel = { from = "tested", label = "once", max-retransmits = 0 }

[[do]]
after = "open + 1s"
send  = { from = "tested", channel = "once", messages = 20, size = 1000, every = "10ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "hostile", channel = "once", messages = 19, order = "any" }
"#,
    make: || Box::new(Lossy::default()),
    ..Case::USUAL
};

#[derive(Default)]
struct Lossy {
    /// Messages of the channel seen for the first time.
    seen: Vec<Tsn>,
    lost: Option<Tsn>,
    came_again: bool,
}

impl Tamper for Lossy {
    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let mut lose = false;
        for chunk in data(packet).iter().filter(|chunk| chunk.payload.len() == SIZE) {
            self.came_again |= self.lost == Some(chunk.tsn);
            if !self.seen.contains(&chunk.tsn) {
                self.seen.push(chunk.tsn);
            }
            if self.seen.len() == 5 && self.lost.is_none() {
                self.lost = Some(chunk.tsn);
                lose = true;
            }
        }
        if lose { Action::Drop } else { Action::Pass }
    }
}

const NEVER_AGAIN: Duty = Duty {
    text: "RFC 7496 §3.1, RFC 8832 §5.1: with a limit of 0 a message is sent once and never again",
    expected: "the lost TSN does not come again",
};

const FORWARD: Duty = Duty {
    text: "RFC 3758 §3.5: the receiver is told of what was abandoned by a FORWARD TSN that reaches \
           it",
    expected: "a FORWARD TSN to the lost TSN or beyond",
};

impl Hostile for Lossy {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(lost) = self.lost else {
            return vec![FORWARD.fail("fewer than five messages came")];
        };
        let forwarded = forwarded(seen);
        let reached = forwarded.iter().any(|tsn| lost.is_at_or_before(*tsn));
        let again = if self.came_again { "it came again" } else { "it did not" };
        vec![
            NEVER_AGAIN.met(!self.came_again, again),
            FORWARD
                .met(reached, format!("{} FORWARD TSN, reaching it: {reached}", forwarded.len())),
        ]
    }
}

pub(in crate::cases) const FORWARD_TSN_UNDER_LOSS: Case = Case {
    id: "sctp/forward-tsn-under-loss",
    title: "The hostile side gives up a lost message: the peer goes on without it",
    about: "The fifth of 20 messages on a channel with maxRetransmits 0 is lost on its way to the \
            peer, and FORWARD TSN says so. The other 19 must be delivered; pion and usrsctp once \
            met an ABORT here (pion/sctp#104).",
    tests: &["RFC 3758 §3.6"],
    layer: Layer::Sctp,
    needs: &[Feature::PrSctp],
    play: r#"
[[do]]
after   = "open"
channel = { from = "hostile", label = "once", max-retransmits = 0 }

[[do]]
after = "open + 1s"
send  = { from = "hostile", channel = "once", messages = 20, size = 1000, every = "10ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", channel = "once", messages = 19, order = "any" }
"#,
    make: || Box::new(GivesUp::default()),
    ..Case::USUAL
};

#[derive(Default)]
struct GivesUp {
    sent: Vec<Tsn>,
    lost: Option<Tsn>,
}

impl Tamper for GivesUp {
    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        let mut lose = false;
        for chunk in data(packet).iter().filter(|chunk| chunk.payload.len() == SIZE) {
            if !self.sent.contains(&chunk.tsn) {
                self.sent.push(chunk.tsn);
            }
            if self.sent.len() == 5 && self.lost.is_none() {
                self.lost = Some(chunk.tsn);
                lose = true;
            }
        }
        if lose { Action::Drop } else { Action::Pass }
    }
}

const FOLLOW: Duty = Duty {
    text: "RFC 3758 §3.6: the receiver of a FORWARD TSN takes all up to it for received, and says \
           so in a SACK",
    expected: "no ABORT, and a SACK beyond the lost TSN",
};

impl Hostile for GivesUp {
    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let Some(lost) = self.lost else {
            return vec![FOLLOW.fail("fewer than five messages were sent")];
        };
        let beyond = seen.bodies(Way::Received).any(|(_, body)| match body {
            Body::Sack(sack) => lost.is_at_or_before(sack.cumulative_tsn_ack),
            _ => false,
        });
        let ended = aborted(seen);
        vec![FOLLOW.met(beyond && !ended, format!("beyond it: {beyond}, ABORT: {ended}"))]
    }
}
