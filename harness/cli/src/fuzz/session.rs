//! `rtcspec fuzz session`: a built-in peer under fire, in virtual time.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rtcspec_control::wall;
use rtcspec_fuzz::campaign::Campaign;
use rtcspec_fuzz::case::Case;
use rtcspec_fuzz::corpus;
use rtcspec_fuzz::finding::Finding;
use rtcspec_fuzz::target::session::{FULL, Fire, minimise};
use rtcspec_suite::expectation::Expectations;
use rtcspec_suite::plan::Player;

use super::args::SessionOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, players, run};

/// Sessions between two looks at the clock.
const STRIDE: u64 = 16;
/// Between two lines about how far it is.
const PAUSE: Duration = Duration::from_secs(30);
/// Between two looks at the session being played.
const LOOK: Duration = Duration::from_secs(1);
/// A process that spends less than this between two looks does nothing.
const WAITING: Duration = Duration::from_millis(1);
/// A session takes milliseconds; one that takes so long does not end.
const ENDLESS: Duration = Duration::from_secs(60);
/// Campaigns that may be stuck in a session that does not end, each on a core of its own.
const MOST_STUCK: u64 = 3;
/// Sessions played to make one finding small.
const MOST_TRIALS: usize = 400;

/// What a campaign tells.
enum News {
    /// A finding, and how often its class was met.
    Found {
        input: Vec<u8>,
        finding: Finding,
        times: u64,
    },
    Progress {
        sessions: u64,
        features: usize,
        grown: usize,
    },
    Ended,
}

/// The session being played, and since when.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// Classes that are known, and how often each was met.
type Met = Arc<Mutex<BTreeMap<String, u64>>>;

pub(super) fn session(options: &SessionOptions) -> Outcome {
    let player = player(&options.peer)?;
    if let Some(program) = &options.program {
        return one(player, program, options);
    }
    let known = Arc::new(run::expectations(&player.hello(), options.scenarios.as_deref())?);
    let seeds = super::bytes(&FULL, &options.corpus.corpus)?;
    let hello = player.hello();
    println!("{} {} under fire", hello.implementation, hello.version);
    let mut desk = Desk::new(options, player, known);
    for attempt in 0..MOST_STUCK {
        if desk.campaign(&seeds, options.seed.wrapping_add(attempt))? == Stopped::Ended {
            break;
        }
    }
    Ok(desk.summary())
}

/// Plays one program, and writes down the scenario.
fn one(player: Player, program: &Path, options: &SessionOptions) -> Outcome {
    let input = super::replay::read(program)?.bytes;
    let folder = folder(options, &player);
    let path = folder.join(program.file_name().unwrap_or_default()).with_extension("toml");
    let fire = Fire::on(player, Arc::new(|_| false));
    let session = fire.session(&input).map_err(|finding| Failure::usage(finding.to_string()))?;
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, &session.text))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
    println!("{}: {}", path.display(), session.ingredients().join(", "));
    session.findings.iter().for_each(|finding| println!("{finding}"));
    Ok(if session.findings.is_empty() { Exit::AsExpected } else { Exit::Unexpected })
}

/// Where what is found of a peer goes.
fn folder(options: &SessionOptions, player: &Player) -> PathBuf {
    options.findings.join(player.hello().implementation)
}

fn player(name: &str) -> Result<Player, Failure> {
    let all = players::all();
    let known: Vec<String> = all.iter().map(|player| player.hello().implementation).collect();
    let found = known.iter().position(|known| known == name);
    found.map(|at| Arc::clone(&all[at])).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint = near::hint(name, &known);
        Failure::usage(format!(
            "no built-in implementation is called {name}{hint}; there are {}",
            known.join(", ")
        ))
    })
}

/// How a campaign came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Ended,
    /// In a session that does not end.
    Stuck,
}

/// How long the session being played has taken, in time of the processor: a campaign that was stopped by
/// a signal, or that has little of its machine, has sessions that take minutes. One that takes no time of
/// the processor at all waits for what does not come, and is taken by the wall's.
struct Watch {
    begun: Option<Instant>,
    spent: Duration,
    taken: Duration,
}

impl Watch {
    fn new(spent: Duration) -> Self {
        Self { begun: None, spent, taken: Duration::ZERO }
    }

    /// Looks at the session that began then, which is to be done about once a second; the process has
    /// spent so much by now.
    fn look(&mut self, spent: Duration, begun: Option<Instant>) -> Duration {
        let since = match spent.saturating_sub(self.spent) {
            nothing if nothing < WAITING => LOOK,
            // Between two looks a finding may have been made small.
            since => since.min(LOOK * 2),
        };
        self.spent = spent;
        let same = begun.is_some() && begun == self.begun;
        self.taken = if same { self.taken + since } else { Duration::ZERO };
        self.begun = begun;
        self.taken
    }
}

