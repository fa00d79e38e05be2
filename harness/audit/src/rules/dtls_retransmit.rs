//! Retransmission of DTLS flights.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use rtcspec_trace::watch::{Event, FlowId, Handshake, Kind, Record, Side};
use rtcspec_wire::dtls::{ContentType, HandshakeType};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Below this, two copies are the network's.
const COPY: Duration = Duration::from_millis(40);
/// RFC 6347 §4.2.4.1: one second, less what a capture's clock may be off.
const INITIAL: Duration = Duration::from_millis(950);
/// How long a ClientHello may stay unanswered before its retransmission is missed.
const PATIENCE: Duration = Duration::from_secs(4);
/// Handshake records that are remembered.
const MOST: usize = 64;
/// Handshakes whose ClientHello is remembered.
const MOST_HELLOS: usize = 8;

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
    needs: &[Need::Times],
    summary: "a lost flight is sent again, at doubling intervals, in new records",
    doc: "Fires when a ClientHello stays unanswered for four seconds and is not sent again, when \
          its interval is less than one and a half times the one before, when the same handshake \
          message comes again under another message_seq, or when a handshake record comes again \
          with the same sequence number (a copy within 40 ms is the network's). The numbers of \
          another association begin anew, but a ClientHello is the same wherever it comes again. \
          A first interval below one second is a note: it is a SHOULD, and stacks for media use 50 \
          to 400 ms. Only ClientHellos are timed, before anything comes back: later flights are \
          also sent again in answer to the other side's.",
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
    hellos: BTreeMap<Place, Hello>,
    records: VecDeque<Sent>,
}

/// A transport, and which association on it.
type Place = (FlowId, u32);

/// A handshake record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    from: Side,
    epoch: u64,
    number: u64,
    place: Place,
    /// What it is, if it is a ClientHello.
    hello: Option<u64>,
    at: Duration,
    frame: u64,
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
        for hello in self.hellos.values().filter(|hello| !hello.answered) {
            if hello.interval.is_none() && scene.now.saturating_sub(hello.at) > PATIENCE {
                let spot = Spot { at: hello.at, who: hello.from.party(), frames: &[hello.frame] };
                tally.find(spot, "a retransmission", "an unanswered ClientHello, sent once");
            }
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

impl State {
    fn record(&mut self, event: &Event<'_>, record: &Record<'_>, tally: &mut Tally) {
        let place = (event.flow, record.association);
        for (of, hello) in self.hellos.iter_mut().filter(|(_, hello)| hello.from != event.from) {
            // Each side may use another pair, and what is encrypted may be of the one before.
            hello.answered |= of.1 == place.1 || (of.0 == place.0 && record.epoch == 0);
        }
        let handshake = record.epoch == 0 && record.content_type == Some(ContentType::HANDSHAKE);
        let Some(number) = record.sequence.filter(|_| handshake) else { return };
        let content = record.content.unwrap_or_default();
        let hello =
            (content.first() == Some(&HandshakeType::CLIENT_HELLO.0)).then(|| hash(content));
        let (from, epoch, at, frame) = (event.from, record.epoch, event.at, event.number);
        let sent = Sent { from, epoch, number, place, hello, at, frame };
        let Some(known) = self.records.iter_mut().find(|known| known.is_as(&sent)) else {
            return self.remember(sent);
        };
        if at.saturating_sub(known.at) > COPY {
            let frames = [known.frame, frame];
            let seen = "a handshake record with the sequence number of an earlier one";
            let cite = ABOUT.cites[3];
            tally.find_as(ABOUT.level, cite, Spot::of(event, &frames), "a new number", seen);
        }
        known.at = at;
    }

    fn remember(&mut self, sent: Sent) {
        if self.records.len() >= MOST {
            self.records.pop_front();
        }
        self.records.push_back(sent);
    }

    fn handshake(&mut self, event: &Event<'_>, handshake: &Handshake<'_>, tally: &mut Tally) {
        let hello = handshake.msg_type == HandshakeType::CLIENT_HELLO && handshake.epoch == 0;
        let Some(body) = handshake.message.filter(|_| hello) else { return };
        let (body, message_seq) = (hash(body), handshake.message_seq);
        let same = |known: &&mut Hello| known.body == body && known.from == event.from;
        let Some(known) = self.hellos.values_mut().find(same) else {
            return self.begin(event, handshake.association, body, message_seq);
        };
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
            known.judge(interval, spot, tally);
        }
        (known.at, known.interval) = (event.at, Some(interval));
    }

    fn begin(&mut self, event: &Event<'_>, association: u32, body: u64, message_seq: u16) {
        let place = (event.flow, association);
        if self.hellos.len() >= MOST_HELLOS && !self.hellos.contains_key(&place) {
            self.hellos.pop_first();
        }
        let (from, at, frame) = (event.from, event.at, event.number);
        let (interval, answered) = (None, false);
        let hello = Hello { from, body, message_seq, at, frame, interval, answered };
        self.hellos.insert(place, hello);
    }
}

