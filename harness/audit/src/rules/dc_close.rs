//! Closing data channels.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_trace::watch::{Event, Kind, Side};
use rtcspec_wire::dcep::View;
use rtcspec_wire::dtls::AlertDescription;
use rtcspec_wire::sctp::{
    Body, FragmentPosition, Parameter, Parameters, Ppid, ReconfigResponse, ReconfigResult,
    RequestSequence,
};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight::{Associations, index};
use crate::tally::{Spot, Tally};

/// Channels that are remembered.
const MOST: usize = 4096;
/// How long the other side may take to reset back: what it has sent must be delivered first.
const PATIENCE: Duration = Duration::from_secs(5);
/// RFC 6525 §4.4: what was asked for was not done, and will not be.
const REFUSALS: [ReconfigResult; 4] = [
    ReconfigResult::DENIED,
    ReconfigResult::WRONG_SSN,
    ReconfigResult::REQUEST_IN_PROGRESS,
    ReconfigResult::BAD_SEQUENCE_NUMBER,
];

static ABOUT: About = About {
    id: "dc.close",
    level: Level::Violation,
    cites: &[cite(8831, "6.7"), cite(6525, "5.2.2")],
    needs: &[Need::Keys, Need::BothDirections, Need::Times],
    summary: "a channel is closed by resetting both directions of its stream",
    doc: "Fires when one side resets its outgoing stream and the other has not reset its own when \
          the association or the capture ends, more than five seconds later, and has not refused \
          that request; how late it may be is written nowhere. It fires when a stream gets a new \
          channel before both directions were reset, too. A request that lists no streams resets \
          all. The end of the association closes everything and ends the duty. A side that just \
          falls silent on a channel cannot be told from one that has nothing to say.",
    advice: "answer a reset of the incoming stream by resetting the outgoing one",
    holds: "A resets stream 0, B resets stream 0",
    breaks: "A resets stream 0, B goes on for ten seconds without",
    silent: "no stream was reset",
    hears: &[Hears::Chunk, Hears::Dcep, Hears::Alert, Hears::DtlsReady],
    scope: Scope::Connection,
};

declare!(Close, State);

#[derive(Debug, Default)]
struct State {
    associations: Associations,
    /// By stream: resets of A and of B.
    resets: BTreeMap<u16, [Option<Reset>; 2]>,
    /// The last reset of all streams, by A and by B.
    all: [Option<Reset>; 2],
    /// Streams that a channel was opened on.
    open: BTreeSet<u16>,
    /// Streams in use, and the first frame that shows it.
    used: BTreeMap<u16, u64>,
    /// The newest request of A and of B: what has no newer number comes again.
    newest: [Option<RequestSequence>; 2],
}

/// A side's request to reset its outgoing streams.
#[derive(Clone, Copy, Debug)]
struct Reset {
    request: RequestSequence,
    frame: u64,
    at: Duration,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if self.associations.change(event) {
            self.over(scene, tally);
            // The numbers of a new association begin anew.
            self.newest = [None; 2];
        } else if closes(event) {
            self.over(scene, tally);
        }
        match &event.kind {
            Kind::Chunk(chunk) => match chunk.body {
                Ok(Body::ReConfig(view)) => self.reconfig(event, view.parameters(), tally),
                Ok(Body::Data(data)) if data.ppid != Ppid::DCEP && !chunk.again => {
                    self.uses(data.stream.0, event.number);
                }
                Ok(Body::IData(data)) if !chunk.again => {
                    if matches!(data.position, FragmentPosition::First(ppid) if ppid != Ppid::DCEP)
                    {
                        self.uses(data.stream.0, event.number);
                    }
                }
                _ => {}
            },
            Kind::Dcep(dcep) if matches!(dcep.view, View::Open(_)) => {
                self.opened(event, dcep.stream.0, tally);
            }
            _ => {}
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        self.due(scene, tally);
    }
}

