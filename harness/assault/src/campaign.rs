//! Sessions without end with one process after the other, and what they found.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_control::process::{Launch, ProcessError};
use rtcspec_control::{Hello, wall};

use crate::cause::Kind;
use crate::input::{Arsenal, Plan};
use crate::memory;
use crate::minimise;
use crate::record::Record;
use crate::session::{Ground, Seen, play};
use crate::theirs::Theirs;

/// Sessions of one process, after which the next one is started.
const LIFE: usize = 250;
/// Classes of findings kept.
const CLASSES: usize = 200;

/// How a campaign is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process.
    pub launch: Launch,
    /// Where, and how patiently.
    pub ground: Ground,
    /// Time under fire; making findings small comes on top.
    pub time: Duration,
    /// Sessions, at most.
    pub sessions: u64,
    /// Time to make one finding small.
    pub minimise: Duration,
}

/// What a campaign has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Sessions begun.
    pub sessions: u64,
    /// Sessions that came about.
    pub connected: u64,
    /// Inputs sent.
    pub inputs: u64,
    /// Probes answered or not.
    pub probes: u64,
    /// Processes started.
    pub processes: u64,
    /// Classes of findings.
    pub classes: usize,
    /// Time under fire.
    pub taken: Duration,
}

/// A class of findings.
#[derive(Clone, Debug)]
pub struct Found {
    /// The first of it.
    pub seen: Seen,
    /// How often it was seen.
    pub times: u64,
    /// The number of the session in which it was first seen.
    pub session: u64,
    /// What plays it again.
    pub record: Record,
}

/// What came of a campaign.
#[derive(Debug)]
pub struct Report {
    /// Who was under fire.
    pub hello: Hello,
    /// What was done.
    pub tally: Tally,
    /// By class.
    pub found: BTreeMap<String, Found>,
}

/// The campaign while it goes on.
struct Campaign<'a> {
    arsenal: &'a Arsenal,
    settings: &'a Settings,
    listener: &'a mut dyn Listener,
    tally: Tally,
    found: BTreeMap<String, Found>,
    /// What the process at hand was sent, and its memory after each session.
    plans: Vec<Plan>,
    memory: Vec<u64>,
    /// Time that went into making findings small, which is not time under fire.
    apart: Duration,
}

/// What a campaign tells while it goes on.
pub trait Listener {
    /// A session is over.
    fn session(&mut self, tally: &Tally);
    /// The first of a class was found and made small: whoever ends the campaign early keeps it.
    fn found(&mut self, class: &str, found: &Found);
}

/// Runs a campaign.
///
/// # Errors
/// The process does not start.
pub fn run(
    arsenal: &Arsenal,
    settings: &Settings,
    listener: &mut dyn Listener,
) -> Result<Report, ProcessError> {
    let mut theirs = Theirs::start(&settings.launch)?;
    let hello = theirs.hello.clone();
    let tally = Tally { processes: 1, ..Tally::default() };
    let (found, plans, memory) = (BTreeMap::new(), Vec::new(), Vec::new());
    let apart = Duration::ZERO;
    let mut campaign = Campaign { arsenal, settings, listener, tally, found, plans, memory, apart };
    let begun = wall::now();
    while campaign.tally.taken < settings.time && campaign.tally.sessions < settings.sessions {
        let over = campaign.session(&mut theirs);
        campaign.tally.taken = begun.elapsed().saturating_sub(campaign.apart);
        campaign.tally.classes = campaign.found.len();
        campaign.listener.session(&campaign.tally);
        if over || campaign.plans.len() >= LIFE {
            campaign.look_for_leak(&hello);
            drop(theirs);
            theirs = Theirs::start(&settings.launch)?;
            campaign.tally.processes += 1;
            campaign.plans.clear();
            campaign.memory.clear();
        }
    }
    drop(theirs);
    campaign.look_for_leak(&hello);
    Ok(Report { hello, tally: campaign.tally, found: campaign.found })
}

impl Campaign<'_> {
    fn session(&mut self, theirs: &mut Theirs) -> bool {
        let number = self.tally.sessions;
        let mut plan = self.arsenal.plan(number);
        let course = play(theirs, self.settings.ground, &plan);
        self.tally.sessions += 1;
        self.tally.connected += u64::from(course.connected);
        self.tally.inputs += course.sent as u64;
        self.tally.probes += course.probes;
        if course.connected {
            plan.inputs.truncate(course.sent);
        }
        self.plans.push(plan);
        self.memory.push(theirs.memory());
        let begun = wall::now();
        for seen in course.seen {
            self.note(seen, number, &theirs.hello, 1);
        }
        self.apart += begun.elapsed();
        course.over
    }

    fn note(&mut self, seen: Seen, session: u64, hello: &Hello, repeat: u32) {
        let class = seen.class();
        if let Some(known) = self.found.get_mut(&class) {
            known.times += 1;
            return;
        }
        // The same from another layer is the same again, and need not be made small again.
        let known = self.found.values_mut().find(|found| found.seen.is_like(&seen));
        if let Some(known) = known.filter(|_| matches!(seen.kind, Kind::Exception | Kind::Crash)) {
            known.times += 1;
            return;
        }
        if self.found.len() < CLASSES {
            let small = minimise::minimise(self.settings, &self.plans, &seen, repeat);
            let record = Record::new(hello, &seen, small);
            let found = Found { seen, times: 1, session, record };
            self.listener.found(&class, &found);
            self.found.insert(class, found);
        }
    }

    fn look_for_leak(&mut self, hello: &Hello) {
        let Some(each) = memory::leak(&self.memory) else { return };
        let begun = wall::now();
        let rise = |at: &usize| self.memory[*at].saturating_sub(self.memory[at - 1]);
        let steepest = (memory::WARM_UP..self.memory.len()).max_by_key(rise).unwrap_or(0);
        self.plans = vec![self.plans[steepest].clone()];
        let log = vec![format!("{each:.0} KiB more for each session")];
        let cause = "resident memory grows session by session".to_owned();
        let seen = Seen { kind: Kind::Leak, cause, layer: None, sent: 0, log };
        let session = self.tally.sessions;
        self.note(seen, session, hello, minimise::REPEAT);
        self.apart += begun.elapsed();
    }
}

/// Plays plans in a fresh process, `repeat` times over, and gives all that was seen.
///
/// # Errors
/// The process does not start.
pub fn replay(
    launch: &Launch,
    ground: Ground,
    plans: &[Plan],
    repeat: u32,
) -> Result<Vec<Seen>, ProcessError> {
    let mut theirs = Theirs::start(launch)?;
    let (mut all, mut samples) = (Vec::new(), Vec::new());
    for plan in (0..repeat).flat_map(|_| plans) {
        let course = play(&mut theirs, ground, plan);
        all.extend(course.seen);
        samples.push(theirs.memory());
        if course.over {
            break;
        }
    }
    if let Some(each) = memory::leak(&samples) {
        let log = vec![format!("{each:.0} KiB more for each session")];
        let cause = "resident memory grows session by session".to_owned();
        all.push(Seen { kind: Kind::Leak, cause, layer: None, sent: 0, log });
    }
    Ok(all)
}
