//! USERNAME of connectivity checks.

use rtcspec_trace::watch::Event;

use crate::hears::Hears;
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "ice.username",
    level: Level::Violation,
    cites: &[cite(8445, "7.2.2")],
    needs: &[Need::Signalling],
    summary: "a check's USERNAME is the receiver's ufrag, a colon and the sender's",
    doc: "Fires when the first half is no ufrag that the receiver signalled, or the second none \
          that the sender signalled, in any generation of the session. A side that signalled \
          nothing yet is not judged: checks may come before its answer.",
    advice: "the order is receiver first; after a restart both halves change",
    holds: "B sends `aUfrag:bUfrag` to A",
    breaks: "B sends `aUfrag:xxxx` to A",
    silent: "no check could be compared with a description",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Username, State);

#[derive(Debug, Default)]
struct State;

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some(stun) = sight::check(event) else { return };
        let (Some(name), Some(from)) = (&stun.username, event.from.party()) else { return };
        let receiver = scene.book.has_ufrag(from.other(), name.receiver);
        let sender = scene.book.has_ufrag(from, name.sender);
        let frames = [event.number];
        let spot = Spot::of(event, &frames);
        let swapped = receiver == Some(false)
            && scene.book.has_ufrag(from, name.receiver) == Some(true)
            && scene.book.has_ufrag(from.other(), name.sender) == Some(true);
        if swapped {
            tally.find(spot, "receiver:sender", "sender:receiver");
        } else if receiver == Some(false) {
            let seen = format!("first half `{}`, not signalled by its receiver", name.receiver);
            tally.find(spot, "a ufrag of the receiver", seen);
        } else if sender == Some(false) {
            let seen = format!("second half `{}`, not signalled by its sender", name.sender);
            tally.find(spot, "a ufrag of the sender", seen);
        } else if receiver.is_some() || sender.is_some() {
            tally.hold();
        }
    }
}
