//! A receive window of zero.

use std::time::Duration;

use rtcspec_peer::tamper::{Action, Injection, Tamper};
use rtcspec_wire::sctp::{Body, Chunk, ChunkType, PacketView};

use super::edited;
use crate::cases::log::{Log, Way};
use crate::cases::ruling::{Duty, Ruling, Seen};
use crate::cases::{Case, Hostile};
use crate::verdict::Layer;

pub(in crate::cases) const ZERO_WINDOW: Case = Case {
    id: "sctp/zero-window",
    title: "The receive window closes for three seconds: one probe at a time, then all arrives",
    about: "Every SACK of the hostile side says a_rwnd 0 for three seconds, as of an application \
            that does not read. Meanwhile at most one new DATA chunk may be under way; afterwards \
            whatever waited must come (pion/sctp#138, webrtc-rs#822).",
    tests: &["RFC 9260 §6.1"],
    layer: Layer::Sctp,
    limit: "60s",
    play: PLAY,
    make: || Box::new(Closed { until: None }),
    ..Case::USUAL
};

const PLAY: &str = r#"
[[do]]
after = "open + 1s"
send  = { from = "tested", messages = 12, size = 100, every = "100ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "hostile", messages = 12 }
"#;

/// How long the window is closed.
const CLOSED: Duration = Duration::from_secs(3);
/// What was under way when the window closed arrives within this.
const UNDER_WAY: Duration = Duration::from_millis(200);

struct Closed {
    until: Option<Duration>,
}

impl Tamper for Closed {
    fn sctp(&mut self, now: Duration, packet: &[u8]) -> Action {
        let has_sack = PacketView::new(packet)
            .is_ok_and(|view| view.chunks().any(|chunk| chunk.chunk_type() == ChunkType::SACK));
        if !has_sack || self.until.is_none_or(|until| now >= until) {
            return Action::Pass;
        }
        let closed = edited(packet, |packet| {
            for chunk in &mut packet.chunks {
                if let Chunk::Sack(sack) = chunk {
                    sack.a_rwnd = 0;
                }
            }
        });
        closed.map_or(Action::Pass, Action::replace)
    }
}

const ONE_PROBE: Duty = Duty {
    text: "RFC 9260 §6.1: to a window of zero at most one DATA chunk is under way",
    expected: "one new DATA chunk or none for each SACK that says 0",
};

impl Hostile for Closed {
    fn strike(&mut self, now: Duration, _: &Log) -> Vec<Injection> {
        // The first message comes half a second later.
        self.until = Some(now + Duration::from_millis(500) + CLOSED);
        Vec::new()
    }

    fn judge(&self, seen: &Seen<'_>) -> Vec<Ruling> {
        let mut sacks: Vec<(Duration, u32)> = seen
            .bodies(Way::Sent)
            .filter_map(|(at, body)| match body {
                Body::Sack(sack) => Some((at, sack.a_rwnd)),
                _ => None,
            })
            .collect();
        sacks.retain(|(at, _)| *at > seen.struck());
        let Some(closed) = sacks.iter().find(|(_, window)| *window == 0).map(|(at, _)| *at) else {
            return vec![ONE_PROBE.met(false, "the window never closed: no DATA came".to_owned())];
        };
        let opened = sacks.iter().find(|(at, window)| *at > closed && *window > 0);
        let opened = opened.map_or(Duration::MAX, |(at, _)| *at);
        let most = most_under_way(seen, closed + UNDER_WAY..opened);
        vec![ONE_PROBE.met(most <= 1, format!("{most} new DATA chunks under way at once"))]
    }
}

/// The most DATA chunks with a TSN of their own that came in a span between two SACKs of ours.
fn most_under_way(seen: &Seen<'_>, span: std::ops::Range<Duration>) -> usize {
    let mut highest = None;
    let mut arrivals = Vec::new();
    for (at, body) in seen.bodies(Way::Received) {
        if let Body::Data(data) = body
            && highest.is_none_or(|highest| data.tsn.is_after(highest))
        {
            highest = Some(data.tsn);
            arrivals.push(at);
        }
    }
    let sacks = seen.bodies(Way::Sent).filter(|(_, body)| matches!(body, Body::Sack(_)));
    let mut from = span.start;
    let mut most = 0;
    for to in sacks.map(|(at, _)| at).filter(|at| span.contains(at)).chain([span.end]) {
        most = most.max(arrivals.iter().filter(|at| (from..to).contains(*at)).count());
        from = to;
    }
    most
}
