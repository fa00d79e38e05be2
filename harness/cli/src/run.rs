//! `rtcspec run`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rtcspec_capture::pcapng::EPOCH;
use rtcspec_capture::signalling::rtcstats;
use rtcspec_control::{Feature, Hello};
use rtcspec_suite::cases::ALL;
use rtcspec_suite::expectation::{Complete, Date, Expectations, judge};
use rtcspec_suite::plan::{Job, Player, Selection, plan};
use rtcspec_suite::report::{Participant, Report, details, summary, table};
use rtcspec_suite::run::{Played, Record};
use rtcspec_suite::scenario::{Scenario, read};
use rtcspec_suite::verdict::{RunResult, Verdict};

use crate::args::{Common, RunOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, output, players, pool};

pub(crate) fn run(options: &RunOptions) -> Outcome {
    let common = &options.common;
    let players::Players { all, under_test } = players::asked_for(common)?;
    let scenarios = scenarios(common.scenarios.as_deref())?;
    let selection = Selection {
        filters: options.filters.clone(),
        seed: options.seed,
        repeat: options.repeat,
        shard: options.shard,
        ..Selection::default()
    };
    // Somebody's own folder of scenarios is run alone, unless cases are asked for.
    let own_folder = common.scenarios.is_some();
    let cases = if own_folder && options.filters.is_empty() { &[] } else { ALL };
    let jobs = plan(&scenarios, cases, &all, &under_test, &selection)
        .map_err(|error| Failure::usage(error.to_string()))?;
    if jobs.is_empty() {
        let everything = Selection::default();
        let ids = plan(&scenarios, ALL, &all, &under_test, &everything).unwrap_or_default();
        let ids: Vec<&str> = ids.iter().map(|job| job.id.as_str()).collect();
        let hints = options.filters.iter().map(|filter| near::hint(filter, &ids));
        let message = format!(
            "nothing is selected{}; `rtcspec list scenarios` and `rtcspec list cases` show what \
             there is",
            hints.collect::<String>()
        );
        return Err(Failure { exit: Exit::Nothing, message });
    }
    let mut results = play(&jobs, common, "runs", options.pcap)?;
    let whole = options.filters.is_empty() && options.shard.is_none() && !own_folder;
    let complete = if whole { Complete::Runs } else { Complete::Nothing };
    let stale = standing(&mut results, &under_test, common, complete)?;
    let report = Report::new(options.seed, participants(&under_test), results, Vec::new(), stale);
    output::write(&common.out, &report)?;
    tell(&report, common)?;
    Ok(exit(&report))
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
pub(crate) fn play(
    jobs: &[Job],
    common: &Common,
    label: &str,
    pcap: bool,
) -> Result<Vec<RunResult>, Failure> {
    let results = pool::run_all(jobs, common.jobs, label, |job| {
        let mut played = attempt(job, pcap);
        let files = keep(job, &mut played, &common.out, pcap)?;
        Ok(RunResult { files, ..job.result(played) })
    });
    let mut all = Vec::with_capacity(results.len());
    for (job, outcome) in jobs.iter().zip(results) {
        let outcome =
            outcome.map_err(|panic| Failure::internal(format!("run {}: {}", job.id, panic.0)));
        let mut result: RunResult = outcome??;
        if let Some(folder) = &common.scenarios {
            result.repeat.push_str(&format!(" --scenarios '{}'", folder.display()));
        }
        all.push(result);
    }
    Ok(all)
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

/// Compares results with the expectations; gives what is stale.
pub(crate) fn standing(
    results: &mut [RunResult],
    under_test: &[Player],
    common: &Common,
    complete: Complete,
) -> Result<Vec<String>, Failure> {
    let mut known = BTreeMap::new();
    for player in under_test {
        let hello = player.hello();
        known.insert(
            hello.implementation.clone(),
            expectations(&hello, common.scenarios.as_deref())?,
        );
    }
    let stale = judge(results, &known, today(common), complete);
    Ok(stale.iter().map(ToString::to_string).collect())
}

pub(crate) fn expectations(
    hello: &Hello,
    scenarios: Option<&Path>,
) -> Result<Expectations, Failure> {
    let name = players::expected_as(&hello.implementation);
    let beside = |folder: &Path| folder.join("expect").join(format!("{name}.toml"));
    let text = match scenarios {
        Some(folder) if folder.is_dir() => fs::read_to_string(beside(folder)).unwrap_or_default(),
        // One file alone says nothing of what is known of a peer.
        _ => {
            let mut files = rtcspec_scenarios::EXPECTATIONS.iter();
            files.find(|(file, _)| *file == name).map_or("", |(_, text)| text).to_owned()
        }
    };
    Expectations::read(&format!("expect/{name}.toml"), &text, hello)
        .map_err(|error| Failure::usage(error.to_string()))
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
