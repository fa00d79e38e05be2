//! Retransmission of STUN requests.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::Event;
use rtcspec_wire::stun::{Class, TransactionId};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Below this, two copies are the network's, not the sender's.
const COPY: Duration = Duration::from_millis(2);
/// RFC 8445 §14.3: 500 ms, less what a capture's clock may be off.
const RTO: Duration = Duration::from_millis(480);
/// Transactions whose last interval is remembered.
const MOST: usize = 256;

static ABOUT: About = About {
    id: "stun.rto",
    level: Level::Note,
    cites: &[cite(8445, "14.3"), cite(8489, "6.2.1")],
    needs: &[Need::Times],
    summary: "a request is sent again after 500 ms at the earliest, then at doubling intervals",
    doc: "Fires when the first retransmission comes less than 500 ms after the request, or when \
          an interval is less than one and a half times the one before. The first is a MUST NOT \
          (RFC 8445 §14.3) that large implementations knowingly break (250 ms and less), the \
          second a SHOULD, so that both are notes.",
    advice: "check the retransmission timer: 500, 1000, 2000 ms",
    holds: "retransmissions after 500 and 1500 ms",
    breaks: "a retransmission after 100 ms",
    silent: "no request was sent again",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Rto, State);

#[derive(Debug, Default)]
struct State(BTreeMap<TransactionId, Duration>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::Request, _)) = sight::stun(event) else { return };
        let (Some(known), Some(id)) = (stun.transaction, stun.view.transaction_id()) else {
            return;
        };
        let Some(previous) = known.previous_at.filter(|_| event.carrier == Carrier::Udp) else {
            return;
        };
        let interval = event.at.saturating_sub(previous);
        if interval < COPY || !known.same_bytes {
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_first();
        }
        let before = self.0.insert(id, interval);
        let frames = [known.first_number, event.number];
        let spot = Spot::of(event, &frames);
        match before {
            None if interval < RTO => {
                let bound = interval.as_millis().div_ceil(50) * 50;
                let seen = format!("the first retransmission after less than {bound} ms");
                tally.find(spot, "500 ms or more", seen);
            }
            Some(before) if interval * 2 < before * 3 => {
                let cite = ABOUT.cites[1];
                let seen = "a retransmission interval that did not double";
                tally.find_as(Level::Note, cite, spot, "doubling intervals", seen);
            }
            _ => tally.hold(),
        }
    }
}