/// Where findings are written down.
struct Desk<'o> {
    options: &'o SessionOptions,
    folder: PathBuf,
    player: Player,
    known: Arc<Expectations>,
    met: Met,
    begun: Instant,
    /// Sessions of campaigns that are over, and of the one that is on.
    before: u64,
    sessions: u64,
    found: BTreeMap<String, PathBuf>,
}

impl<'o> Desk<'o> {
    fn new(options: &'o SessionOptions, player: Player, known: Arc<Expectations>) -> Self {
        Self {
            options,
            folder: folder(options, &player),
            player,
            known,
            met: Met::default(),
            begun: wall::now(),
            before: 0,
            sessions: 0,
            found: BTreeMap::new(),
        }
    }

    /// Runs a campaign in a thread of its own, and writes down what it finds.
    fn campaign(&mut self, seeds: &[Vec<u8>], seed: u64) -> Result<Stopped, Failure> {
        let current = Current::default();
        let (sender, news) = channel();
        let time = self.options.time.saturating_sub(self.begun.elapsed());
        let most = self.options.sessions.saturating_sub(self.before);
        let (fire, watched, seeds) = (self.fire(), Arc::clone(&current), seeds.to_vec());
        let (met, teller) = (Mutex::new(BTreeMap::<String, u64>::new()), sender.clone());
        let body = move |case: &mut Case<'_>| {
            set(&watched, Some((wall::now(), case.input.to_vec())));
            let verdict = fire.body(case);
            set(&watched, None);
            if let Err(finding) = &verdict {
                let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
                let times = met.entry(finding.class()).or_default();
                *times += 1;
                // One class can have many causes: now and then another program that shows it is
                // made small, and kept if it is another one.
                if times.is_power_of_two() {
                    let (input, finding) = (case.input.to_vec(), finding.clone());
                    drop(teller.send(News::Found { input, finding, times: *times }));
                }
            }
            verdict
        };
        thread::spawn(move || {
            let campaign = Campaign::with_body(&FULL, body, seeds, seed);
            drive(campaign, time, most, &sender);
        });
        let stopped = self.listen(&news, &current)?;
        self.before += self.sessions;
        self.sessions = 0;
        Ok(stopped)
    }

    /// The peer under fire; what is known of it is counted and goes on.
    fn fire(&self) -> Fire {
        let (known, met) = (Arc::clone(&self.known), Arc::clone(&self.met));
        let is_known = move |class: &str| {
            // Rules that the audit of every run finds broken are known by their own entries.
            let rule = class.strip_prefix("model: audit rule ");
            let accepted = |rule: &&str| known.accepted.iter().any(|entry| entry.rule == *rule);
            let entry = known.known_class(class).map(|entry| entry.class.as_str());
            let Some(entry) = entry.or(rule.filter(accepted).map(|_| class)) else { return false };
            let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
            *met.entry(entry.to_owned()).or_default() += 1;
            true
        };
        Fire::on(Arc::clone(&self.player), Arc::new(is_known))
    }

    fn listen(&mut self, news: &Receiver<News>, current: &Current) -> Result<Stopped, Failure> {
        let mut due = wall::now() + PAUSE;
        let mut watch = Watch::new(wall::spent());
        loop {
            match news.recv_timeout(LOOK) {
                Ok(News::Found { input, finding, times }) => self.write(&input, &finding, times)?,
                Ok(News::Progress { sessions, features, grown }) => {
                    self.sessions = sessions;
                    if wall::now() >= due {
                        due = wall::now() + PAUSE;
                        eprintln!("{}, {features} features, {grown} new programs", self.line());
                    }
                }
                Ok(News::Ended) | Err(RecvTimeoutError::Disconnected) => return Ok(Stopped::Ended),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let playing = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let taken = watch.look(wall::spent(), playing.as_ref().map(|(begun, _)| *begun));
            if let Some((_, input)) = playing.filter(|_| taken > ENDLESS) {
                let what = format!("a session has not ended after {} s", taken.as_secs());
                let finding = Finding::new(rtcspec_fuzz::finding::Oracle::Time, what);
                self.keep(&finding.class(), &input, None, &finding, "it does not end")?;
                return Ok(Stopped::Stuck);
            }
        }
    }

    fn line(&self) -> String {
        let (sessions, taken) = (self.before + self.sessions, self.begun.elapsed());
        let rate = sessions as f64 / taken.as_secs_f64().max(1e-3);
        let found = self.found.len();
        format!("{} s: {sessions} sessions, {rate:.1}/s, {found} findings", taken.as_secs())
    }

    /// Makes a finding small and writes it down, if no other of its class has the same ingredients.
    fn write(&mut self, input: &[u8], finding: &Finding, times: u64) -> Result<(), Failure> {
        let class = finding.class();
        let fire = Fire::on(Arc::clone(&self.player), Arc::new(|_| false));
        let small = minimise(&fire, input, &class, MOST_TRIALS);
        let Ok(session) = fire.session(&small) else {
            return self.keep(&class, &small, None, finding, "the program makes no session");
        };
        let full = match session.ingredients().join(", ") {
            nothing if nothing.is_empty() => class.clone(),
            ingredients => format!("{class} [{ingredients}]"),
        };
        if let Some(known) = self.known.known_class(&full) {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            *met.entry(known.class.clone()).or_default() += times.div_ceil(2);
            return Ok(());
        }
        let again = match fire.shows(&session.text, &class) {
            true => "the scenario shows it again",
            false => "only the program shows it",
        };
        self.keep(&full, &small, Some(&session.text), finding, again)
    }

    fn keep(
        &mut self,
        class: &str,
        program: &[u8],
        scenario: Option<&str>,
        finding: &Finding,
        again: &str,
    ) -> Result<(), Failure> {
        if self.found.contains_key(class) {
            return Ok(());
        }
        let kind = finding.oracle.name();
        let stem = self.folder.join(format!("{kind}-{}", &corpus::name(class.as_bytes())[..8]));
        let path = stem.with_extension("toml");
        let name = &self.player.hello().implementation;
        let command = match scenario {
            Some(_) => format!("run --scenarios {}", path.display()),
            None => format!("fuzz session --program {}", stem.with_extension("bin").display()),
        };
        let about =
            format!("{finding}\nclass: {class}\n{again}\nagain: rtcspec {command} --peer {name}\n");
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            fs::write(stem.with_extension("bin"), program)?;
            fs::write(stem.with_extension("txt"), &about)?;
            scenario.map_or(Ok(()), |text| fs::write(&path, text))
        };
        write().map_err(|error| Failure::usage(format!("write {}: {error}", stem.display())))?;
        eprintln!("found {}", super::shortened(class));
        self.found.insert(class.to_owned(), stem);
        Ok(())
    }

    fn summary(&self) -> Exit {
        println!("{}", self.line());
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        for (class, times) in met.iter() {
            let of_class = self.known.fuzz.iter().find(|known| known.class == *class);
            let reason = of_class.map_or("an accepted violation", |known| known.reason.as_str());
            println!("known {class}\n      {times} times; {reason}");
        }
        for (class, stem) in &self.found {
            println!("NEW   {}\n      {}", super::shortened(class), shown(stem));
        }
        if self.found.is_empty() { Exit::AsExpected } else { Exit::Unexpected }
    }
}

