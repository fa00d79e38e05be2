//! Payload types of RTP.

use rtcspec_trace::watch::{Event, Kind};

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "rtp.payload-type",
    level: Level::Violation,
    cites: &[cite(5761, "4"), cite(3264, "6.1")],
    needs: &[],
    summary: "RTP has a payload type that was signalled, and none of 64-95 with rtcp-mux",
    doc: "Fires when an RTP packet has a payload type of 64 to 95, which with rtcp-mux cannot be \
          told from RTCP, or one that no description of the session lists for RTP. All \
          descriptions count, earlier ones too: late packets around a renegotiation are fine. \
          Without descriptions only the range is judged. RTP on its own port may use 64 to 95: \
          sections without rtcp-mux are not judged by range.",
    advice: "take dynamic payload types from 96 to 127, then from 35 to 63",
    holds: "payload type 111, signalled as opus",
    breaks: "payload type 77",
    silent: "there is no RTP",
    hears: &[Hears::Rtp],
    scope: Scope::Connection,
};

declare!(PayloadTypes, State);

/// Payload types signalled so far, and of how many descriptions.
#[derive(Debug, Default)]
struct State {
    known: u128,
    read: usize,
    mux: bool,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Rtp(rtp) = &event.kind else { return };
        let Some(payload_type) = rtp.view.payload_type() else { return };
        self.learn(scene.book);
        let number = payload_type.get();
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let muxed = self.mux || scene.book.is_empty();
        if (64..=95).contains(&number) && muxed {
            tally.find(spot, "none of 64-95 with rtcp-mux", format!("payload type {number}"));
        } else if self.known != 0 && self.known & (1 << number) == 0 {
            let seen = format!("payload type {number}, which no description lists");
            tally.find_as(ABOUT.level, ABOUT.cites[1], spot, "one that was signalled", seen);
        } else {
            tally.hold();
        }
    }
}

impl State {
    fn learn(&mut self, book: &Book) {
        if book.total == self.read {
            return;
        }
        self.read = book.total;
        for media in book.descriptions.iter().flat_map(|description| &description.media) {
            self.mux |= media.mux;
            for number in media.payload_types.iter().filter(|number| **number < 128) {
                self.known |= 1 << number;
            }
        }
    }
}
