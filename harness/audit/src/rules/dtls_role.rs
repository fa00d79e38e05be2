//! Who sends the `ClientHello`.

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::dtls::HandshakeType;

use crate::book::{Book, Description};
use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dtls.role",
    level: Level::Violation,
    cites: &[cite(8842, "5.3"), cite(5763, "5"), cite(9429, "5.2.1")],
    needs: &[Need::Signalling],
    summary: "the side that is active by the answer sends the ClientHello",
    doc: "Fires when a ClientHello comes from the side that is `passive` by the last answer, when \
          an answer says anything but `active` or `passive`, or when the first offer of a session \
          says anything but `actpass`. Later offers may name the role in force. Answers to offers \
          of `active` or `passive` are judged the same way.",
    advice: "offer a=setup:actpass, answer active, and let the active side begin",
    holds: "offer actpass, answer active, ClientHello from the answerer",
    breaks: "offer actpass, answer active, ClientHello from the offerer",
    silent: "no handshake could be compared with an answer",
    hears: &[Hears::Handshake],
    scope: Scope::Connection,
};

declare!(RoleRule, State);

#[derive(Debug, Default)]
struct State {
    offered: bool,
    association: u32,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Kind::Handshake(message) = &event.kind else { return };
        let hello = message.msg_type == HandshakeType::CLIENT_HELLO
            && message.epoch == 0
            && message.fragment_offset == 0;
        if !hello || self.association == message.association {
            return;
        }
        let (Some(from), Some(client)) = (event.from.party(), scene.book.dtls_client()) else {
            return;
        };
        self.association = message.association;
        if from == client {
            return tally.hold();
        }
        let frames = [event.number];
        let seen = format!("ClientHello from {}, which is passive", from.letter());
        tally.find(Spot::of(event, &frames), "ClientHello from the active side", seen);
    }

    fn signal(&mut self, _: &Book, description: &Description, tally: &mut Tally) {
        let spot = Spot { at: description.at, who: Some(description.from), frames: &[] };
        let first = description.offer && !std::mem::replace(&mut self.offered, true);
        for media in description.media.iter().filter(|media| !media.rejected) {
            let Some(setup) = media.setup.as_deref() else { continue };
            let seen = format!(
                "a=setup:{setup} in {}",
                if first { "the first offer" } else { "an answer" }
            );
            if first && setup != "actpass" {
                let cite = ABOUT.cites[1];
                tally.find_as(Level::Violation, cite, spot, "a=setup:actpass", seen);
            } else if !description.offer && !matches!(setup, "active" | "passive") {
                let cite = ABOUT.cites[0];
                tally.find_as(Level::Violation, cite, spot, "active or passive", seen);
            }
        }
    }
}
