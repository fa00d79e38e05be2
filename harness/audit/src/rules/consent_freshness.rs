//! Consent to send.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Integrity, Kind, Path, Purpose};
use rtcspec_wire::stun::Class;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

/// RFC 7675 §5.1: consent lasts this long; the rest is what an answer may have been under way.
const EXPIRY: Duration = Duration::from_millis(30_500);
/// RFC 7675 §5.1: 0.8 of the shortest period, 4 s.
const SHORTEST: Duration = Duration::from_millis(3_150);
/// Intervals without spread before they are called regular.
const REGULAR: u32 = 6;
/// Pairs that are remembered.
const MOST: usize = 32;

static ABOUT: About = About {
    id: "consent.freshness",
    level: Level::Violation,
    cites: &[cite(7675, "5.1")],
    needs: &[Need::BothDirections, Need::Times],
    summary: "nothing is sent on a pair 30 seconds after the last answer to a check on it",
    doc: "Fires when a side that does check sends DTLS or media on a pair more than 30 seconds \
          after the last success answer to a check of its own there. Checks of a pair in use that \
          follow each other within less than 3.2 s (0.8 of the shortest period of 4 s), or at \
          intervals without any spread (each must be drawn from 0.8 to 1.2 of the period), are \
          notes: the first is what libwebrtc does, which checks for other reasons too. Lite agents \
          send no checks and are not judged.",
    advice: "stop sending at 30 s without a valid answer; draw each interval anew",
    holds: "checks at 4 to 6 s, each answered, while data flows",
    breaks: "data 40 s after the last answer",
    silent: "no pair was in use for 30 s, or none was checked again",
    hears: &[Hears::Stun, Hears::Record, Hears::Rtp],
    scope: Scope::Connection,
};

declare!(Freshness, State);

#[derive(Debug, Default)]
struct State(BTreeMap<(Path, Party), Pair>);

#[derive(Debug, Default)]
struct Pair {
    /// The last answer, and its frame.
    answered: Option<(Duration, u64)>,
    /// The last check on the pair in use.
    checked: Option<Duration>,
    interval: Duration,
    regular: u32,
    used: bool,
    told: bool,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some(party) = event.from.party() else { return };
        if matches!(event.kind, Kind::Record(_) | Kind::Rtp(_)) {
            if let Some(pair) = self.0.get_mut(&(event.inner, party)) {
                pair.sent(event, tally);
            }
            return;
        }
        let Some((stun, class, _)) = sight::stun(event) else { return };
        if stun.purpose != Purpose::Check {
            return;
        }
        let Some(known) = stun.transaction else { return };
        if self.0.len() >= MOST {
            self.0.retain(|_, pair| pair.used);
        }
        if class == Class::SuccessResponse {
            if matches!(stun.integrity, Integrity::Bad { .. } | Integrity::Absent) {
                return;
            }
            let key = (known.path, party.other());
            if self.0.len() < MOST || self.0.contains_key(&key) {
                let pair = self.0.entry(key).or_default();
                pair.answered = Some((event.at, event.number));
                pair.told = false;
            }
        } else if class == Class::Request
            && known.requests == 1
            && let Some(pair) = self.0.get_mut(&(event.inner, party)).filter(|pair| pair.used)
        {
            pair.check(event, tally);
        }
    }
}

impl Pair {
    fn sent(&mut self, event: &Event<'_>, tally: &mut Tally) {
        let Some((at, frame)) = self.answered else { return };
        let since = event.at.saturating_sub(at);
        if since > EXPIRY && self.checked.is_some() {
            if !self.told {
                let frames = [frame, event.number];
                let seen = format!("data {} s after the last answer", since.as_secs());
                tally.find(Spot::of(event, &frames), "silence after 30 s without consent", seen);
            }
            self.told = true;
        }
        self.used = true;
    }

    fn check(&mut self, event: &Event<'_>, tally: &mut Tally) {
        let Some(before) = self.checked.replace(event.at) else { return };
        let interval = event.at.saturating_sub(before);
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        if interval < SHORTEST {
            let seen = "checks of a pair in use less than 3.2 s apart";
            tally.find_as(Level::Note, ABOUT.cites[0], spot, "0.8 of 4 s or more", seen);
        } else {
            tally.hold();
        }
        let difference = interval.abs_diff(self.interval);
        self.regular = if difference < interval / 100 { self.regular + 1 } else { 0 };
        self.interval = interval;
        if self.regular == REGULAR {
            let seen = "intervals between consent checks that do not vary";
            tally.find_as(Level::Note, ABOUT.cites[0], spot, "0.8 to 1.2 of the period", seen);
        }
    }
}
