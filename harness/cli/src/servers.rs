//! `rtcspec run --turn-server URL`, `--stun-server URL`: servers instead of peers.

use std::collections::BTreeMap;

use rtcspec_control::{Hello, Limits};
use rtcspec_servers::{About, CASES, Case, Credentials, Target, examine, introduce};
use rtcspec_suite::expectation::{Complete, judge};
use rtcspec_suite::plan::Selection;
use rtcspec_suite::report::{Participant, Report};
use rtcspec_suite::verdict::RunResult;

use crate::args::{Common, RunOptions, ServerOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::{near, output, run};

/// Whether servers are asked for.
pub(crate) fn are_meant(options: &ServerOptions) -> bool {
    !options.turn_servers.is_empty() || !options.stun_servers.is_empty()
}

pub(crate) fn run(options: &RunOptions) -> Outcome {
    let common = &options.common;
    let mut results = Vec::new();
    let mut known = BTreeMap::new();
    let mut participants: Vec<Participant> = Vec::new();
    for mut target in targets(&options.servers)? {
        let cases = selected(&target, &options.filters)?;
        let unreachable = |message| Failure { exit: Exit::NotStarted, message };
        let about = introduce(&mut target).map_err(|error| unreachable(error.to_string()))?;
        for silent in &about.silent {
            eprintln!("{target}: {silent}");
        }
        let about = named(about, options.servers.name.as_deref());
        let hello = hello(&about);
        known.insert(about.name.clone(), run::expectations(&hello, common.scenarios.as_deref())?);
        let participant = Participant {
            name: about.name.clone(),
            version: about.version.clone(),
            features: Vec::new(),
        };
        if !participants.contains(&participant) {
            participants.push(participant);
        }
        results.extend(play(&cases, &target, &about, common));
    }
    // Which entries show depends on how a server is configured and spoken to.
    let stale = judge(&mut results, &known, run::today(common), Complete::Nothing);
    let stale = stale.iter().map(ToString::to_string).collect();
    let report = Report::new(None, participants, results, Vec::new(), stale);
    output::write(&common.out, &report)?;
    run::tell(&report, common)?;
    Ok(run::exit(&report))
}

fn targets(options: &ServerOptions) -> Result<Vec<Target>, Failure> {
    let credentials = match (&options.user, &options.password) {
        (Some(username), Some(password)) => {
            Some(Credentials { username: username.clone(), password: password.clone() })
        }
        _ => None,
    };
    let read = |(scheme, url): (&str, &String)| {
        if url.starts_with(scheme) {
            let target = Target::read(url, credentials.clone());
            target.map_err(|error| Failure::usage(error.to_string()))
        } else {
            Err(Failure::usage(format!(
                "read server `{url}`: a URL that begins with `{scheme}` is wanted"
            )))
        }
    };
    let turn = options.turn_servers.iter().map(|url| ("turn", url));
    let stun = options.stun_servers.iter().map(|url| ("stun", url));
    turn.chain(stun).map(read).collect()
}

fn selected(target: &Target, filters: &[String]) -> Result<Vec<&'static Case>, Failure> {
    let all = CASES.iter().filter(|case| case.is_for(target));
    let id = |case: &Case| format!("{}@{}", case.id, target.transport.word());
    let ids: Vec<String> = all.clone().map(id).collect();
    let mut selection = Selection { filters: filters.to_vec(), ..Selection::default() };
    selection.settle(ids.iter().map(String::as_str));
    let chosen: Vec<&Case> = all.clone().filter(|case| selection.wants(&id(case))).collect();
    if chosen.is_empty() {
        let ids: Vec<&str> = all.map(|case| case.id).collect();
        let hints: String = filters.iter().map(|filter| near::hint(filter, &ids)).collect();
        let message = format!(
            "nothing is selected for {target}{hints}; `rtcspec list server-cases` shows what there is"
        );
        return Err(Failure { exit: Exit::Nothing, message });
    }
    Ok(chosen)
}

/// `--server-name NAME[@VERSION]` overrules what the server says.
fn named(about: About, name: Option<&str>) -> About {
    let Some(name) = name else { return about };
    let (name, version) = name.split_once('@').unwrap_or((name, &about.version));
    About { name: name.to_owned(), version: version.to_owned(), ..about }
}

fn hello(about: &About) -> Hello {
    Hello {
        adapter: 1,
        implementation: about.name.clone(),
        version: about.version.clone(),
        commit: None,
        features: std::collections::BTreeSet::new(),
        limits: Limits::default(),
    }
}

fn play(cases: &[&Case], target: &Target, about: &About, common: &Common) -> Vec<RunResult> {
    let mut results = Vec::with_capacity(cases.len());
    for (place, case) in cases.iter().enumerate() {
        if !common.quiet {
            eprintln!("{target}: {} of {}, {}", place + 1, cases.len(), case.id);
        }
        results.push(examine(case, target, about));
    }
    results
}
