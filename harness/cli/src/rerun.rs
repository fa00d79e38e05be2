//! `rtcspec rerun`: a recorded run with processes again, without them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rtcspec_suite::cases::ALL;
use rtcspec_suite::matrix::{classic, direct, edges, ground};
use rtcspec_suite::plan::{Job, Player, Selection, plan};
use rtcspec_suite::run::Record;
use rtcspec_suite::scenario::Scenario;
use rtcspec_trace::Party;

use crate::args::RerunOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{output, players, pool, run};

pub(crate) fn rerun(options: &RerunOptions) -> Outcome {
    let scenarios = run::scenarios(options.scenarios.as_deref())?;
    let mut runs = Vec::new();
    for path in &options.files {
        let record = read(path)?;
        let job = job(path, &record, &scenarios)?;
        runs.push((path, record, job));
    }
    let outcomes = pool::run_all(&runs, None, "records", |(_, record, job)| {
        let played = job.play();
        let (agrees, verdict) = (record.agrees(&played), played.verdict);
        (agrees, verdict, job.result(played).transcript)
    });
    let mut equal = 0;
    for ((path, record, _), outcome) in runs.iter().zip(outcomes) {
        let place = path.display();
        let (agrees, verdict, transcript) =
            outcome.map_err(|panic| Failure::internal(format!("{place}: {}", panic.0)))?;
        match agrees {
            Ok(()) => {
                equal += 1;
                if !options.quiet {
                    let size = record.len();
                    output::say(&format!("{place}: {verdict} again, {size} records equal\n"))?;
                }
            }
            Err(difference) => output::say(&format!("{place}: differs: {difference}\n"))?,
        }
        if options.transcript {
            output::say(&transcript)?;
        }
    }
    output::say(&format!("{equal} of {} recorded runs play again alike\n", runs.len()))?;
    Ok(if equal == runs.len() { Exit::AsExpected } else { Exit::Unexpected })
}

fn read(path: &Path) -> Result<Record, Failure> {
    let wrong = |reason: String| Failure::usage(format!("read {}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Record::read(&text).map_err(|error| wrong(error.to_string()))
}

/// The job of a record, with the record in the place of the peers that lived outside.
fn job(path: &Path, record: &Record, scenarios: &[Arc<Scenario>]) -> Result<Job, Failure> {
    let mut all = players::all();
    let recorded = [Party::A, Party::B].map(|party| record.player(party));
    all.extend(recorded.iter().flatten().cloned());
    let find = |party: Party, name: &str| -> Result<Player, Failure> {
        let own = recorded[usize::from(party == Party::B)].clone();
        match own {
            Some(player) => Ok(player),
            None => Ok(players::chosen(&all, &[name.to_owned()])?.remove(0)),
        }
    };
    let head = &record.head;
    let offerer = find(Party::A, &head.offerer.hello.implementation)?;
    let answerer = find(Party::B, &head.answerer.hello.implementation)?;
    let under_test = head.under_test.party();
    let tested = if under_test == Party::A { &offerer } else { &answerer };
    let selection = Selection {
        filters: vec![head.run.clone()],
        seed: Some(head.seed),
        ..Selection::default()
    };
    let jobs = plan(scenarios, ALL, &all, std::slice::from_ref(tested), &selection)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let is_it = |job: &Job| {
        job.id == head.run && job.case.is_some() == head.case && job.under_test == under_test
    };
    let found = jobs.into_iter().chain(cells(head.seed, [&offerer, &answerer])).find(is_it);
    let Some(job) = found else {
        let message = format!("{}: there is no run `{}` any more", path.display(), head.run);
        return Err(Failure { exit: Exit::Nothing, message });
    };
    Ok(Job { offerer, answerer, ..job })
}

/// The cells of every matrix, cast with these; their scenarios are made, not read.
fn cells(seed: u64, players: [&Player; 2]) -> Vec<Job> {
    let grounds = [direct(), classic(), edges()].map(|edges| ground(edges, None, seed));
    let plans = grounds.into_iter().flatten().map(|ground| Arc::new(ground).plan(players));
    plans.flat_map(|plan| plan.jobs).collect()
}
