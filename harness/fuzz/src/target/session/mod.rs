//! `full_session`: two peers, their NATs, servers, links and signalling, a timeline, and what a
//! hostile peer or a stranger does, in virtual time.
//!
//! An input is a program. It becomes a scenario file, which is played by the suite with the reference
//! peer as the hostile side; messages that the program changes are changed by the mutators of their
//! layers when they go by, and the changes are kept as edits. So whatever is found is a scenario file
//! that plays again without any of this. The tested peer is the reference peer itself, or, with
//! [`Fire`], any other that lives in virtual time.

mod change;
mod compile;
mod ground;
mod improvise;
mod oracles;
mod plants;
mod program;
mod render;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rtcspec_adapter_reference::Reference;
use rtcspec_control::Implementation;
use rtcspec_suite::cases::Improvise;
use rtcspec_suite::run::{Cast, Played, play, play_improvised};
use rtcspec_suite::scenario::{Role, Scenario, TamperLayer, Variant, read};
use rtcspec_trace::Party;

use self::compile::Plan;
use self::improvise::Improviser;
use self::program::Program;
use crate::campaign::shrink;
use crate::case::{Budget, Case, guarded, last_words};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::{self, elements::Shape};
use crate::target::Target;

/// Holds whole sessions. An input is a program, see `program.rs` for its steps.
pub const FULL: Target = Target {
    name: "full_session",
    about: "two peers behind NATs, a timeline, a hostile side: nobody dies or hangs, what must arrive does",
    seeds: &["full-session"],
    dictionary: || (program::CONFIG..=program::GROUND).map(|op| vec![op]).collect(),
    mutate: |data, source| mutate::mostly(data, source, change::change),
    body: |case| Fire::default().body(case),
    situations: &[
        "connected",
        "direct",
        "relayed",
        "not connected",
        "harmless",
        "changed sdp",
        "changed candidate",
        "changed stun",
        "changed dtls",
        "changed sctp",
        "changed message",
        "injected",
    ],
    plants: plants::ALL,
};

/// What a whole session may use.
const BUDGET: Budget = Budget { bytes: 4 << 30, time: Duration::from_secs(4), ..Budget::DATAGRAM };

/// Who is under fire, and what is known of it.
#[derive(Clone)]
pub struct Fire {
    player: Arc<dyn Implementation>,
    known: Known,
}

/// Says whether a class of findings is known.
pub type Known = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl std::fmt::Debug for Fire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fire").field("player", &self.player.hello().implementation).finish()
    }
}

impl Default for Fire {
    /// The reference peer, of which nothing is known.
    fn default() -> Self {
        Self { player: Arc::new(Reference), known: Arc::new(|_| false) }
    }
}

/// A session as it was played.
#[derive(Debug)]
pub struct Session {
    /// The scenario file that plays it again.
    pub text: String,
    /// What came of it.
    pub played: Played,
    /// Everything that was broken, known or not.
    pub findings: Vec<Finding>,
    plan: Plan,
    improviser: Improviser,
}

impl Session {
    /// What makes it more than two hosts on a good network, in words without numbers.
    #[must_use]
    pub fn ingredients(&self) -> &[String] {
        &self.plan.ingredients
    }
}

impl Fire {
    /// Somebody under fire. What is `known` of it, by the class of the finding, counts as held.
    #[must_use]
    pub fn on(player: Arc<dyn Implementation>, known: Known) -> Self {
        Self { player, known }
    }

    /// Plays a program.
    ///
    /// # Errors
    /// The program makes no scenario: a defect of this target.
    pub fn session(&self, input: &[u8]) -> Result<Session, Finding> {
        self.apart(|| self.perform(input))
    }

    /// Some stacks keep state per thread: their sessions get one each, or none would play again. What
    /// they allocate there counts for no budget.
    fn apart<T: Send>(
        &self,
        play: impl FnOnce() -> Result<T, Finding> + Send,
    ) -> Result<T, Finding> {
        let play = || guarded(play).and_then(|outcome| outcome);
        if self.is_ours() {
            return play();
        }
        let outcome = std::thread::scope(|scope| scope.spawn(play).join());
        outcome.unwrap_or_else(|_| Err(harness("a session's thread died")))
    }

    fn is_ours(&self) -> bool {
        self.player.hello().implementation == Reference.hello().implementation
    }

    fn perform(&self, input: &[u8]) -> Result<Session, Finding> {
        last_words();
        let mut plan = compile::compile(&Program::read(input), &self.player.hello());
        let mut scenario = scenario(&render::render(&plan, None))?;
        if !plan.expectations.is_empty() && !there_is_a_way(&scenario) {
            plan.expectations.clear();
            scenario.variants[0].file.expect.clear();
        }
        let improviser = Rc::new(RefCell::new(Improviser::new(&plan)));
        let played = self.cast(&scenario, |variant, cast| {
            let improvise: Rc<RefCell<dyn Improvise>> = improviser.clone();
            play_improvised("session", variant, cast, &improvise, variant.file.seed, false)
        });
        let improviser = Rc::try_unwrap(improviser).map(RefCell::into_inner);
        let improviser = improviser.map_err(|_| harness("somebody still improvises"))?;
        let words = last_words();
        let findings =
            oracles::held(&plan, &played, &improviser, under_test(&scenario), words.as_deref());
        let text = render::render(&plan, Some(&improviser));
        Ok(Session { text, played, findings, plan, improviser })
    }

