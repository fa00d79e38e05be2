//! Which runs there are: scenarios and cases, cast with implementations, one job each.

use std::collections::BTreeSet;
use std::sync::Arc;

use rtcspec_control::Implementation;
use rtcspec_trace::Party;

use crate::cases::Case;
use crate::expectation::glob;
use crate::run::{Cast, Played, play, play_case};
use crate::scenario::{Dtls, Peer, Role, Scenario, Sctp, Variant, nearest};
use crate::verdict::{RunResult, Standing};

/// The name under which scenarios know the reference peer.
pub const REFERENCE: &str = "reference";
/// The word in a scenario for whatever is being tested.
pub const UNDER_TEST: &str = "under-test";

/// An implementation that can take part.
pub type Player = Arc<dyn Implementation>;

/// Which runs are wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Globs, ids, or parts of ids; empty means all.
    pub filters: Vec<String>,
    /// Those of the filters that are ids to the letter, once [`Selection::settle`] knows them.
    pub exact: BTreeSet<String>,
    /// Seed of every run; `None` leaves each scenario its own.
    pub seed: Option<u64>,
    /// Runs of each job, with consecutive seeds.
    pub repeat: u32,
    /// Which part of how many, counted from 1.
    pub shard: Option<(u32, u32)>,
}

impl Selection {
    /// Tells which filters are ids of runs or of scenarios, so that an id selects nothing else that
    /// merely contains it.
    pub fn settle<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        let wanted: BTreeSet<&String> = self.filters.iter().collect();
        let mut exact = BTreeSet::new();
        for id in ids {
            for name in [id, scenario_of(id)] {
                if wanted.contains(&name.to_owned()) {
                    exact.insert(name.to_owned());
                }
            }
        }
        self.exact = exact;
    }

    /// Whether an id is wanted.
    #[must_use]
    pub fn wants(&self, id: &str) -> bool {
        let matches = |filter: &String| match self.exact.contains(filter) {
            true => id == filter || scenario_of(id) == filter,
            false => may_mean(filter, id),
        };
        self.filters.is_empty() || self.filters.iter().any(matches)
    }

    /// The filters for which none of these ids is wanted.
    #[must_use]
    pub fn idle(&self, ids: &[&str]) -> Vec<&str> {
        let wants_none = |filter: &&str| !ids.iter().any(|id| may_mean(filter, id));
        self.filters.iter().map(String::as_str).filter(wants_none).collect()
    }
}

/// Whether a filter, unless it is an id to the letter, means an id.
fn may_mean(filter: &str, id: &str) -> bool {
    if filter.contains('*') { glob(filter, id) } else { id.contains(filter) }
}

/// A run's id without matrix values and role.
fn scenario_of(id: &str) -> &str {
    id.split(['#', '@']).next().unwrap_or(id)
}

/// One run to be done.
#[derive(Clone, Debug)]
pub struct Job {
    /// True id, with matrix values and, for foreign implementations, their role.
    pub id: String,
    /// What is played; of a case, the scenario around it.
    pub scenario: Arc<Scenario>,
    /// The case, if it is one: the peer not under test is hostile then.
    pub case: Option<&'static Case>,
    /// Which of its variants.
    pub variant: usize,
    /// Plays the offerer.
    pub offerer: Player,
    /// Plays the answerer.
    pub answerer: Player,
    /// Which of them is under test.
    pub under_test: Party,
    /// Seed.
    pub seed: u64,
}

/// A scenario that names an implementation nobody has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: there is no implementation `{name}`; {help}")]
pub struct UnknownPlayer {
    /// The file, and the line where it stands there.
    pub place: String,
    /// The name.
    pub name: String,
    /// What was probably meant, or what there is.
    pub help: String,
}

impl UnknownPlayer {
    fn new(scenario: &Scenario, name: &str, players: &[Player]) -> Self {
        let mut known: Vec<String> =
            players.iter().map(|player| player.hello().implementation).collect();
        known.insert(0, UNDER_TEST.to_owned());
        let help = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        let mut written = scenario.file.peer.values().map(|peer| &peer.runs);
        let place = match written.find(|runs| runs.get_ref() == name) {
            Some(runs) => {
                let before = scenario.text.get(..runs.span().start).unwrap_or_default();
                format!("{}.toml:{}", scenario.id, before.matches('\n').count() + 1)
            }
            // A value of its matrix.
            None => format!("{}.toml", scenario.id),
        };
        Self { place, name: name.to_owned(), help }
    }
}

