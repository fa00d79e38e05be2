//! What INIT and INIT ACK announce.

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::sctp::{Body, ChunkType, InitView, ParameterType};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "sctp.streams",
    level: Level::Violation,
    cites: &[cite(8831, "6.1"), cite(8831, "6.2")],
    needs: &[Need::Keys],
    summary: "INIT and INIT ACK announce RE-CONFIG, partial reliability and 65535 streams",
    doc: "Fires when Supported Extensions has no RE-CONFIG: RFC 8831 §6.1 makes it a MUST to \
          support stream resets and to signal them that way (the design note had a warning). A \
          missing FORWARD-TSN, in the list or as a parameter of its own, is a warning: support is \
          a MUST, how to announce it is left open. Fewer than 65535 streams is a SHOULD of §6.2, \
          which many stacks miss with 1024 and more without harm: a note.",
    advice: "list chunk types 130 and 192 in Supported Extensions, ask for 65535 streams",
    holds: "65535 streams, extensions 130 and 192",
    breaks: "an INIT without Supported Extensions",
    silent: "no INIT could be read",
    hears: &[Hears::Chunk],
    scope: Scope::Connection,
};

declare!(Streams, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Chunk(chunk) = &event.kind else { return };
        let (init, name) = match chunk.body {
            Ok(Body::Init(init)) => (init, "INIT"),
            Ok(Body::InitAck(init)) => (init, "INIT ACK"),
            _ => return,
        };
        judge(event, init, name, tally);
    }
}

fn judge(event: &Event<'_>, init: InitView<'_>, name: &str, tally: &mut Tally) {
    let frames = [event.number];
    let spot = Spot::of(event, &frames);
    let has = |ty: ChunkType| init.supported_extensions().contains(&ty.0);
    let partial = has(ChunkType::FORWARD_TSN)
        || init.parameter(ParameterType::FORWARD_TSN_SUPPORTED).is_some();
    let mut good = true;
    if !has(ChunkType::RE_CONFIG) {
        good = false;
        tally.find(spot, "RE-CONFIG in Supported Extensions", format!("{name} without it"));
    }
    if !partial {
        good = false;
        let seen = format!("{name} without it");
        tally.find_as(Level::Warning, ABOUT.cites[0], spot, "FORWARD-TSN announced", seen);
    }
    let streams = init.outbound_streams.min(init.inbound_streams);
    if streams < 65_535 {
        good = false;
        let seen = format!("{name} with {streams} streams");
        tally.find_as(Level::Note, ABOUT.cites[1], spot, "65535 streams", seen);
    }
    if good {
        tally.hold();
    }
}
