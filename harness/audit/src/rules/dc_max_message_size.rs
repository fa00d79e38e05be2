//! `a=max-message-size`.

use rtcspec_trace::watch::{Event, Kind};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dc.max-message-size",
    level: Level::Violation,
    cites: &[cite(8841, "6.1"), cite(8841, "6")],
    needs: &[Need::Signalling, Need::Keys],
    summary: "no message is longer than the other side's a=max-message-size",
    doc: "Fires when a whole message, all fragments together, is longer than what the receiver \
          signalled: 64K if it signalled nothing, any length if zero.",
    advice: "refuse to send what the other side does not take",
    holds: "20000 bytes to a side that takes 65536",
    breaks: "20000 bytes to a side that takes 1200",
    silent: "no message could be compared with a description",
    hears: &[Hears::Message],
    scope: Scope::Connection,
};

declare!(MaxMessageSize, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Message(message) = &event.kind else { return };
        let Some(receiver) = event.from.party().map(rtcspec_trace::Party::other) else { return };
        let Some(most) = scene.book.max_message_size(receiver) else { return };
        match most {
            Some(most) if message.length > most => {
                let frames = [message.first_number, event.number];
                let seen = format!("{} bytes", message.length);
                tally.find(Spot::of(event, &frames), format!("at most {most} bytes"), seen);
            }
            _ => tally.hold(),
        }
    }
}
