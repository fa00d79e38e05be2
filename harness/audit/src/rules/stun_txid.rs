//! Transaction ids.

use rtcspec_trace::watch::Event;
use rtcspec_wire::stun::Class;

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "stun.txid",
    level: Level::Violation,
    cites: &[cite(8489, "5"), cite(8489, "6.2.1")],
    needs: &[],
    summary: "a transaction id belongs to one request, and a retransmission is the same bytes",
    doc: "Fires when two requests have one transaction id but not the same bytes, or the same \
          bytes between other addresses: neither is a retransmission, so a new id is due. A \
          request with credentials, after a 401 or 438, is a new transaction.",
    advice: "draw a new id whenever a request changes; keep the bytes for retransmissions",
    holds: "a request is sent again, byte for byte",
    breaks: "a retransmission with USE-CANDIDATE added",
    silent: "there is no request",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(TransactionIds, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::Request, _)) = sight::stun(event) else { return };
        let Some(known) = stun.transaction else { return };
        let frames = [known.first_number, event.number];
        let spot = Spot::of(event, &frames);
        if known.requests > 1 && !known.same_bytes {
            let seen = "another request under the transaction id of an earlier one";
            tally.find(spot, "a new transaction id, or the same bytes", seen);
        } else {
            tally.hold();
        }
    }
}
