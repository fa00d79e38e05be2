//! Closing data channels.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::watch::{Event, Kind, Side};
use rtcspec_wire::dcep::View;
use rtcspec_wire::dtls::AlertDescription;
use rtcspec_wire::sctp::{Body, OutgoingSsnReset, Parameter, ReconfigResult, RequestSequence};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Channels that are remembered.
const MOST: usize = 4096;
/// How long the other side may take to reset back: what it has sent must be delivered first.
const PATIENCE: Duration = Duration::from_secs(5);

static ABOUT: About = About {
    id: "dc.close",
    level: Level::Violation,
    cites: &[cite(8831, "6.7"), cite(6525, "5.2.2")],
    needs: &[Need::Keys, Need::BothDirections],
    summary: "a channel is closed by resetting both directions of its stream",
    doc: "Fires when one side resets its outgoing stream and the other does not reset its own \
          within five seconds (nor denies the request), or when a stream gets a new channel \
          before both directions were reset. The end of the association closes everything and \
          ends the duty. A side that just falls silent on a channel cannot be told from one that \
          has nothing to say.",
    advice: "answer a reset of the incoming stream by resetting the outgoing one",
    holds: "A resets stream 0, B resets stream 0",
    breaks: "A resets stream 0, B goes on for ten seconds without",
    silent: "no stream was reset",
    hears: &[Hears::Chunk, Hears::Dcep, Hears::Alert],
    scope: Scope::Connection,
};

declare!(Close, State);

#[derive(Debug, Default)]
struct State {
    /// By stream: resets of A and of B, with frame and time.
    resets: BTreeMap<u16, [Option<(u64, Duration)>; 2]>,
    /// Streams with a channel.
    open: BTreeMap<u16, u64>,
    /// The newest request of A and of B: what has no newer number comes again.
    newest: [Option<RequestSequence>; 2],
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Chunk(chunk) => match chunk.body {
                Ok(Body::ReConfig(view)) => {
                    for parameter in view.parameters().take(8) {
                        match Parameter::from_view(&parameter) {
                            Ok(Parameter::OutgoingSsnReset(reset)) => {
                                self.reset(event, &reset, tally);
                            }
                            Ok(Parameter::ReconfigResponse(answer))
                                if answer.result == ReconfigResult::DENIED =>
                            {
                                self.resets.clear();
                            }
                            _ => {}
                        }
                    }
                }
                // The numbers of a new association begin anew.
                Ok(Body::Init(_) | Body::InitAck(_)) => self.newest = [None; 2],
                Ok(
                    Body::Abort(_)
                    | Body::Shutdown(_)
                    | Body::ShutdownAck
                    | Body::ShutdownComplete(_),
                ) => {
                    self.due(scene, tally);
                    self.resets.clear();
                }
                _ => {}
            },
            Kind::Dcep(dcep) if matches!(dcep.view, View::Open(_)) => {
                self.opened(event, dcep.stream.0, tally);
            }
            Kind::Alert(found) => {
                let closes = found
                    .alert
                    .is_ok_and(|alert| alert.description == AlertDescription::CLOSE_NOTIFY);
                if closes {
                    self.due(scene, tally);
                    self.resets.clear();
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        self.due(scene, tally);
    }
}

impl State {
    /// RFC 6525 §5.2.1: a request that comes again has the number it had.
    fn is_new(&mut self, from: Side, number: RequestSequence) -> bool {
        let newest = match from {
            Side::A => &mut self.newest[0],
            Side::B => &mut self.newest[1],
            _ => return false,
        };
        let is_new = newest.is_none_or(|newest| number.is_after(newest));
        if is_new {
            *newest = Some(number);
        }
        is_new
    }

    fn reset(&mut self, event: &Event<'_>, reset: &OutgoingSsnReset, tally: &mut Tally) {
        if !self.is_new(event.from, reset.request) {
            return;
        }
        let side = match event.from {
            Side::A => 0,
            Side::B => 1,
            _ => return,
        };
        for stream in reset.streams.iter().map(|stream| stream.0).take(4096) {
            if self.resets.len() >= MOST && !self.resets.contains_key(&stream) {
                return;
            }
            let both = self.resets.entry(stream).or_default();
            both[side].get_or_insert((event.number, event.at));
            if both.iter().all(Option::is_some) {
                tally.hold();
                self.resets.remove(&stream);
                self.open.remove(&stream);
            }
        }
    }

    fn opened(&mut self, event: &Event<'_>, stream: u16, tally: &mut Tally) {
        if let Some(half) = self.resets.get(&stream)
            && let Some((frame, _)) = half.iter().flatten().next()
            && self.open.contains_key(&stream)
        {
            let frames = [*frame, event.number];
            let seen = format!("stream {stream} opened anew after a reset in one direction");
            tally.find(Spot::of(event, &frames), "both directions reset", seen);
        }
        self.resets.remove(&stream);
        if self.open.len() < MOST {
            self.open.insert(stream, event.number);
        }
    }

    /// Resets that nobody answered in time.
    fn due(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        for (stream, both) in &self.resets {
            let Some(side) = both.iter().position(Option::is_some) else { continue };
            let Some((frame, at)) = both[side] else { continue };
            if scene.now.saturating_sub(at) > PATIENCE {
                let who = if side == 0 { Side::B } else { Side::A }.party();
                let seen = format!("stream {stream} was not reset back");
                let spot = Spot { at, who, frames: &[frame] };
                tally.find(spot, "a reset of the other direction", seen);
            }
        }
    }
}
