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
use rtcspec_fuzz::finding::{Finding, Oracle};
use rtcspec_fuzz::target::session::{FULL, Fire, minimise};
use rtcspec_suite::expectation::Expectations;
use rtcspec_suite::plan::Player;

use super::args::SessionOptions;
use super::watch::{ENDLESS, LOOK, Watch};
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, players, run};

/// Sessions between two looks at the clock.
const STRIDE: u64 = 16;
/// Between two lines about how far it is.
const PAUSE: Duration = Duration::from_secs(30);
/// Campaigns that may be stuck in a session that does not end, each on a core of its own; and findings
/// that may be in one while they are made small.
const MOST_STUCK: u64 = 3;
/// Sessions played to make one finding small.
const MOST_TRIALS: usize = 400;
/// They take seconds; when they take so long, one of them does not end.
const SHRINKING: Duration = Duration::from_secs(300);

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

/// A program made small.
struct Small {
    program: Vec<u8>,
    /// `None` if it makes no session.
    shown: Option<Shown>,
}

/// The session of a program.
struct Shown {
    scenario: String,
    ingredients: Vec<String>,
    /// The scenario shows the finding again.
    again: bool,
}

/// Makes a program small that shows a class.
fn made_small(fire: &Fire, input: &[u8], class: &str) -> Small {
    let program = minimise(fire, input, class, MOST_TRIALS);
    let shown = fire.session(&program).ok().map(|session| Shown {
        ingredients: session.ingredients().to_vec(),
        again: fire.shows(&session.text, class),
        scenario: session.text,
    });
    Small { program, shown }
}

/// What comes of work that plays sessions, in a thread of its own; nothing, and the thread goes on, if one
/// of them does not end.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, done) = channel();
    thread::spawn(move || drop(sender.send(work())));
    let mut watch = Watch::new(wall::spent());
    loop {
        match done.recv_timeout(LOOK) {
            Ok(done) => return Some(done),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if watch.look(wall::spent(), Some(())) > SHRINKING {
            return None;
        }
    }
}

/// A class with what makes its session more than two hosts on a good network.
fn with_ingredients(class: &str, ingredients: &[String]) -> String {
    match ingredients {
        [] => class.to_owned(),
        ingredients => format!("{class} [{}]", ingredients.join(", ")),
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
    /// Findings that could not be made small in time.
    stuck: u64,
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
            stuck: 0,
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
                self.hung(&input, taken)?;
                return Ok(Stopped::Stuck);
            }
        }
    }

    /// Writes down a program whose session does not end, unless that is known. Our own peer plays it to
    /// tell what is in it.
    fn hung(&mut self, input: &[u8], taken: Duration) -> Result<(), Failure> {
        let what = format!("a session has not ended after {} s", taken.as_secs());
        let finding = Finding::new(Oracle::Time, what);
        let program = input.to_vec();
        let ingredients = in_time(move || {
            let session = Fire::default().session(&program).ok();
            session.map(|session| session.ingredients().to_vec())
        });
        let class = with_ingredients(&finding.class(), &ingredients.flatten().unwrap_or_default());
        if self.is_known(&class, 1) {
            return Ok(());
        }
        self.keep(&class, input, None, &finding, "it does not end")
    }

    /// Counts a class that is known.
    fn is_known(&self, class: &str, times: u64) -> bool {
        let Some(known) = self.known.known_class(class) else { return false };
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        *met.entry(known.class.clone()).or_default() += times;
        true
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
        let Some(Small { program, shown }) = self.small(input, &class) else {
            return self.keep(&class, input, None, finding, "it could not be made small in time");
        };
        let Some(shown) = shown else {
            return self.keep(&class, &program, None, finding, "the program makes no session");
        };
        let full = with_ingredients(&class, &shown.ingredients);
        if self.is_known(&full, times.div_ceil(2)) {
            return Ok(());
        }
        let again = match shown.again {
            true => "the scenario shows it again",
            false => "only the program shows it",
        };
        self.keep(&full, &program, Some(&shown.scenario), finding, again)
    }

    /// Makes a program small; nothing comes of it if one that it tries makes a session without end.
    fn small(&mut self, input: &[u8], class: &str) -> Option<Small> {
        if self.stuck >= MOST_STUCK {
            return None;
        }
        let fire = Fire::on(Arc::clone(&self.player), Arc::new(|_| false));
        let (input, class) = (input.to_vec(), class.to_owned());
        let small = in_time(move || made_small(&fire, &input, &class));
        self.stuck += u64::from(small.is_none());
        small
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
        let path = stem.with_extension(if scenario.is_some() { "toml" } else { "bin" });
        let name = &self.player.hello().implementation;
        let command = match scenario {
            Some(_) => format!("run --scenarios {}", path.display()),
            None => format!("fuzz session --program {}", path.display()),
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
        self.found.insert(class.to_owned(), path);
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
        for (class, path) in &self.found {
            println!("NEW   {}\n      {}", super::shortened(class), path.display());
        }
        if self.found.is_empty() { Exit::AsExpected } else { Exit::Unexpected }
    }
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
    use rtcspec_suite::expectation::KnownClass;

    use super::super::args::CorpusOptions;
    use super::*;

    /// A desk whose expectations are these.
    fn desk<'o>(options: &'o SessionOptions, class: &str) -> Desk<'o> {
        let [class, reason, evidence] = [class, "a reason", "evidence"].map(str::to_owned);
        let fuzz = vec![KnownClass { class, reason, evidence }];
        let known = Expectations { fuzz, ..Expectations::default() };
        Desk::new(options, player("reference").expect("it is built in"), Arc::new(known))
    }

    fn options(folder: &Path) -> SessionOptions {
        SessionOptions {
            peer: "reference".to_owned(),
            time: Duration::ZERO,
            sessions: 0,
            seed: 0,
            program: None,
            findings: folder.to_owned(),
            corpus: CorpusOptions { corpus: PathBuf::new() },
            scenarios: None,
        }
    }

    #[test]
    fn a_session_without_end_is_looked_up_by_its_ingredients_and_named_by_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path());
        let mut desk = desk(&options, "time: a session has not ended after # s [*initial-tsn*");
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/seeds/full-session");
        let wrap = fs::read(seeds.join("tsn-wrap-small-window.bin")).expect("a seed");
        desk.hung(&wrap, Duration::from_secs(61)).expect("nothing is written");
        assert!(desk.found.is_empty(), "{:?}", desk.found);
        desk.hung(&[], Duration::from_secs(62)).expect("written");
        let found: Vec<(&String, &PathBuf)> = desk.found.iter().collect();
        let [(class, path)] = found[..] else { panic!("{found:?}") };
        assert!(class.starts_with("time: a session has not ended after # s"), "{class}");
        assert!(path.is_file(), "{}", path.display());
    }

    #[test]
    fn work_that_dies_gives_nothing_and_other_work_what_comes_of_it() {
        assert_eq!(in_time(|| 7), Some(7));
        assert_eq!(in_time::<u8>(|| panic!("it dies")), None);
    }

    #[cfg(feature = "rtc")]
    #[test]
    fn of_rtc_a_panic_at_another_line_is_new() {
        let hello = player("rtc").expect("it is built in").hello();
        let known = run::expectations(&hello, None).expect("they are read");
        let overflow = |line: u32| {
            let place = format!("rtc-sctp-0.21.1/src/association/mod.rs:{line}:41");
            Finding::new(Oracle::Panic, format!("attempt to add with overflow, {place}")).class()
        };
        assert!(known.known_class(&overflow(1664)).is_some());
        assert_eq!(known.known_class(&overflow(1700)), None);
    }
}
