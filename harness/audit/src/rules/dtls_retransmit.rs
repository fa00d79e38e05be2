//! Retransmission of DTLS flights.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use rtcspec_trace::watch::{Event, Handshake, Kind, Record, Side};
use rtcspec_wire::dtls::{ContentType, HandshakeType};

use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Below this, two copies are the network's.
const COPY: Duration = Duration::from_millis(40);
/// RFC 6347 §4.2.4.1: one second, less what a capture's clock may be off.
const INITIAL: Duration = Duration::from_millis(950);
/// How long a ClientHello may stay unanswered before its retransmission is missed.
const PATIENCE: Duration = Duration::from_secs(4);
/// Handshake records that are remembered.
const MOST: usize = 64;

static ABOUT: About = About {
    id: "dtls.retransmit",
    level: Level::Warning,
    cites: &[
        cite(6347, "4.2.4"),
        cite(6347, "4.2.4.1"),
        cite(6347, "4.2.2"),
        cite(6347, "4.1.2.6"),
        cite(9147, "5.8.2"),
    ],
    needs: &[],
    summary: "a lost flight is sent again, at doubling intervals, in new records",
    doc: "Fires when a ClientHello stays unanswered for four seconds and is not sent again, when \
          its interval is less than one and a half times the one before, when the same handshake \
          message comes again under another message_seq, or when a handshake record comes again \
          with the same sequence number (a copy within 40 ms is the network's). A first interval \
          below one second is a note: it is a SHOULD, and stacks for media use 50 to 400 ms. Only \
          ClientHellos are timed, before anything comes back: later flights are also sent again \
          in answer to the other side's.",
    advice: "start at 1 s, double, keep message_seq, take a new record sequence number",
    holds: "the ClientHello again after 1 s and 3 s",
    breaks: "the ClientHello is sent again in a record with the same sequence number",
    silent: "no flight was lost or sent again",
    hears: &[Hears::Handshake, Hears::Record],
    scope: Scope::Connection,
};

declare!(Retransmit, State);

#[derive(Debug, Default)]
struct State {
    hello: Option<Hello>,
    /// Side, epoch, number, time, frame of handshake records.
    records: VecDeque<(Side, u64, u64, Duration, u64)>,
}

#[derive(Debug)]
struct Hello {
    from: Side,
    body: u64,
    message_seq: u16,
    at: Duration,
    frame: u64,
    interval: Option<Duration>,
    answered: bool,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Record(record) => self.record(event, record, tally),
            Kind::Handshake(handshake) => self.handshake(event, handshake, tally),
            _ => {}
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        let Some(hello) = self.hello.as_ref().filter(|hello| !hello.answered) else { return };
        if hello.interval.is_none() && scene.now.saturating_sub(hello.at) > PATIENCE {
            let spot = Spot { at: hello.at, who: hello.from.party(), frames: &[hello.frame] };
            tally.find(spot, "a retransmission", "an unanswered ClientHello, sent once");
        }
    }
}

impl State {
    fn record(&mut self, event: &Event<'_>, record: &Record<'_>, tally: &mut Tally) {
        if let Some(hello) = &mut self.hello
            && event.from != hello.from
        {
            hello.answered = true;
        }
        let handshake = record.epoch == 0 && record.content_type == Some(ContentType::HANDSHAKE);
        let Some(number) = record.sequence.filter(|_| handshake) else { return };
        let key = (event.from, record.epoch, number);
        let known = self.records.iter_mut().find(|known| (known.0, known.1, known.2) == key);
        if let Some((_, _, _, at, frame)) = known {
            if event.at.saturating_sub(*at) > COPY {
                let frames = [*frame, event.number];
                let seen = "a handshake record with the sequence number of an earlier one";
                let cite = ABOUT.cites[3];
                tally.find_as(ABOUT.level, cite, Spot::of(event, &frames), "a new number", seen);
            }
            *at = event.at;
            return;
        }
        if self.records.len() >= MOST {
            self.records.pop_front();
        }
        self.records.push_back((event.from, record.epoch, number, event.at, event.number));
    }

    fn handshake(&mut self, event: &Event<'_>, handshake: &Handshake<'_>, tally: &mut Tally) {
        let hello = handshake.msg_type == HandshakeType::CLIENT_HELLO && handshake.epoch == 0;
        let Some(body) = handshake.message.filter(|_| hello) else { return };
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let body = hasher.finish();
        let message_seq = handshake.message_seq;
        let Some(known) = &mut self.hello else { return self.begin(event, body, message_seq) };
        if known.body != body || known.from != event.from {
            return self.begin(event, body, message_seq);
        }
        let interval = event.at.saturating_sub(known.at);
        if interval < COPY {
            return;
        }
        let frames = [known.frame, event.number];
        let spot = Spot::of(event, &frames);
        if known.message_seq != message_seq {
            let seen = "the same ClientHello under another message_seq";
            let cite = ABOUT.cites[2];
            tally.find_as(ABOUT.level, cite, spot, "the same message_seq", seen);
        } else if !known.answered {
            match known.interval {
                None if interval < INITIAL => {
                    let bound = interval.as_millis().div_ceil(100) * 100;
                    let seen = format!("the ClientHello again after less than {bound} ms");
                    tally.find_as(Level::Note, ABOUT.cites[1], spot, "one second or more", seen);
                }
                Some(before) if interval * 2 < before * 3 && before < Duration::from_secs(55) => {
                    let seen = "an interval that did not double";
                    tally.find_as(ABOUT.level, ABOUT.cites[1], spot, "doubling intervals", seen);
                }
                _ => tally.hold(),
            }
        }
        (known.at, known.interval) = (event.at, Some(interval));
    }

    fn begin(&mut self, event: &Event<'_>, body: u64, message_seq: u16) {
        self.hello = Some(Hello {
            from: event.from,
            body,
            message_seq,
            at: event.at,
            frame: event.number,
            interval: None,
            answered: false,
        });
    }
}
