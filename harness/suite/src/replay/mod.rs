//! Structural replay: what a capture shows of a session is played again, in virtual time.
//!
//! Not bytes are replayed but events. One side is the reference peer in the shape that the capture
//! shows (DTLS version and role, what its INIT declared, how its candidates travelled); the other
//! is the peer under test, whose application does what the capture's application did. Transaction
//! ids, keys, tags and checksums are made anew. What the capture holds becomes a scenario file, so
//! that the runner of all scenarios plays it.
//!
//! What it is not: it replays no media, and no malformed bytes.

mod compare;
mod described;
mod reach;
mod report;
mod scenario;
mod steps;
mod story;

pub use compare::{Parting, partings};
pub use reach::Reach;
pub use report::Report;
pub use story::{Act, DEEDS, Declared, Deed, Listener, Opened, Stack, Story};

use rtcspec_control::Implementation;
use rtcspec_trace::nat::{Inference, NatSeen};
use rtcspec_trace::watch::{Event, Observer, Seen, sighted};
use rtcspec_trace::{Party, Peer, Profile, Session, Transcript, value};

use crate::run::{Cast, Played, play};
use crate::scenario::{Scenario, ScenarioError, read};
use crate::verdict::Verdict;

/// A session that can be played again.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The scenario that plays it.
    pub scenario: Scenario,
    /// What the scenario leaves out.
    pub notes: Vec<String>,
    /// What the capture shows.
    pub story: Story,
    /// How far the capture came.
    pub reach: Reach,
    /// Connections in the capture; the fullest is replayed.
    pub connections: usize,
    /// The capture's transcript, loose.
    pub transcript: Transcript,
    tested: Party,
}

/// Why a session cannot be played again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Nothing in it is a connection.
    #[error("it holds no connectivity check and no DTLS handshake: there is nothing to replay")]
    Nothing,
    /// What it holds makes no scenario.
    #[error("what it holds makes no scenario: {0}")]
    Scenario(#[from] ScenarioError),
}

/// What came of playing a session again.
#[derive(Debug)]
pub struct Replayed {
    /// The run.
    pub played: Played,
    /// How far it came.
    pub reach: Reach,
    /// Its transcript, loose.
    pub transcript: Transcript,
    /// Lines that the capture or the run has alone.
    pub partings: Vec<Parting>,
    /// What the capture reached and the run did not.
    pub short: Option<String>,
}

impl Replay {
    /// Of the session with most in it; `tested` is the side the implementation under test plays.
    ///
    /// # Errors
    /// [`ReplayError`]
    pub fn of(sessions: &[Session], tested: Party) -> Result<Self, ReplayError> {
        let mut fullest: Option<(&Session, Story, Inference)> = None;
        for session in sessions {
            let mut inference = Inference::new();
            let Some(story) = hear(session, &mut |event| inference.hear(event)) else { continue };
            if fullest.as_ref().is_none_or(|(_, best, _)| story.weight() > best.weight()) {
                fullest = Some((session, story, inference));
            }
        }
        let (session, story, inference) = fullest.ok_or(ReplayError::Nothing)?;
        let heard = scenario::Heard {
            title: &session.title,
            story: &story,
            described: described::described(session),
            boxes: boxes(session, inference.finish()),
        };
        let written = scenario::write(&heard, tested);
        let scenario = read(&format!("replay/{}", session.title), &written.text)?;
        Ok(Self {
            scenario,
            notes: written.notes,
            reach: Reach::of(session, &story),
            story,
            connections: sessions.len(),
            transcript: loose(session, "captured"),
            tested,
        })
    }

    /// Plays it: `reference` plays the side the capture shapes.
    #[must_use]
    pub fn play(
        &self,
        reference: &dyn Implementation,
        tested: &dyn Implementation,
        seed: u64,
    ) -> Replayed {
        let (offerer, answerer) = match self.tested {
            Party::A => (tested, reference),
            Party::B => (reference, tested),
        };
        let cast = Cast { offerer, answerer, under_test: self.tested };
        let played = play(&self.scenario.id, &self.scenario.variants[0], &cast, seed, false);
        let story = listen(&played.session).unwrap_or_default();
        let reach = Reach::of(&played.session, &story);
        let transcript = loose(&played.session, played.verdict.word());
        let partings = partings(&self.transcript, &transcript);
        let short = self.short(&played, &reach);
        Replayed { played, reach, transcript, partings, short }
    }

    /// What the run lacks. Expectations count where the capture came as far as they speak of.
    fn short(&self, played: &Played, reach: &Reach) -> Option<String> {
        let broke = |verdict: Verdict| match verdict {
            Verdict::Crash | Verdict::Hang | Verdict::Unsupported | Verdict::Inconclusive => true,
            Verdict::Fail => self.reach.channels > 0,
            _ => false,
        };
        let finding = played.findings.iter().find(|finding| broke(finding.verdict));
        reach.lacks(&self.reach).or_else(|| {
            finding.map(|finding| format!("{}: {}", finding.requirement, finding.actual))
        })
    }
}

/// The story of a session's fullest connection.
#[must_use]
pub fn listen(session: &Session) -> Option<Story> {
    hear(session, &mut |_| {})
}

/// The box in front of each party, as far as one shows.
fn boxes(session: &Session, nats: Vec<NatSeen>) -> [Option<NatSeen>; 2] {
    let mut found = [None, None];
    for nat in nats {
        let behind = |peer: &&Peer| peer.addresses.iter().any(|ip| nat.inside.contains(ip));
        let Some(peer) = session.peers.iter().find(behind) else { continue };
        found[story::index(peer.party)].get_or_insert(nat);
    }
    found
}

fn hear(session: &Session, also: &mut dyn FnMut(&Event<'_>)) -> Option<Story> {
    let mut observer = Observer::new();
    observer.secrets(&session.secrets.join("\n"));
    for signal in &session.signals {
        observer.signal(0, signal);
    }
    let mut listener = Listener::default();
    let mut hear = |seen: &Seen<'_>| {
        observer.seen(seen, &mut |event| {
            listener.hear(event);
            also(event);
        });
    };
    sighted(session).for_each(|seen| hear(&seen));
    listener.fullest()
}

fn loose(session: &Session, result: &str) -> Transcript {
    let session = Session { profile: Profile::Loose, ..session.clone() };
    value(&session, result)
}
