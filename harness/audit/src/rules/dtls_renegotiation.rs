//! Renegotiation.

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Kind};
use rtcspec_wire::dtls::{AlertDescription, HandshakeType};

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "dtls.renegotiation",
    level: Level::Violation,
    cites: &[cite(8827, "6.5")],
    needs: &[Need::Keys, Need::BothDirections],
    summary: "a second handshake inside an association is refused with no_renegotiation",
    doc: "Fires when a ClientHello under encryption, in an association of DTLS 1.2 that is up, is \
          answered with a ServerHello, or is not answered with the alert no_renegotiation. A new \
          association on the same 5-tuple begins at epoch 0 and is none; DTLS 1.3 has no \
          renegotiation.",
    advice: "answer the alert no_renegotiation (100) at level warning and go on",
    holds: "a ClientHello at epoch 1 is answered with no_renegotiation",
    breaks: "a ClientHello at epoch 1 is ignored",
    silent: "no second handshake was begun",
    hears: &[Hears::Handshake, Hears::Alert],
    scope: Scope::Connection,
};

declare!(Renegotiation, State);

#[derive(Debug, Default)]
struct State {
    begun: Option<(Option<Party>, u64)>,
}

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        match &event.kind {
            Kind::Handshake(handshake) if handshake.epoch > 0 => match handshake.msg_type {
                HandshakeType::CLIENT_HELLO => {
                    self.begun.get_or_insert((event.from.party(), event.number));
                }
                HandshakeType::SERVER_HELLO => {
                    if let Some((_, frame)) = self.begun.take() {
                        let frames = [frame, event.number];
                        let seen = "a second handshake goes on";
                        tally.find(Spot::of(event, &frames), "the alert no_renegotiation", seen);
                    }
                }
                _ => {}
            },
            Kind::Alert(found) => {
                let refused = found
                    .alert
                    .is_ok_and(|alert| alert.description == AlertDescription::NO_RENEGOTIATION);
                if refused && self.begun.take().is_some() {
                    tally.hold();
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        if let Some((from, frame)) = self.begun.take() {
            let who = from.map(Party::other);
            let spot = Spot { at: scene.now, who, frames: &[frame] };
            tally.find(spot, "the alert no_renegotiation", "no answer to a second handshake");
        }
    }
}
