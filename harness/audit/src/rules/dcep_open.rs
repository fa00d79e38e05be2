//! `DATA_CHANNEL_OPEN`.

use std::collections::BTreeMap;

use rtcspec_trace::watch::{Dcep, DtlsRole, Event, Kind, Side};
use rtcspec_wire::dcep::View;
use rtcspec_wire::sctp::{Body, Parameter};

use crate::hears::Hears;
use crate::rule::{About, Cite, Level, Need, Scene, Scope, Watch, cite};
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
          is none of the six, or when DCEP is sent unordered. Negotiated channels send no DCEP and \
          are not judged.",
    advice: "client even, server odd; lengths count bytes of UTF-8",
    holds: "the DTLS client opens stream 0 with type 0x00, reliability 0",
    breaks: "the DTLS client opens stream 1",
    silent: "no channel was opened by DCEP",
    hears: &[Hears::Dcep, Hears::Chunk],
    scope: Scope::Connection,
};

declare!(Open, State);

/// Streams with a channel: who opened it and in which frame.
#[derive(Debug, Default)]
struct State(BTreeMap<u16, (Side, u64)>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Dcep(dcep) => self.dcep(event, dcep, tally),
            // A reset in either direction begins the end of a channel; what may be done with the
            // stream before the other direction is reset is another rule's business.
            Kind::Chunk(chunk) => {
                if let Ok(Body::ReConfig(view)) = chunk.body {
                    for parameter in view.parameters().take(8) {
                        if let Ok(Parameter::OutgoingSsnReset(reset)) =
                            Parameter::from_view(&parameter)
                        {
                            if reset.streams.is_empty() {
                                self.0.clear();
                            }
                            reset.streams.iter().for_each(|stream| {
                                self.0.remove(&stream.0);
                            });
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

impl State {
    fn dcep(&mut self, event: &Event<'_>, dcep: &Dcep<'_>, tally: &mut Tally) {
        let stream = dcep.stream.0;
        let frames = [event.number];
        let mut spot = Spot::of(event, &frames);
        let with_earlier;
        let fault = if dcep.unordered {
            Some(("DCEP in order", "DCEP sent unordered".to_owned(), ABOUT.cites[0]))
        } else if !matches!(dcep.view, View::Open(_)) {
            None
        } else if let Some((_, frame)) = self.0.get(&stream) {
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
            self.0.entry(stream).or_insert((event.from, event.number));
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
