//! `rtcspec adapter`: processes as peers.

mod files;
mod installed;
mod setup;
mod source;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::Path;
use std::time::Duration;

use rtcspec_control::SpawnContext;
use rtcspec_control::process::{Launch, Process};
use rtcspec_suite::lint;

use crate::args::{AdapterVerb, AdaptersOptions, LintFormat, LintOptions, ServeOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::say;
use crate::players;

pub(crate) use installed::{FOLDER, everything, launch};

/// Whether there is an adapter of this name to be set up.
pub(crate) fn is_known(name: &str) -> bool {
    source::names().contains(&name)
}

/// How long an adapter may take to begin; browsers take seconds.
const BEGIN: Duration = Duration::from_secs(60);

/// Carries `rtcspec adapter` out.
pub(crate) fn adapter(verb: &AdapterVerb) -> Outcome {
    match verb {
        AdapterVerb::Setup(options) => setup::setup(options),
        AdapterVerb::List(options) => list(options),
        AdapterVerb::Lint(options) => lint_adapter(options),
        AdapterVerb::Serve(options) => serve(options),
    }
}

fn lint_adapter(options: &LintOptions) -> Outcome {
    let mut launch = command(&options.command, &options.from)?;
    launch.dials_out = options.dials_out.then_some(BEGIN);
    let process = Process::start(&launch)
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    let report = lint::lint(process);
    match options.format {
        LintFormat::Text => say(&report.text())?,
        LintFormat::Json => say(&report.json())?,
    }
    Ok(if report.is_clean() { Exit::AsExpected } else { Exit::Unexpected })
}

/// A single word may name a built-in implementation, which this program serves, or an adapter that
/// is set up.
pub(crate) fn command(words: &[OsString], all: &Path) -> Result<Launch, Failure> {
    let as_it_stands = || Launch { command: words.to_vec(), ..Launch::default() };
    let [word] = words else { return Ok(as_it_stands()) };
    let Some(name) = word.to_str() else { return Ok(as_it_stands()) };
    if players::all().iter().any(|player| player.hello().implementation == name) {
        let this = std::env::current_exe()
            .map_err(|error| Failure::internal(format!("find this program: {error}")))?;
        let command = vec![this.into(), "adapter".into(), "serve".into(), word.clone()];
        return Ok(Launch { command, ..Launch::default() });
    }
    let plain = Path::new(word).components().count() == 1;
    let set_up = plain && installed::manifest(&installed::folder(name, all)?)?.is_some();
    if set_up || source::names().contains(&name) {
        return installed::launch(name, all);
    }
    Ok(as_it_stands())
}

fn list(options: &AdaptersOptions) -> Outcome {
    let mut lines: Vec<(String, String)> = Vec::new();
    for hello in players::all().iter().map(|player| player.hello()) {
        let name = format!("{} {}", hello.implementation, hello.version);
        lines.push((name, "built in".to_owned()));
    }
    let there = installed::everything(&options.from)?;
    for manifest in &there {
        let place = options.from.join(&manifest.name);
        let name = format!("{} {}", manifest.name, manifest.version);
        lines.push((name, format!("set up in {}", place.display())));
    }
    for manifest in source::all()?.iter().map(|source| &source.manifest) {
        if there.iter().all(|known| known.name != manifest.name) {
            let name = format!("{} {}", manifest.name, manifest.version);
            lines.push((name, format!("rtcspec adapter setup {}", manifest.name)));
        }
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, place) in lines {
        let _ = writeln!(text, "{name:width$}  {place}");
    }
    say(&text)?;
    Ok(Exit::AsExpected)
}

fn serve(options: &ServeOptions) -> Outcome {
    let chosen = players::chosen(&players::all(), std::slice::from_ref(&options.peer))?;
    let [player] = &chosen[..] else {
        return Err(Failure::internal("one name chose several implementations"));
    };
    // Two peers of one machine with one seed would ask for the same ports.
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
    let context = SpawnContext { seed, now: Duration::ZERO };
    let mut peer = player
        .spawn(context)
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    let (input, output): rtcspec_remote::Lines = match &options.connect {
        None => (Box::new(io::BufReader::new(io::stdin())), Box::new(io::stdout())),
        Some(url) => rtcspec_remote::dial(url)
            .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?,
    };
    rtcspec_live::serve(peer.as_mut(), input, output)
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    Ok(Exit::AsExpected)
}
