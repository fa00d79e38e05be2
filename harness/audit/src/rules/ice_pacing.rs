//! Pacing of transactions.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use rtcspec_trace::watch::{Event, Purpose, Via};
use rtcspec_wire::stun::Class;

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// Starts that are looked at together, so that one late capture timestamp does not count.
const WINDOW: usize = 5;
/// RFC 8445 §14.2: never more often than this.
const FLOOR: Duration = Duration::from_millis(5);
/// RFC 8445 §14.2: the default.
const DEFAULT_TA: u64 = 50;
/// Hosts that are remembered.
const MOST: usize = 64;
/// A pause after which agents check for another reason: consent, keepalive.
const PAUSE: Duration = Duration::from_secs(1);

static ABOUT: About = About {
    id: "ice.pacing",
    level: Level::Violation,
    cites: &[cite(8445, "14.2"), cite(8445, "14.1")],
    needs: &[],
    summary: "transactions start no closer than 5 ms, and no closer than Ta",
    doc: "Fires when five STUN or TURN transactions in a row of one host start within less than \
          four times 5 ms, less a fifth for the clock of the capture: the floor for all agents of \
          an implementation together. If they start within less than four times Ta (50 ms, or \
          the larger of what both announced with a=ice-pacing), it is a warning. Retransmissions \
          do not count, nor does consent on the pair in use; triggered checks do, they go through \
          the same timer (RFC 8445 §6.1.4.2).",
    advice: "send checks from one queue on one timer, triggered ones included",
    holds: "five checks in 200 ms",
    breaks: "five checks at once",
    silent: "no host started five transactions in a row",
    hears: &[Hears::Stun],
    scope: Scope::Observer,
};

declare!(Pacing, State);

#[derive(Debug, Default)]
struct State(BTreeMap<IpAddr, Vec<(Duration, u64)>>);

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, Class::Request, _)) = sight::stun(event) else { return };
        let repeated = stun.transaction.is_some_and(|known| known.requests > 1);
        let paced = matches!(stun.purpose, Purpose::Check | Purpose::Gather | Purpose::Turn);
        if repeated || !paced {
            return;
        }
        // What a relay sends on belongs to the host behind it.
        let host = match event.relay {
            Some(relay) if relay.via == Via::Data => event.inner.source.ip(),
            Some(relay) => relay.client.ip(),
            None => event.outer.source.ip(),
        };
        if self.0.len() >= MOST && !self.0.contains_key(&host) {
            self.0.pop_first();
        }
        let starts = self.0.entry(host).or_default();
        let pause = starts.last().is_some_and(|(at, _)| event.at.saturating_sub(*at) > PAUSE);
        if pause {
            starts.clear();
        }
        starts.push((event.at, event.number));
        if starts.len() > WINDOW {
            starts.remove(0);
        }
        if starts.len() == WINDOW && !judge(scene.book, event, starts, tally) {
            // The next ones are counted anew, not this one again.
            starts.clear();
        }
    }
}

fn judge(book: &Book, event: &Event<'_>, starts: &[(Duration, u64)], tally: &mut Tally) -> bool {
    let span = event.at.saturating_sub(starts[0].0);
    let steps = (WINDOW - 1) as u32;
    let floor = FLOOR * steps * 4 / 5;
    let ta = Duration::from_millis(ta(book)) * steps * 4 / 5;
    let frames: Vec<u64> = starts.iter().map(|(_, frame)| *frame).collect();
    let spot = Spot::of(event, &frames);
    if span < floor {
        tally.find(spot, "5 ms or more between them", "five transactions closer than 5 ms");
    } else if span < ta {
        let seen = "five transactions closer than Ta";
        tally.find_as(Level::Warning, ABOUT.cites[0], spot, "Ta or more between them", seen);
    } else {
        tally.hold();
        return true;
    }
    false
}

/// RFC 8445 §14.2: the larger of both proposals; whoever proposes none means the default.
fn ta(book: &Book) -> u64 {
    let mut sides = [DEFAULT_TA; 2];
    for description in book.descriptions.iter().rev().take(2) {
        let side = usize::from(description.from == rtcspec_trace::Party::B);
        sides[side] = description.pacing.unwrap_or(DEFAULT_TA);
    }
    sides[0].max(sides[1]).min(1000)
}
