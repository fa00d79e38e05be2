//! USERNAME of connectivity checks.

use std::time::Duration;

use rtcspec_trace::Party;
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
          that the sender signalled, in any generation of the session, be it later: checks may \
          come before an answer. A side that signalled nothing is not judged.",
    advice: "the order is receiver first; after a restart both halves change",
    holds: "B sends `aUfrag:bUfrag` to A",
    breaks: "B sends `aUfrag:xxxx` to A",
    silent: "no check could be compared with a description",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(Username, State);

/// Checks that wait for the signalling of their sender; those that are more are judged at once.
const MOST: usize = 1024;

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
}

/// A check whose second half its sender had not signalled when it was sent.
#[derive(Debug)]
struct Waiting {
    at: Duration,
    from: Party,
    number: u64,
    ufrag: String,
}

impl Waiting {
    fn judge(&self, scene: &Scene<'_>, tally: &mut Tally) {
        if scene.book.has_ufrag(self.from, &self.ufrag) == Some(true) {
            return tally.hold();
        }
        let frames = [self.number];
        let spot = Spot { at: self.at, who: Some(self.from), frames: &frames };
        let seen = format!("second half `{}`, not signalled by its sender", self.ufrag);
        tally.find(spot, "a ufrag of the sender", seen);
    }
}

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
            let (at, number, ufrag) = (event.at, event.number, name.sender.to_owned());
            let waiting = Waiting { at, from, number, ufrag };
            if self.waiting.len() < MOST {
                self.waiting.push(waiting);
            } else {
                waiting.judge(scene, tally);
            }
        } else if receiver.is_some() || sender.is_some() {
            tally.hold();
        }
    }

    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        self.waiting.iter().for_each(|waiting| waiting.judge(scene, tally));
    }
}
