//! One nominated pair.

use rtcspec_trace::Party;
use rtcspec_trace::watch::{Event, Path};
use rtcspec_wire::stun::Class;

use crate::book::Book;
use crate::hears::Hears;
use crate::rule::{About, Level, Scene, Scope, Watch, cite};
use crate::sight;
use crate::tally::{Spot, Tally};

static ABOUT: About = About {
    id: "ice.single-nomination",
    level: Level::Violation,
    cites: &[cite(8445, "8.1.1")],
    needs: &[],
    summary: "after a nomination succeeded no other pair is nominated without a restart",
    doc: "Fires when the controlling side sends USE-CANDIDATE on another pair of the same \
          generation after one that was answered with success. A violation if it announced `ice2`, \
          by which it says that it follows RFC 8445; else a note, because RFC 5245 allows \
          aggressive nomination, and because renomination is a known extension. Sessions with \
          candidates of several components are not judged.",
    advice: "nominate once, by a second check of a valid pair; restart ICE to change it",
    holds: "one pair is nominated",
    breaks: "an agent with ice2 nominates a second pair",
    silent: "no nomination succeeded",
    hears: &[Hears::Stun],
    scope: Scope::Connection,
};

declare!(SingleNomination, State);

#[derive(Debug, Default)]
struct State {
    /// Generation, pair and frame of the nomination that succeeded.
    nominated: Option<(String, Path, u64)>,
}

impl Watch for State {
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally) {
        let Some((stun, class, _)) = sight::stun(event) else { return };
        if class == Class::SuccessResponse {
            let done = stun.transaction.filter(|known| known.use_candidate);
            if let Some(known) = done
                && let Some((_, path, frame)) = &mut self.nominated
                && *path == known.path
                && *frame == 0
            {
                *frame = known.first_number;
                tally.hold();
            }
            return;
        }
        let Some(stun) = sight::new_check(event) else { return };
        let nominates = stun.transaction.is_some_and(|known| known.use_candidate);
        let (Some(name), true) = (&stun.username, nominates) else { return };
        if sight::controlling(stun) == Some(false) {
            return;
        }
        match &self.nominated {
            Some((ufrag, path, frame)) if ufrag == name.sender && *frame > 0 => {
                if *path != event.inner && !several_components(scene.book) {
                    let frames = [*frame, event.number];
                    let spot = Spot::of(event, &frames);
                    let (level, how) = grade(scene.book, event.from.party());
                    let seen = format!("a second pair nominated{how}");
                    let cite = ABOUT.cites[0];
                    tally.find_as(level, cite, spot, "one nomination per generation", seen);
                }
            }
            _ => self.nominated = Some((name.sender.to_owned(), event.inner, 0)),
        }
    }
}

fn grade(book: &Book, who: Option<Party>) -> (Level, &'static str) {
    let latest = who.and_then(|party| book.of(party).next());
    match latest {
        Some(description) if description.has_option("renomination") => {
            (Level::Note, ", renomination was announced")
        }
        Some(description) if description.has_option("ice2") => {
            (Level::Violation, ", though it announced ice2")
        }
        _ => (Level::Note, ", as RFC 5245 allows"),
    }
}

fn several_components(book: &Book) -> bool {
    book.candidates.iter().any(|candidate| candidate.component > 1)
}