    /// Plays a file as it is written; gives what came of it and what the last panic said.
    fn again(&self, scenario: &Scenario) -> Result<(Played, Option<String>), Finding> {
        self.apart(|| {
            last_words();
            let played = self.cast(scenario, |variant, cast| {
                play("session", variant, cast, variant.file.seed, false)
            });
            Ok((played, last_words()))
        })
    }

    /// Whether a file, played as it is written, shows a class.
    #[must_use]
    pub fn shows(&self, text: &str, class: &str) -> bool {
        let Ok(scenario) = scenario(text) else { return false };
        let (played, words) = match self.again(&scenario) {
            Ok(played) => played,
            Err(finding) => return finding.class() == class,
        };
        oracles::seen(&played, under_test(&scenario), words.as_deref())
            .iter()
            .any(|finding| finding.class() == class)
    }

    fn cast<T>(&self, scenario: &Scenario, play: impl FnOnce(&Variant, &Cast<'_>) -> T) -> T {
        let tested = under_test(scenario);
        let cast = match tested {
            Party::A => Cast { offerer: &*self.player, answerer: &Reference, under_test: tested },
            Party::B => Cast { offerer: &Reference, answerer: &*self.player, under_test: tested },
        };
        self.player.prepare_thread(1);
        play(&scenario.variants[0], &cast)
    }

    /// The first thing broken that is not known.
    fn unknown<'s>(&self, session: &'s Session) -> Option<&'s Finding> {
        session.findings.iter().find(|finding| !(self.known)(&finding.class()))
    }

    /// Runs one input through a session and its oracles.
    ///
    /// # Errors
    /// An oracle was broken.
    pub fn body(&self, case: &mut Case<'_>) -> Verdict {
        let input = case.input;
        let session = case.within(BUDGET, input.len(), || self.session(input))??;
        if case.is_noted() {
            note(case, &session);
        }
        if let Some(finding) = self.unknown(&session) {
            return Err(finding.clone());
        }
        if case.is_thorough() { self.plays_again(&session) } else { Ok(()) }
    }

    /// The file that was written plays the same session.
    fn plays_again(&self, session: &Session) -> Verdict {
        // What other stacks keep beside their threads is theirs.
        if !self.is_ours() {
            return Ok(());
        }
        let (again, _) = self.again(&scenario(&session.text)?)?;
        hold(
            Oracle::Determinism,
            again.session == session.played.session,
            || "the file that was written plays another session",
        )
    }
}

/// Makes a program smaller as long as it shows the same class: steps are taken away, then bytes.
#[must_use]
pub fn minimise(fire: &Fire, input: &[u8], class: &str, most: usize) -> Vec<u8> {
    let mut left = most;
    let mut same = |program: &[u8]| {
        left = left.saturating_sub(1);
        let shows = |finding: &Finding| finding.class() == class;
        left > 0 && fire.session(program).is_ok_and(|session| session.findings.iter().any(shows))
    };
    let mut steps: Vec<&[u8]> = Shape::STEP.elements(input).collect();
    let mut at = steps.len();
    while at > 0 {
        at -= 1;
        let step = steps.remove(at);
        if !same(&steps.concat()) {
            steps.insert(at, step);
        }
    }
    let small = steps.concat();
    shrink(&small, most / 2, |program| same(program))
}

/// Who is tested in a scenario: the hostile peer is the other one.
fn under_test(scenario: &Scenario) -> Party {
    let tested = scenario.file.peer.get("tested").map(|peer| peer.role);
    if tested == Some(Role::Offerer) { Party::A } else { Party::B }
}

fn scenario(text: &str) -> Result<Scenario, Finding> {
    read("session", text).map_err(|error| {
        let what = error.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        harness(&format!("a program made no scenario: {what}"))
    })
}

fn harness(what: &str) -> Finding {
    Finding::new(Oracle::Model, what)
}

/// Whether the oracle of the network says that the two can connect.
fn there_is_a_way(scenario: &Scenario) -> bool {
    use rtcspec_net::oracle::Verdict;
    let outlook = rtcspec_suite::prediction::outlook(&scenario.file);
    let outcome = outlook.first().and_then(|outlook| outlook.outcome.as_ref().ok());
    outcome.is_some_and(|outcome| matches!(outcome.verdict, Verdict::Direct | Verdict::Relay))
}

/// What an engine without coverage goes by.
fn note(case: &mut Case<'_>, session: &Session) {
    let Session { played, plan, improviser, .. } = session;
    case.reach(match played.path {
        Some((true, ..)) => "relayed",
        Some((false, ..)) => "direct",
        None => "not connected",
    });
    if played.path.is_some() {
        case.reach("connected");
    }
    if plan.harmless {
        case.reach("harmless");
    }
    for index in improviser.tampered.keys() {
        let layer = plan.tampers.get(*index).map(|tamper| tamper.layer);
        case.reach(layer.map_or("injected", changed));
    }
    if !improviser.injected.is_empty() {
        case.reach("injected");
    }
    case.see(&format!("{:?}", played.path));
    case.see(&(played.elapsed.as_secs(), played.session.datagrams.len().checked_ilog2()));
    for line in rtcspec_trace::transcript(&played.session, "").lines() {
        case.see(&shape(line));
    }
}

/// A line without its numbers.
fn shape(line: &str) -> String {
    line.chars().map(|char| if char.is_ascii_digit() { '#' } else { char }).collect()
}

const fn changed(layer: TamperLayer) -> &'static str {
    match layer {
        TamperLayer::Sdp => "changed sdp",
        TamperLayer::Candidate => "changed candidate",
        TamperLayer::Stun => "changed stun",
        TamperLayer::Dtls => "changed dtls",
        TamperLayer::Sctp => "changed sctp",
        TamperLayer::Message => "changed message",
    }
}