fn shown(stem: &Path) -> String {
    stem.with_extension("toml").display().to_string()
}

fn set(current: &Current, to: Option<(Instant, Vec<u8>)>) {
    *current.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// Runs a campaign until its time is over, and tells what is new.
fn drive(mut campaign: Campaign, time: Duration, most: u64, sender: &Sender<News>) {
    let begun = wall::now();
    loop {
        let sessions = campaign.executions();
        let (features, grown) = (campaign.features(), campaign.grown().len());
        drop(sender.send(News::Progress { sessions, features, grown }));
        if begun.elapsed() >= time || sessions >= most {
            drop(sender.send(News::Ended));
            return;
        }
        for _ in 0..STRIDE.min(most - sessions) {
            campaign.step();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Campaigns that had been paused for twelve minutes, or had a hundredth of a machine, wrote down that
    /// a session had not ended.
    #[test]
    fn only_time_of_the_processor_makes_a_session_one_without_end() {
        let (begun, second) = (wall::now(), Duration::from_secs(1));
        let mut watch = Watch::new(second * 5);
        assert_eq!(watch.look(second * 6, Some(begun)), Duration::ZERO, "it is new");
        assert_eq!(watch.look(second * 7, Some(begun)), second);
        let little = second * 7 + Duration::from_millis(10);
        assert_eq!(watch.look(little, Some(begun)), second + Duration::from_millis(10));
        assert_eq!(
            watch.look(little, Some(begun)),
            second * 2 + Duration::from_millis(10),
            "it waits"
        );
        let long = watch.look(second * 70, Some(begun));
        assert_eq!(long, second * 4 + Duration::from_millis(10), "of a long time two looks count");
        assert_eq!(watch.look(second * 71, Some(begun + second)), Duration::ZERO, "another one");
        assert_eq!(watch.look(second * 72, None), Duration::ZERO);
    }
}
