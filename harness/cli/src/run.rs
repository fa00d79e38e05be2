//! `rtcspec run`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

use rtcspec_capture::pcapng::EPOCH;
use rtcspec_capture::signalling::rtcstats;
use rtcspec_control::{Feature, Hello};
use rtcspec_suite::expectation::{Complete, Date, Expectations, judge};
use rtcspec_suite::plan::{Job, Player, Selection};
use rtcspec_suite::report::{Participant, Report, details, summary, table};
use rtcspec_suite::run::{Played, Record};
use rtcspec_suite::scenario::{Scenario, read};
use rtcspec_suite::verdict::{RunResult, Verdict};
use rtcspec_trace::Party;

use crate::args::{Common, RunOptions, ServerOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::players::{Asked, quoted};
use crate::select::Stock;
use crate::{output, players, pool};

/// What is known of implementations, by their names.
pub(crate) type Known = BTreeMap<String, Expectations>;

pub(crate) fn run(options: &RunOptions) -> Outcome {
    let common = &options.common;
    speaks_of_servers(&options.servers)?;
    let scenarios = scenarios(common.scenarios.as_deref())?;
    let players = players::asked_for(common)?;
    let known = known(&players.under_test, common)?;
    let selection = Selection {
        filters: options.filters.clone(),
        seed: options.seed,
        repeat: options.repeat,
        shard: options.shard,
        ..Selection::default()
    };
    let own = common.scenarios.is_some();
    let jobs = Stock { scenarios: &scenarios, own }.jobs(&players, &selection)?;
    output::prepare(&common.out)?;
    let mut results = play(&jobs, options, &players.asked)?;
    let whole = options.filters.is_empty() && options.shard.is_none() && !own;
    let complete = if whole { Complete::Runs } else { Complete::Nothing };
    let stale = standing(&mut results, &known, common, complete);
    let participants = participants(&players.under_test);
    let report = Report::new(options.seed, participants, results, Vec::new(), stale);
    output::write(&common.out, &report)?;
    tell(&report, common)?;
    Ok(exit(&report))
}

/// What is said of a server needs one; a password may stand in the environment for other runs.
fn speaks_of_servers(options: &ServerOptions) -> Result<(), Failure> {
    let environment = env::var("RTCSPEC_TURN_PASSWORD").ok();
    let password = options.password.is_some() && options.password != environment;
    let said = [("--turn-password", password), ("--server-name", options.name.is_some())];
    match said.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::usage(format!(
            "`{option}` says something of a server: name it by `--turn-server` or `--stun-server`"
        ))),
    }
}

/// A run that could not begin outweighs one that went wrong.
pub(crate) fn exit(report: &Report) -> Exit {
    if report.results.iter().any(|result| result.verdict == Verdict::Inconclusive) {
        Exit::NotStarted
    } else if report.is_unexpected() {
        Exit::Unexpected
    } else {
        Exit::AsExpected
    }
}

/// Plays jobs and gathers their results; a panic of the harness ends the program.
fn play(jobs: &[Job], options: &RunOptions, asked: &Asked) -> Result<Vec<RunResult>, Failure> {
    let (common, pcap) = (&options.common, options.pcap);
    let results = pool::run_all(jobs, common.jobs, "runs", |job| {
        let mut played = attempt(job, pcap);
        let files = keep(job, &mut played, &common.out, pcap)?;
        let repeat = repeat(job, common, asked);
        Ok(RunResult { files, repeat, ..job.result(played) })
    });
    let mut all = Vec::with_capacity(results.len());
    for (job, outcome) in jobs.iter().zip(results) {
        let outcome =
            outcome.map_err(|panic| Failure::internal(format!("run {}: {}", job.id, panic.0)));
        let result: RunResult = outcome??;
        all.push(result);
    }
    Ok(all)
}

/// The command that plays a job again.
fn repeat(job: &Job, common: &Common, asked: &Asked) -> String {
    let other = match job.under_test {
        Party::A => &job.answerer,
        Party::B => &job.offerer,
    };
    let peers = asked.options(job.implementation(), other);
    let (id, seed, own) = (quoted(&job.id), job.seed, own(common.scenarios.as_deref()));
    format!("rtcspec run {id} {peers} --seed {seed}{own}")
}

/// The option that brings somebody's own scenarios.
pub(crate) fn own(scenarios: Option<&Path>) -> String {
    scenarios.map_or_else(String::new, |place| {
        format!(" --scenarios {}", quoted(&place.to_string_lossy()))
    })
}

/// A busy machine may be late once; one that always is cannot judge.
const MORE_ATTEMPTS: u32 = 2;

/// Plays a run; again, if a process took part and the machine was too busy to keep time.
pub(crate) fn attempt(job: &Job, pcap: bool) -> Played {
    let play = || if pcap { job.play_captured() } else { job.play() };
    let mut played = play();
    for _ in 0..MORE_ATTEMPTS {
        if !played.was_late() {
            break;
        }
        played = play();
    }
    played
}

