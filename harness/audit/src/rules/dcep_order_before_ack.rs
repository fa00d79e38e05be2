//! Data before the channel is acknowledged.

use std::collections::BTreeMap;

use rtcspec_trace::watch::{Event, Kind, Side};
use rtcspec_wire::dcep::View;
use rtcspec_wire::sctp::Ppid;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Channels that wait for an answer.
const MOST: usize = 4096;
/// RFC 8831 §8.
const DCEP: Ppid = Ppid(50);

static ABOUT: About = About {
    id: "dcep.order-before-ack",
    level: Level::Violation,
    cites: &[cite(8832, "6")],
    needs: &[Need::Keys],
    summary: "until anything came back on a channel its opener sends in order",
    doc: "Fires when the side that sent DATA_CHANNEL_OPEN sends user data unordered on the channel \
          before a DATA_CHANNEL_ACK or any other message on it was seen from the other side: \
          unordered data may overtake the OPEN. There is an interoperability failure behind the \
          rule: one stack stops accepting channels when data comes first.",
    advice: "send with the ordered flag until the first message on the channel arrives",
    holds: "data on an unordered channel goes ordered until the ACK",
    breaks: "an unordered message right after the OPEN",
    silent: "no data was sent on a channel before its ACK",
    hears: &[Hears::Message, Hears::Dcep],
    scope: Scope::Connection,
};

declare!(OrderBeforeAck, State);

/// Channels without an answer: their opener, and the frame of the OPEN.
#[derive(Debug, Default)]
struct State(BTreeMap<u16, (Side, u64)>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Dcep(dcep) if matches!(dcep.view, View::Open(_)) && self.0.len() < MOST => {
                self.0.insert(dcep.stream.0, (event.from, event.number));
            }
            Kind::Message(message) => {
                let stream = message.stream.0;
                let Some((opener, open)) = self.0.get(&stream).copied() else { return };
                if event.from != opener {
                    self.0.remove(&stream);
                } else if message.ppid != DCEP && message.unordered {
                    let frames = [open, event.number];
                    let seen = "unordered data before the ACK";
                    tally.find(Spot::of(event, &frames), "ordered until then", seen);
                } else if message.ppid != DCEP {
                    tally.hold();
                }
            }
            _ => {}
        }
    }
}