/// Whether an event closes all channels at once.
fn closes(event: &Event<'_>) -> bool {
    match &event.kind {
        Kind::Chunk(chunk) => matches!(chunk.body, Ok(Body::Shutdown(_))),
        Kind::Alert(found) => {
            found.alert.is_ok_and(|alert| alert.description == AlertDescription::CLOSE_NOTIFY)
        }
        _ => false,
    }
}

impl State {
    /// No channel is left.
    fn over(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        self.due(scene, tally);
        self.resets.clear();
        self.all = [None; 2];
        self.open.clear();
        self.used.clear();
    }

    fn uses(&mut self, stream: u16, frame: u64) {
        if self.used.len() < MOST {
            self.used.entry(stream).or_insert(frame);
        }
    }

    fn reconfig(&mut self, event: &Event<'_>, parameters: Parameters<'_>, tally: &mut Tally) {
        let Some(side) = event.from.party().map(index) else { return };
        for parameter in parameters.take(8) {
            match Parameter::from_view(&parameter) {
                Ok(Parameter::OutgoingSsnReset(asked)) => {
                    let request = asked.request;
                    let reset = Reset { request, frame: event.number, at: event.at };
                    if self.is_new(side, request) {
                        let streams = asked.streams.iter().map(|stream| stream.0).take(MOST);
                        self.reset(side, reset, streams.collect(), tally);
                    }
                }
                Ok(Parameter::ReconfigResponse(answer)) => self.answered(1 - side, answer),
                _ => {}
            }
        }
    }

    /// RFC 6525 §5.2.1: a request that comes again has the number it had.
    fn is_new(&mut self, side: usize, number: RequestSequence) -> bool {
        let newest = &mut self.newest[side];
        let is_new = newest.is_none_or(|newest| number.is_after(newest));
        if is_new {
            *newest = Some(number);
        }
        is_new
    }

    fn reset(&mut self, side: usize, reset: Reset, mut streams: Vec<u16>, tally: &mut Tally) {
        // RFC 6525 §4.1: none listed means all.
        if streams.is_empty() {
            self.all[side] = Some(reset);
            let known: BTreeSet<u16> =
                self.used.keys().chain(self.resets.keys()).copied().collect();
            streams.extend(known);
        }
        for stream in streams {
            if self.resets.len() >= MOST && !self.resets.contains_key(&stream) {
                return;
            }
            let used = self.used.get(&stream).copied().unwrap_or_default();
            let by_all = self.all[1 - side].is_some_and(|all| used < all.frame);
            let both = self.resets.entry(stream).or_default();
            both[side].get_or_insert(reset);
            if by_all || both[1 - side].is_some() {
                tally.hold();
                self.resets.remove(&stream);
                self.open.remove(&stream);
                self.used.remove(&stream);
            }
        }
    }

    /// A request that is refused has reset nothing.
    fn answered(&mut self, side: usize, answer: ReconfigResponse) {
        if !REFUSALS.contains(&answer.result) {
            return;
        }
        let is_it = |reset: Reset| reset.request == answer.response;
        if self.all[side].is_some_and(is_it) {
            self.all[side] = None;
        }
        self.resets.retain(|_, both| {
            if both[side].is_some_and(is_it) {
                both[side] = None;
            }
            both.iter().any(Option::is_some)
        });
    }

    fn opened(&mut self, event: &Event<'_>, stream: u16, tally: &mut Tally) {
        if let Some(half) = self.resets.get(&stream)
            && let Some(reset) = half.iter().flatten().next()
            && self.open.contains(&stream)
        {
            let frames = [reset.frame, event.number];
            let seen = format!("stream {stream} opened anew after a reset in one direction");
            tally.find(Spot::of(event, &frames), "both directions reset", seen);
        }
        self.resets.remove(&stream);
        if self.open.len() < MOST {
            self.open.insert(stream);
        }
        if self.used.len() < MOST {
            self.used.insert(stream, event.number);
        }
    }