/// Writes what is kept of a run as soon as it has ended: with `pcap` its capture and its signalling;
/// a run with a process cannot be repeated, so its record is always kept and can be played again.
/// Gives the files' names in the folder.
pub(crate) fn keep(
    job: &Job,
    played: &mut Played,
    out: &Path,
    pcap: bool,
) -> Result<Vec<String>, Failure> {
    let name = output::file_name(&job.id, &played.peers, job.seed);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    if let Some(record) = Record::of(job, played) {
        files.push((record_name(job), record.write().into()));
    }
    if pcap {
        let signals = rtcstats(&played.session.signals, EPOCH);
        files.push((format!("captures/{name}.pcapng"), std::mem::take(&mut played.capture)));
        files.push((format!("captures/{name}.rtcstats"), signals.into_bytes()));
    }
    let (names, all): (Vec<_>, Vec<_>) =
        files.into_iter().map(|(name, bytes)| (name.clone(), (out.join(name), bytes))).unzip();
    output::save_all(&all)?;
    Ok(names)
}

/// Where the record of a run is in the folder of its report.
pub(crate) fn record_name(job: &Job) -> String {
    format!("records/{}.jsonl", output::file_name(&job.id, &job.peers(), job.seed))
}

/// What is known of players; read before anything is played, so that a mistake is told at once.
pub(crate) fn known(players: &[Player], common: &Common) -> Result<Known, Failure> {
    let of = |player: &Player| {
        let hello = player.hello();
        let known = expectations(&hello, common.scenarios.as_deref())?;
        Ok((hello.implementation, known))
    };
    players.iter().map(of).collect()
}

/// Compares results with the expectations; gives what is stale.
pub(crate) fn standing(
    results: &mut [RunResult],
    known: &Known,
    common: &Common,
    complete: Complete,
) -> Vec<String> {
    let stale = judge(results, known, today(common), complete);
    stale.iter().map(ToString::to_string).collect()
}

pub(crate) fn expectations(
    hello: &Hello,
    scenarios: Option<&Path>,
) -> Result<Expectations, Failure> {
    let name = players::expected_as(&hello.implementation);
    let text = match scenarios {
        Some(folder) if folder.is_dir() => {
            there(&folder.join("expect").join(format!("{name}.toml")))?
        }
        // One file alone says nothing of what is known of a peer.
        _ => {
            let mut files = rtcspec_scenarios::EXPECTATIONS.iter();
            files.find(|(file, _)| *file == name).map_or("", |(_, text)| text).to_owned()
        }
    };
    Expectations::read(&format!("expect/{name}.toml"), &text, hello)
        .map_err(|error| Failure::usage(error.to_string()))
}

/// The text of a file, which need not be there.
fn there(path: &Path) -> Result<String, Failure> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|error| Failure::usage(format!("read {}: {error}", path.display()))),
    }
}

#[expect(clippy::disallowed_methods, reason = "only to tell which expectations have expired")]
pub(crate) fn today(common: &Common) -> Date {
    common.today.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Date::from_unix_days(u32::try_from(since.as_secs() / 86_400).unwrap_or(u32::MAX))
    })
}

/// Reads every scenario; all problems of all files are told at once.
pub(crate) fn scenarios(folder: Option<&Path>) -> Result<Vec<Arc<Scenario>>, Failure> {
    let files: Vec<(String, String)> = match folder {
        None => rtcspec_scenarios::SCENARIOS
            .iter()
            .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()))
            .collect(),
        Some(folder) => files_below(folder)?,
    };
    let mut scenarios = Vec::new();
    let mut problems = String::new();
    for (id, text) in &files {
        match read(id, text) {
            Ok(scenario) => scenarios.push(Arc::new(scenario)),
            Err(error) => problems.push_str(&format!("{:?}\n", miette::Report::new(error))),
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(Failure::usage(problems)) }
}

/// Ids and texts of the scenario files in a folder; of one file, its own.
fn files_below(folder: &Path) -> Result<Vec<(String, String)>, Failure> {
    let cannot = |path: &Path, error: std::io::Error| {
        Failure::usage(format!("read {}: {error}", path.display()))
    };
    if folder.is_file() {
        let text = fs::read_to_string(folder).map_err(|error| cannot(folder, error))?;
        let id = folder.file_stem().unwrap_or_default();
        return Ok(vec![(id.to_string_lossy().into_owned(), text)]);
    }
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(|error| cannot(&next, error))? {
            let path = entry.map_err(|error| cannot(&next, error))?.path();
            if path.is_dir() {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if !["expect", "src", "tests", "target"].contains(&name) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "toml")
                && path.file_name().is_some_and(|name| name != "Cargo.toml")
            {
                let text = fs::read_to_string(&path).map_err(|error| cannot(&path, error))?;
                let id = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
                files.push((id.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Who took part.
pub(crate) fn participants(players: &[Player]) -> Vec<Participant> {
    players
        .iter()
        .map(|player| {
            let hello = player.hello();
            Participant {
                name: hello.implementation,
                version: hello.version,
                features: hello.features.into_iter().map(Feature::word).collect(),
            }
        })
        .collect()
}

/// Table, details, last line.
pub(crate) fn tell(report: &Report, common: &Common) -> Result<(), Failure> {
    let mut text = if common.quiet { String::new() } else { table(report) + "\n" };
    text.push_str(&details(report));
    text.push_str(&summary(report));
    text.push('\n');
    text.push_str(&output::place(&common.out));
    output::say(&text)
}