impl Sent {
    /// Whether it is another one come again.
    fn is_as(&self, other: &Self) -> bool {
        let number = |sent: &Self| (sent.from, sent.epoch, sent.number);
        let same_hello = self.hello.is_some() && self.hello == other.hello;
        number(self) == number(other) && (self.place == other.place || same_hello)
    }
}

impl Hello {
    /// The time since it was sent before, while nothing came back.
    fn judge(&self, interval: Duration, spot: Spot<'_>, tally: &mut Tally) {
        match self.interval {
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
}

#[cfg(test)]
mod tests {
    use crate::trial::{Trial, a, b, check, client_hello, handshake, server_hello};

    const ID: &str = "dtls.retransmit";

    fn trial() -> Trial {
        let mut trial = Trial::default();
        trial.stun(0, (a(5000), b(6000)), &check(1, "bbbb:aaaa", true, 1));
        trial.stun(10, (a(5002), b(6002)), &check(2, "bbbb:aaaa", true, 1));
        trial
    }

    #[test]
    fn numbers_begin_anew_with_another_association_and_on_another_transport() {
        let mut trial = trial();
        for random in 0..2 {
            let at = 1000 + 5000 * u64::from(random);
            let hello = handshake(0, 1, &client_hello(random, &[]));
            trial.udp(at, (a(5000), b(6000)), &hello);
            trial.udp(at + 20, (b(6000), a(5000)), &handshake(0, 2, &server_hello(random)));
        }
        trial.udp(8000, (a(5002), b(6002)), &handshake(0, 1, &client_hello(7, &[])));
        trial.udp(8100, (b(6002), a(5002)), &handshake(0, 2, &server_hello(7)));
        assert_eq!(trial.of(ID), (Vec::new(), 0));
    }

    #[test]
    fn every_client_hello_that_is_not_answered_is_sent_again() {
        let mut trial = trial();
        trial.udp(1000, (a(5000), b(6000)), &handshake(0, 1, &client_hello(1, &[])));
        trial.udp(1020, (b(6000), a(5000)), &handshake(0, 2, &server_hello(1)));
        trial.udp(1500, (a(5002), b(6002)), &handshake(0, 1, &client_hello(2, &[])));
        trial.udp(9000, (b(6000), a(5000)), &handshake(1, 14, &[]));
        let seen = "an unanswered ClientHello, sent once".to_owned();
        assert_eq!(trial.seen_by(ID), [(seen, vec![5])]);
    }

    #[test]
    fn a_client_hello_in_the_record_it_was_in_is_one_wherever_it_comes_again() {
        let mut trial = trial();
        let hello = handshake(0, 1, &client_hello(1, &[]));
        trial.udp(1000, (a(5000), b(6000)), &hello);
        trial.udp(1020, (b(6000), a(5000)), &handshake(0, 2, &server_hello(1)));
        trial.udp(3000, (a(5002), b(6002)), &hello);
        let seen = "a handshake record with the sequence number of an earlier one".to_owned();
        assert_eq!(trial.seen_by(ID), [(seen, vec![3, 5])]);
    }
}