    /// Resets that nobody answered in time.
    fn due(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        for (stream, both) in &self.resets {
            let Some(side) = both.iter().position(Option::is_some) else { continue };
            let Some(Reset { frame, at, .. }) = both[side] else { continue };
            if scene.now.saturating_sub(at) > PATIENCE {
                let who = if side == 0 { Side::B } else { Side::A }.party();
                let seen = format!("stream {stream} was not reset back");
                let spot = Spot { at, who, frames: &[frame] };
                tally.find(spot, "a reset of the other direction", seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Party::{A, B};

    use crate::trial::{OPEN, Trial, chunk, data, reset, response};

    const ID: &str = "dc.close";

    /// An association with data on stream 1.
    fn trial() -> Trial {
        let mut trial = Trial::default();
        trial.associate(0, (0x11, 0x22), &[]);
        trial.sctp(100, A, 0x22, &[data(100, 1, 51, b"x")]);
        trial
    }

    fn goes_on(mut trial: Trial, millis: u64) -> (Vec<String>, u64) {
        trial.sctp(millis, A, 0x22, &[chunk(4, 0, &[0, 1, 0, 4])]);
        let (found, held) = trial.of(ID);
        (found.into_iter().map(|finding| finding.seen).collect(), held)
    }

    #[test]
    fn a_request_without_a_list_resets_all_streams() {
        let mut answered = trial();
        answered.sctp(200, A, 0x22, &[reset(100, &[1])]);
        answered.sctp(300, B, 0x11, &[reset(500, &[])]);
        assert_eq!(goes_on(answered, 7000), (Vec::new(), 1));
        let mut first = trial();
        first.sctp(200, A, 0x22, &[reset(100, &[])]);
        first.sctp(300, B, 0x11, &[reset(500, &[1])]);
        assert_eq!(goes_on(first, 7000), (Vec::new(), 1));
        let mut unanswered = trial();
        unanswered.sctp(200, A, 0x22, &[reset(100, &[])]);
        unanswered.sctp(300, B, 0x11, &[response(100, 1)]);
        let seen = vec!["stream 1 was not reset back".to_owned()];
        assert_eq!(goes_on(unanswered, 7000), (seen, 0));
    }

    #[test]
    fn a_refusal_is_of_the_request_that_it_answers() {
        let mut other = trial();
        other.sctp(200, A, 0x22, &[reset(100, &[1])]);
        other.sctp(300, B, 0x11, &[response(100, 1)]);
        other.sctp(400, B, 0x11, &[reset(500, &[9])]);
        other.sctp(500, A, 0x22, &[response(500, 2)]);
        let seen = vec!["stream 1 was not reset back".to_owned()];
        assert_eq!(goes_on(other, 30_000), (seen, 0));
        let mut own = trial();
        own.sctp(200, A, 0x22, &[reset(100, &[1])]);
        own.sctp(300, B, 0x11, &[response(100, 2)]);
        assert_eq!(goes_on(own, 30_000), (Vec::new(), 0));
    }

    #[test]
    fn a_late_answer_is_one() {
        let mut trial = trial();
        trial.sctp(200, A, 0x22, &[reset(100, &[1])]);
        trial.sctp(20_000, B, 0x11, &[reset(500, &[1])]);
        assert_eq!(goes_on(trial, 30_000), (Vec::new(), 1));
    }

    #[test]
    fn another_association_has_nothing_to_close() {
        let mut trial = trial();
        trial.sctp(150, A, 0x22, &[data(101, 0, 50, OPEN)]);
        trial.sctp(200, A, 0x22, &[reset(100, &[0])]);
        trial.associate(300, (0x33, 0x44), &[]);
        trial.sctp(400, A, 0x44, &[data(100, 0, 50, OPEN)]);
        assert_eq!(goes_on(trial, 30_000), (Vec::new(), 0));
    }
}
