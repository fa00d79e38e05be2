//! `DATA_CHANNEL_OPEN`.

use std::collections::BTreeMap;

use rtcspec_trace::watch::{Dcep, DtlsRole, Event, Kind, Side};
use rtcspec_wire::dcep::View;
use rtcspec_wire::sctp::{Body, Parameter, Parameters};

use crate::hears::Hears;
use crate::rule::{About, Cite, Level, Need, Scene, Scope, Watch, cite};
use crate::sight::Associations;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dcep.open",
    level: Level::Violation,
    cites: &[cite(8832, "6"), cite(8832, "5.1"), cite(8832, "4")],
    needs: &[Need::Keys],
    summary: "DATA_CHANNEL_OPEN takes a free stream of its side's parity, in order, well-formed",
    doc: "Fires when the DTLS client opens an odd stream or the server an even one, when the \
          stream already has a channel or is 65535, when the label or protocol lengths do not fit \
          the message, when Reliability is not zero on a reliable channel, when the channel type \
          is none of the six, or when DCEP is sent unordered. A reset of a stream, which all are \
          if a request lists none, and another association make streams free. Negotiated channels \
          send no DCEP and are not judged.",
    advice: "client even, server odd; lengths count bytes of UTF-8",
    holds: "the DTLS client opens stream 0 with type 0x00, reliability 0",
    breaks: "the DTLS client opens stream 1",
    silent: "no channel was opened by DCEP",
    hears: &[Hears::Dcep, Hears::Chunk, Hears::DtlsReady],
    scope: Scope::Connection,
};

declare!(Open, State);

#[derive(Debug, Default)]
struct State {
    associations: Associations,
    /// Streams with a channel: who opened it and in which frame.
    open: BTreeMap<u16, (Side, u64)>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        if self.associations.change(event) {
            self.open.clear();
        }
        match &event.kind {
            Kind::Dcep(dcep) => self.dcep(event, dcep, tally),
            Kind::Chunk(chunk) => {
                if let Ok(Body::ReConfig(view)) = chunk.body {
                    self.reset(view.parameters());
                }
            }
            _ => {}
        }
    }
}

impl State {
    /// A reset in either direction begins the end of a channel; what may be done with the stream
    /// before the other direction is reset is another rule's business.
    fn reset(&mut self, parameters: Parameters<'_>) {
        for parameter in parameters.take(8) {
            let Ok(Parameter::OutgoingSsnReset(reset)) = Parameter::from_view(&parameter) else {
                continue;
            };
            if reset.streams.is_empty() {
                self.open.clear();
            }
            for stream in &reset.streams {
                self.open.remove(&stream.0);
            }
        }
    }

    fn dcep(&mut self, event: &Event<'_>, dcep: &Dcep<'_>, tally: &mut Tally) {
        let stream = dcep.stream.0;
        let frames = [event.number];
        let mut spot = Spot::of(event, &frames);
        let with_earlier;
        let fault = if dcep.unordered {
            Some(("DCEP in order", "DCEP sent unordered".to_owned(), ABOUT.cites[0]))
        } else if !matches!(dcep.view, View::Open(_)) {
            None
        } else if let Some((_, frame)) = self.open.get(&stream) {
            with_earlier = [*frame, event.number];
            spot.frames = &with_earlier;
            Some(("a free stream", format!("stream {stream} is in use"), ABOUT.cites[0]))
        } else {
            parity(dcep).or_else(|| form(dcep))
        };
        if let Some((expected, seen, cite)) = fault {
            tally.find_as(ABOUT.level, cite, spot, expected, seen);
        } else {
            tally.hold();
        }
        if matches!(dcep.view, View::Open(_)) {
            self.open.entry(stream).or_insert((event.from, event.number));
        }
    }
}

/// RFC 8832 §6: even for the DTLS client, odd for the server.
fn parity(dcep: &Dcep<'_>) -> Option<(&'static str, String, Cite)> {
    let stream = dcep.stream.0;
    if stream == u16::MAX {
        return Some(("a stream below 65535", "stream 65535".to_owned(), ABOUT.cites[0]));
    }
    let (odd, who) = match dcep.role? {
        DtlsRole::Client => (false, "client"),
        DtlsRole::Server => (true, "server"),
    };
    let wrong = (stream % 2 == 1) != odd;
    let expected = if odd { "an odd stream" } else { "an even stream" };
    wrong.then(|| (expected, format!("the DTLS {who} opens stream {stream}"), ABOUT.cites[0]))
}

fn form(dcep: &Dcep<'_>) -> Option<(&'static str, String, Cite)> {
    let View::Open(open) = dcep.view else { return None };
    let cite = ABOUT.cites[1];
    let Some(ty) = open.channel_type() else {
        return Some(("twelve bytes and more", "a truncated OPEN".to_owned(), cite));
    };
    if open.protocol().is_none() || open.trailing().is_some_and(|rest| !rest.is_empty()) {
        let seen = format!(
            "label {:?} and protocol {:?} bytes in {}",
            open.label_length().unwrap_or_default(),
            open.protocol_length().unwrap_or_default(),
            open.bytes().len()
        );
        return Some(("lengths that fit the message", seen, cite));
    }
    let reliability = open.reliability().unwrap_or_default();
    match ty & 0x7f {
        0 if reliability != 0 => {
            Some(("Reliability 0", format!("Reliability {reliability} on type {ty:#04x}"), cite))
        }
        0..=2 => None,
        _ => Some(("one of six channel types", format!("channel type {ty:#04x}"), cite)),
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Party;

    use crate::trial::{OPEN, Trial, chunk, data, reset};

    const ID: &str = "dcep.open";

    #[test]
    fn another_association_has_all_its_streams_free() {
        let mut trial = Trial::default();
        trial.associate(0, (0x11, 0x22), &[]);
        trial.sctp(100, Party::A, 0x22, &[data(100, 0, 50, OPEN)]);
        trial.sctp(200, Party::A, 0x22, &[chunk(6, 0, &[])]);
        trial.associate(300, (0x33, 0x44), &[]);
        trial.sctp(400, Party::A, 0x44, &[data(100, 0, 50, OPEN)]);
        assert_eq!(trial.of(ID), (Vec::new(), 2));
    }

    #[test]
    fn an_association_without_an_end_is_followed_by_another() {
        let mut trial = Trial::default();
        trial.associate(0, (0x11, 0x22), &[]);
        trial.sctp(100, Party::A, 0x22, &[data(100, 0, 50, OPEN)]);
        trial.associate(300, (0x33, 0x44), &[]);
        trial.sctp(400, Party::A, 0x44, &[data(100, 0, 50, OPEN)]);
        assert_eq!(trial.of(ID), (Vec::new(), 2));
    }

    #[test]
    fn a_reset_without_a_list_frees_every_stream() {
        let mut trial = Trial::default();
        trial.associate(0, (0x11, 0x22), &[]);
        trial.sctp(100, Party::A, 0x22, &[data(100, 0, 50, OPEN)]);
        trial.sctp(200, Party::A, 0x22, &[reset(100, &[])]);
        trial.sctp(300, Party::A, 0x22, &[data(101, 0, 50, OPEN)]);
        trial.sctp(400, Party::A, 0x22, &[data(102, 0, 50, OPEN)]);
        let seen = trial.seen_by(ID);
        assert_eq!(seen, [("stream 0 is in use".to_owned(), vec![7, 8])]);
    }
}
