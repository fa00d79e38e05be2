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
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rtcspec_adapter_reference::Reference;
use rtcspec_control::{Hello, Implementation};
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
    body: |case| OURS.body(case),
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

/// The reference peer under fire.
static OURS: LazyLock<Fire> = LazyLock::new(Fire::default);

/// Who is under fire, and what is known of it.
#[derive(Clone)]
pub struct Fire {
    player: Arc<dyn Implementation>,
    hello: Hello,
    /// It is the reference peer.
    is_ours: bool,
    known: Known,
}

/// Says whether a class of findings is known.
pub type Known = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl std::fmt::Debug for Fire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fire").field("player", &self.hello.implementation).finish()
    }
}

impl Default for Fire {
    /// The reference peer, of which nothing is known.
    fn default() -> Self {
        Self::on(Arc::new(Reference), Arc::new(|_| false))
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
    ingredients: Vec<String>,
}

impl Session {
    /// What makes it more than two hosts on a good network, in words without numbers.
    #[must_use]
    pub fn ingredients(&self) -> &[String] {
        &self.ingredients
    }
}

/// A session before it is written down: most of those that an engine plays nobody asks for.
struct Performance {
    played: Played,
    findings: Vec<Finding>,
    plan: Plan,
    improviser: Improviser,
}

impl Performance {
    /// The scenario file that plays it again.
    fn text(&self) -> String {
        render::render(&self.plan, Some(&self.improviser))
    }
}

impl Fire {
    /// Somebody under fire. What is `known` of it, by the class of the finding, counts as held.
    #[must_use]
    pub fn on(player: Arc<dyn Implementation>, known: Known) -> Self {
        let hello = player.hello();
        let is_ours = hello.implementation == Reference.hello().implementation;
        Self { player, hello, is_ours, known }
    }

    /// Plays a program.
    ///
    /// # Errors
    /// The program makes no scenario: a defect of this target.
    pub fn session(&self, input: &[u8]) -> Result<Session, Finding> {
        let performance = self.performed(input, true)?;
        let text = performance.text();
        let Performance { played, findings, plan, .. } = performance;
        Ok(Session { text, played, findings, ingredients: plan.ingredients })
    }

    fn performed(&self, input: &[u8], thorough: bool) -> Result<Performance, Finding> {
        self.apart(|| self.perform(input, thorough))
    }

    /// Some stacks keep state per thread: their sessions get one each, or none would play again. What
    /// they allocate there counts for no budget.
    fn apart<T: Send>(
        &self,
        play: impl FnOnce() -> Result<T, Finding> + Send,
    ) -> Result<T, Finding> {
        let play = || guarded(play).and_then(|outcome| outcome);
        if self.is_ours {
            return play();
        }
        let outcome = std::thread::scope(|scope| scope.spawn(play).join());
        outcome.unwrap_or_else(|_| Err(harness("a session's thread died")))
    }

    /// Plays a program and asks all of the session that can be asked at once, and what is dear to be
    /// asked only if it is `thorough`.
    fn perform(&self, input: &[u8], thorough: bool) -> Result<Performance, Finding> {
        last_words();
        let mut plan = compile::compile(&Program::read(input), &self.hello, self.is_ours);
        let mut scenario = scenario(&render::render(&plan, None))?;
        if !plan.expectations.is_empty() && !there_is_a_way(&plan, &scenario) {
            plan.expectations.clear();
            scenario.variants[0].file.expect.clear();
        }
        let improviser = Rc::new(RefCell::new(Improviser::new(&plan)));
        let played = self.cast(&scenario, |variant, cast| {
            let improvise: Rc<RefCell<dyn Improvise>> = improviser.clone();
            play_improvised("session", variant, cast, &improvise, variant.file.seed, thorough)
        });
        let improviser = Rc::try_unwrap(improviser).map(RefCell::into_inner);
        let improviser = improviser.map_err(|_| harness("somebody still improvises"))?;
        let (words, tested) = (last_words(), under_test(&scenario));
        let mut findings = oracles::held(&plan, &played, &improviser, tested, words.as_deref());
        if plan.harmless && thorough {
            // A peer is held to every rule where nobody else breaks one.
            findings.extend(oracles::audited(&played, tested));
        }
        Ok(Performance { played, findings, plan, improviser })
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
    fn unknown<'s>(&self, session: &'s Performance) -> Option<&'s Finding> {
        session.findings.iter().find(|finding| !(self.known)(&finding.class()))
    }

