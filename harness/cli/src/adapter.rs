//! `rtcspec adapter`: processes as peers.

use std::ffi::OsString;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::time::Duration;

use rtcspec_control::SpawnContext;
use rtcspec_control::process::{Launch, Process};
use rtcspec_suite::lint;

use crate::args::{AdapterVerb, LintFormat, LintOptions, ServeOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::say;
use crate::players;

/// How long an adapter that dials out may take to begin; browsers take seconds.
const BEGIN: Duration = Duration::from_secs(60);

/// Carries `rtcspec adapter` out.
pub(crate) fn adapter(verb: &AdapterVerb) -> Outcome {
    match verb {
        AdapterVerb::Lint(options) => lint_adapter(options),
        AdapterVerb::Serve(options) => serve(options),
    }
}

fn lint_adapter(options: &LintOptions) -> Outcome {
    let launch = Launch {
        command: command(&options.command)?,
        environment: Vec::new(),
        dials_out: options.dials_out.then_some(BEGIN),
        ..Launch::default()
    };
    let process = Process::start(&launch)
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    let report = lint::lint(process);
    match options.format {
        LintFormat::Text => say(&report.text())?,
        LintFormat::Json => say(&report.json())?,
    }
    Ok(if report.is_clean() { Exit::AsExpected } else { Exit::Unexpected })
}

/// A single word that names a built-in implementation stands for that one served by this program.
fn command(words: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let [name] = words else { return Ok(words.to_vec()) };
    let built_in = players::all();
    let known = |player: &&_| {
        let player: &rtcspec_suite::plan::Player = player;
        name.to_str() == Some(&player.hello().implementation)
    };
    if built_in.iter().find(known).is_none() {
        return Ok(words.to_vec());
    }
    let this = std::env::current_exe()
        .map_err(|error| Failure::internal(format!("find this program: {error}")))?;
    Ok(vec![this.into(), "adapter".into(), "serve".into(), name.clone()])
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
    let input = io::BufReader::new(io::stdin());
    rtcspec_live::serve(peer.as_mut(), input, io::stdout().lock())
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    Ok(Exit::AsExpected)
}
