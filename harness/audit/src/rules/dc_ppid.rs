//! Payload protocol identifiers of user data.

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::sctp::Body;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dc.ppid",
    level: Level::Violation,
    cites: &[cite(8831, "6.6"), cite(8831, "8"), cite(9260, "3.3.1")],
    needs: &[Need::Keys],
    summary: "user data has PPID 51, 53, 56 or 57, and an empty message is one byte of 56 or 57",
    doc: "Fires when a message has a PPID other than 50 (DCEP), 51, 53, 56 and 57, or when a DATA \
          chunk has no user data at all. 52 and 54, partial messages, are deprecated: a warning. \
          An empty message (56, 57) of another length than one byte is a warning too: RFC 8831 \
          §6.6 says one zero byte, and that receivers ignore it.",
    advice: "51 for text, 53 for bytes, 56 and 57 with one zero byte for empty ones",
    holds: "text as 51, an empty text as 56 with one byte",
    breaks: "text with PPID 0",
    silent: "no message could be read",
    hears: &[Hears::Message, Hears::Chunk],
    scope: Scope::Connection,
};

declare!(PpidRule, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        match &event.kind {
            Kind::Message(message) => match message.ppid.0 {
                50 => {}
                51 | 53 => tally.hold(),
                56 | 57 if message.length == 1 => tally.hold(),
                ppid @ (56 | 57) => {
                    let seen = format!("{} bytes with PPID {ppid}", message.length);
                    tally.find_as(Level::Warning, ABOUT.cites[0], spot, "one zero byte", seen);
                }
                ppid @ (52 | 54) => {
                    let seen = format!("PPID {ppid}, deprecated partial messages");
                    tally.find_as(Level::Warning, ABOUT.cites[0], spot, "51 or 53", seen);
                }
                ppid => tally.find(spot, "51, 53, 56 or 57", format!("PPID {ppid}")),
            },
            Kind::Chunk(chunk) => {
                let empty = match chunk.body {
                    Ok(Body::Data(data)) => data.payload.is_empty(),
                    Ok(Body::IData(data)) => data.payload.is_empty(),
                    _ => false,
                };
                if empty {
                    let cite = ABOUT.cites[2];
                    let seen = "a DATA chunk without user data";
                    tally.find_as(ABOUT.level, cite, spot, "one byte or more", seen);
                }
            }
            _ => {}
        }
    }
}