    /// Runs one input through a session and its oracles.
    ///
    /// # Errors
    /// An oracle was broken.
    pub fn body(&self, case: &mut Case<'_>) -> Verdict {
        let (input, thorough) = (case.input, case.is_thorough());
        let session = case.within(BUDGET, input.len(), || self.performed(input, thorough))??;
        if case.is_noted() {
            note(case, &session);
        }
        if let Some(finding) = self.unknown(&session) {
            return Err(finding.clone());
        }
        if thorough { self.plays_again(&session) } else { Ok(()) }
    }

    /// The file that is written plays the same session.
    fn plays_again(&self, session: &Performance) -> Verdict {
        // What other stacks keep beside their threads is theirs.
        if !self.is_ours {
            return Ok(());
        }
        let (again, _) = self.again(&scenario(&session.text())?)?;
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
        left > 0
            && fire.performed(program, true).is_ok_and(|session| session.findings.iter().any(shows))
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

/// Whether the oracle of the network says that the two can connect. It says the same of the same terrain,
/// and most changes of a program leave that as it is.
fn there_is_a_way(plan: &Plan, scenario: &Scenario) -> bool {
    use rtcspec_net::oracle::Verdict;
    static TOLD: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    // Who panicked with it has left nothing half done.
    let told = || TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let before = told().get(&plan.terrain).copied();
    before.unwrap_or_else(|| {
        let verdict = rtcspec_suite::prediction::verdict(&scenario.file);
        let way = matches!(verdict, Some(Verdict::Direct | Verdict::Relay));
        let mut told = told();
        if told.len() < MOST_TERRAINS {
            // What is kept here is not lost.
            allocation_counter::opt_out(|| {
                told.insert(plan.terrain.clone(), way);
            });
        }
        way
    })
}

/// Terrains of which is kept what was told.
const MOST_TERRAINS: usize = 4096;

/// What an engine without coverage goes by.
fn note(case: &mut Case<'_>, session: &Performance) {
    let Performance { played, plan, improviser, .. } = session;
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

#[cfg(test)]
mod tests {
    use rtcspec_suite::prediction::{outlook, verdict};

    use super::*;

    #[test]
    fn the_oracle_says_in_short_what_it_says_at_length() {
        for nats in [[1, 2], [4, 5], [7, 8], [10, 11], [0, 13], [14, 16]] {
            for servers in [0, 1, 3] {
                let program = [program::CONFIG, 3, nats[0], nats[1], servers];
                let plan = compile::compile(&Program::read(&program), &Reference.hello(), true);
                let file = scenario(&render::render(&plan, None)).expect("a scenario").file;
                let long = outlook(&file).remove(0).outcome.ok().map(|outcome| outcome.verdict);
                assert_eq!(verdict(&file), long, "{nats:?}, servers {servers}");
            }
        }
    }

    #[test]
    fn a_terrain_is_all_that_tells_whether_peers_can_connect() {
        let plan =
            |program: &[u8]| compile::compile(&Program::read(program), &Reference.hello(), true);
        let config = |nats: [u8; 2], seed| [program::CONFIG, 7, nats[0], nats[1], 3, 0, 0, 0, seed];
        let first = plan(&config([1, 2], 1));
        assert!(!first.terrain.is_empty() && first.terrain == plan(&config([1, 2], 2)).terrain);
        assert_ne!(first.terrain, plan(&config([1, 4], 1)).terrain);
        // Where nothing is expected nobody asks.
        let leaves = [&config([1, 2], 1)[..], &[program::CLOSE, 2, 0, 9]].concat();
        assert!(plan(&leaves).expectations.is_empty() && plan(&leaves).terrain.is_empty());
    }
}