/// Every job of the selection, in a fixed order: scenarios, then cases.
///
/// # Errors
/// [`UnknownPlayer`] when a scenario names an implementation that is not among `players`, or when
/// the reference peer, which plays the hostile side of cases, is not.
pub fn plan(
    scenarios: &[Arc<Scenario>],
    cases: &[&'static Case],
    players: &[Player],
    under_test: &[Player],
    selection: &Selection,
) -> Result<Vec<Job>, UnknownPlayer> {
    let mut jobs = Vec::new();
    for scenario in scenarios {
        for (index, variant) in scenario.variants.iter().enumerate() {
            for iut in under_test {
                for casting in castings(scenario, variant, players, iut)? {
                    let id = run_id(scenario, variant, &casting);
                    jobs.extend(repeats(scenario, index, &casting, &id, selection));
                }
            }
        }
    }
    for case in cases {
        for role in case.roles.all() {
            jobs.extend(case_jobs(case, *role, players, under_test, selection)?);
        }
    }
    let mut settled = selection.clone();
    settled.settle(jobs.iter().map(|job| job.id.as_str()));
    jobs.retain(|job| settled.wants(&job.id));
    if let Some((part, parts)) = selection.shard {
        let wanted =
            |index: usize| index as u64 % u64::from(parts.max(1)) == u64::from(part.max(1) - 1);
        jobs =
            jobs.into_iter().enumerate().filter(|(i, _)| wanted(*i)).map(|(_, job)| job).collect();
    }
    Ok(jobs)
}

/// The jobs of a case with the peer under test in one role.
fn case_jobs(
    case: &'static Case,
    role: Role,
    players: &[Player],
    under_test: &[Player],
    selection: &Selection,
) -> Result<Vec<Job>, UnknownPlayer> {
    let id = case.run_id(role);
    let scenario = Arc::new(case.scenario(role));
    let hostile = find(players, &scenario, REFERENCE)?;
    let mut jobs = Vec::new();
    for iut in under_test {
        let (position, under_test) =
            if role == Role::Offerer { (0, Party::A) } else { (1, Party::B) };
        let mut players = [Arc::clone(&hostile), Arc::clone(&hostile)];
        players[position] = Arc::clone(iut);
        let casting = Casting { players, under_test, plain: false };
        let of_case = |job| Job { case: Some(case), ..job };
        jobs.extend(repeats(&scenario, 0, &casting, &id, selection).into_iter().map(of_case));
    }
    Ok(jobs)
}

fn find(players: &[Player], scenario: &Scenario, name: &str) -> Result<Player, UnknownPlayer> {
    let found = players.iter().find(|player| player.hello().implementation == name);
    found.cloned().ok_or_else(|| UnknownPlayer::new(scenario, name, players))
}

#[derive(Clone)]
struct Casting {
    players: [Player; 2],
    under_test: Party,
    /// Neither side is foreign.
    plain: bool,
}

/// Who may play whom. A foreign implementation plays both roles, unless the scenario gives the
/// other side options that only the reference peer has.
fn castings(
    scenario: &Scenario,
    variant: &Variant,
    players: &[Player],
    iut: &Player,
) -> Result<Vec<Casting>, UnknownPlayer> {
    let mut parts: Vec<&Peer> = variant.file.peer.values().collect();
    parts.sort_by_key(|peer| peer.role != Role::Offerer);
    let words = [parts[0].runs.get_ref().as_str(), parts[1].runs.get_ref().as_str()];
    let find = |name: &str| find(players, scenario, name);
    let is_reference = iut.hello().implementation == REFERENCE;
    let tested = words.iter().position(|word| *word == UNDER_TEST);
    let Some(tested) = tested else {
        // Nothing is under test: the run belongs to the reference peer.
        if !is_reference {
            return Ok(Vec::new());
        }
        let players = [find(words[0])?, find(words[1])?];
        return Ok(vec![Casting { players, under_test: Party::A, plain: true }]);
    };
    let mut all = Vec::new();
    let both = words[0] == words[1];
    let mut cast = |position: usize, other: Player| {
        let mut players = [other.clone(), other];
        players[position] = Arc::clone(iut);
        let under_test = if position == 0 { Party::A } else { Party::B };
        all.push(Casting { players, under_test, plain: is_reference });
    };
    if both || is_reference {
        cast(tested, Arc::clone(iut));
        return Ok(all);
    }
    let other = find(words[1 - tested])?;
    let mirrored = words[1 - tested] == REFERENCE
        && is_plain(parts[1 - tested])
        && variant.file.hostile().is_none();
    cast(tested, Arc::clone(&other));
    if mirrored {
        cast(1 - tested, other);
    }
    Ok(all)
}

/// Whether any implementation could play this part.
fn is_plain(peer: &Peer) -> bool {
    peer.sctp == Sctp::default()
        && !peer.ice.lite
        && peer.ice.announces.is_none()
        && peer.dtls == Dtls::default()
}

fn run_id(scenario: &Scenario, variant: &Variant, casting: &Casting) -> String {
    let mut id = scenario.id.clone();
    let suffix = variant.suffix();
    if !suffix.is_empty() {
        id = format!("{id}#{suffix}");
    }
    if !casting.plain {
        let role = if casting.under_test == Party::A { "offerer" } else { "answerer" };
        id = format!("{id}@{role}");
    }
    id
}

fn repeats(
    scenario: &Arc<Scenario>,
    variant: usize,
    casting: &Casting,
    id: &str,
    selection: &Selection,
) -> Vec<Job> {
    let first = selection.seed.unwrap_or(scenario.variants[variant].file.seed);
    let [offerer, answerer] = &casting.players;
    (0..u64::from(selection.repeat.max(1)))
        .map(|n| Job {
            id: id.to_owned(),
            scenario: Arc::clone(scenario),
            case: None,
            variant,
            offerer: Arc::clone(offerer),
            answerer: Arc::clone(answerer),
            under_test: casting.under_test,
            seed: first + n,
        })
        .collect()
}

impl Job {
    /// The implementation under test.
    #[must_use]
    pub fn implementation(&self) -> &Player {
        match self.under_test {
            Party::A => &self.offerer,
            Party::B => &self.answerer,
        }
    }

    /// Who plays whom, offerer first: `alice=reference`.
    #[must_use]
    pub fn peers(&self) -> Vec<String> {
        let file = &self.scenario.variants[self.variant].file;
        crate::run::peers(file, [&*self.offerer, &*self.answerer])
    }

    /// Plays it. Call in a thread of its own: some implementations keep state per thread.
    #[must_use]
    pub fn play(&self) -> Played {
        self.play_with(false)
    }

    fn play_with(&self, capture: bool) -> Played {
        for player in [&self.offerer, &self.answerer] {
            player.prepare_thread(self.seed);
        }
        let cast = Cast {
            offerer: &*self.offerer,
            answerer: &*self.answerer,
            under_test: self.under_test,
        };
        let variant = &self.scenario.variants[self.variant];
        match self.case {
            None => play(&self.id, variant, &cast, self.seed, capture),
            Some(case) => play_case(&self.id, variant, &cast, case, self.seed, capture),
        }
    }

    /// Plays it with every element tapped, for a capture.
    #[must_use]
    pub fn play_captured(&self) -> Played {
        self.play_with(true)
    }

    /// Plays it and writes the result down.
    #[must_use]
    pub fn run(&self) -> RunResult {
        self.result(self.play())
    }

    /// The result of a run of this job.
    #[must_use]
    pub fn result(&self, played: Played) -> RunResult {
        let hello = self.implementation().hello();
        let file = &self.scenario.file;
        let written = crate::transcript::write(&played);
        let audit = crate::audit::audit_run(&played.session, self.under_test);
        RunResult {
            id: self.id.clone(),
            title: file.name.clone(),
            tests: file.tests.clone(),
            implementation: hello.implementation.clone(),
            version: hello.version,
            peers: played.peers,
            seed: self.seed,
            verdict: played.verdict,
            standing: Standing::Expected,
            reason: None,
            findings: crate::transcript::with_lines(played.findings, &written.text),
            audit,
            nats: played.nats,
            elapsed: played.elapsed,
            profile: written.profile,
            transcript: written.text,
            repeat: format!(
                "rtcspec run '{}' --peer {} --seed {}",
                self.id, hello.implementation, self.seed
            ),
            ladder: written.ladder,
            files: Vec::new(),
        }
    }
}
