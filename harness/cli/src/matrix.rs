//! `rtcspec matrix`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtcspec_net::oracle::Variant;
use rtcspec_suite::expectation::Complete;
use rtcspec_suite::matrix::{
    Ground, Plan, PlanError, Seen, classic, direct, edges, everybody, ground, nats,
};
use rtcspec_suite::plan::{Job, Player, REFERENCE, Selection};
use rtcspec_suite::report::{Grid, Report, details, grids, markdown, summary};
use rtcspec_suite::run::{Played, Record};
use rtcspec_suite::verdict::RunResult;

use crate::args::{MatrixOptions, Nats};
use crate::exit::{Exit, Failure, Outcome};
use crate::players::{Asked, quoted};
use crate::{output, players, pool, run};

pub(crate) fn matrix(options: &MatrixOptions) -> Outcome {
    let common = &options.common;
    let players::Players { all, under_test, asked } = players::asked_for(common)?;
    let known = run::known(&under_test, common)?;
    let plans =
        plans(&under_test, options).map_err(|error| Failure::internal(error.to_string()))?;
    let wanted = wanted(&plans, options.cell.as_deref());
    if wanted.iter().all(Vec::is_empty) {
        let message = match options.cell.as_deref() {
            Some(cell) => no_cell(cell, &plans),
            None => "no cell is selected".to_owned(),
        };
        return Err(Failure { exit: Exit::Nothing, message });
    }
    output::prepare(&common.out)?;
    let (mut results, grids) = play(&plans, &wanted, options, &asked)?;
    let whole = options.cell.is_none() && options.nats == Nats::All && !options.with_reference;
    let everything = whole && under_test.len() == all.len();
    let complete = if everything { Complete::Matrix } else { Complete::Nothing };
    let stale = run::standing(&mut results, &known, common, complete);
    let participants = run::participants(&under_test);
    let report = Report::new(Some(options.seed), participants, results, grids, stale);
    output::write(&common.out, &report)?;
    output::save(&common.out.join("matrix.md"), &markdown(&report))?;
    tell(&report, options)?;
    Ok(run::exit(&report))
}

/// Every ordered pair over the fourteen edges; the variants with the reference peer alone.
fn plans(players: &[Player], options: &MatrixOptions) -> Result<Vec<Plan>, PlanError> {
    let lay = |edges, variant| ground(edges, variant, options.seed).map(Arc::new);
    let met = match options.nats {
        Nats::All => edges(),
        Nats::Classic => classic(),
        Nats::Direct => direct(),
    };
    let plain: Arc<Ground> = lay(met, None)?;
    let mut plans = Vec::new();
    let is_reference = |player: &Player| player.hello().implementation == REFERENCE;
    for offerer in players {
        let wanted = |answerer: &&Player| {
            !options.with_reference || is_reference(offerer) || is_reference(answerer)
        };
        let answerers = players.iter().filter(wanted);
        plans.extend(answerers.map(|answerer| plain.plan([offerer, answerer])));
    }
    if options.nats != Nats::All {
        return Ok(plans);
    }
    let reference = players.iter().find(|player| player.hello().implementation == REFERENCE);
    if let Some(reference) = reference.filter(|_| !options.no_variants) {
        for variant in Variant::all() {
            plans.push(lay(nats(), Some(variant))?.plan([reference, reference]));
        }
    }
    Ok(plans)
}

/// The jobs of each plan that were asked for.
fn wanted(plans: &[Plan], cell: Option<&str>) -> Vec<Vec<Job>> {
    let mut selection = Selection {
        filters: cell.map(str::to_owned).into_iter().collect(),
        ..Selection::default()
    };
    selection.settle(plans.iter().flat_map(|plan| &plan.jobs).map(|job| job.id.as_str()));
    let of =
        |plan: &Plan| plan.jobs.iter().filter(|job| selection.wants(&job.id)).cloned().collect();
    plans.iter().map(of).collect()
}

fn no_cell(cell: &str, plans: &[Plan]) -> String {
    let ids: Vec<&str> =
        plans.iter().flat_map(|plan| &plan.jobs).map(|job| job.id.as_str()).collect();
    format!("no cell matches `{cell}`{}", crate::near::hint(cell, &ids))
}

/// Plays all cells at once; grids are made of the plans that were played whole.
fn play(
    plans: &[Plan],
    wanted: &[Vec<Job>],
    options: &MatrixOptions,
    asked: &Asked,
) -> Result<(Vec<RunResult>, Vec<Grid>), Failure> {
    let jobs: Vec<&Job> = wanted.iter().flatten().collect();
    let again = AtomicUsize::new(0);
    let played = pool::run_all(&jobs, options.common.jobs, "cells", |job| {
        let mut played = match options.resume.then(|| finished(job, options)).flatten() {
            Some(played) => {
                again.fetch_add(1, Ordering::Relaxed);
                played
            }
            None => run::attempt(job, options.pcap),
        };
        let files = run::keep(job, &mut played, &options.common.out, options.pcap)?;
        Ok((Seen::of(&played), RunResult { files, ..job.result(played) }))
    });
    if options.resume {
        eprintln!("{} cells from their records", again.into_inner());
    }
    let mut played = jobs.iter().zip(played);
    let mut results = Vec::new();
    let mut grids = Vec::new();
    let mut all = Vec::new();
    for (plan, wanted) in plans.iter().zip(wanted) {
        let mut seen = Vec::new();
        for (job, outcome) in played.by_ref().take(wanted.len()) {
            let (cell, mut result): (Seen, RunResult) = outcome
                .map_err(|panic| Failure::internal(format!("cell {}: {}", job.id, panic.0)))??;
            result.repeat = repeat(job, options, asked);
            seen.push(cell);
            results.push(result);
        }
        if seen.len() == plan.jobs.len() && options.nats != Nats::Direct {
            grids.push(plan.grid(&seen));
        }
        all.push(seen);
    }
    if options.nats == Nats::Direct && wanted.iter().all(|jobs| jobs.len() == 1) {
        grids.push(everybody(plans, &all));
    }
    Ok((results, grids))
}

/// A cell that has been played, once more from its record, without its processes; the same comes of
/// it, or it does not count.
fn finished(job: &Job, options: &MatrixOptions) -> Option<Played> {
    let place = options.common.out.join(run::record_name(job));
    let record = Record::read(&fs::read_to_string(place).ok()?).ok()?;
    let job = record.stand_in(job)?;
    let played = if options.pcap { job.play_captured() } else { job.play() };
    record.agrees(&played).is_ok().then_some(played)
}

fn repeat(job: &Job, options: &MatrixOptions, asked: &Asked) -> String {
    let [first, second] = [&job.offerer, &job.answerer].map(|player| asked.option(player));
    let second = if first == second { String::new() } else { format!(" {second}") };
    let nats = match options.nats {
        Nats::All => "",
        Nats::Classic => " --nats classic",
        Nats::Direct => " --nats direct",
    };
    let (seed, id) = (options.seed, quoted(&job.id));
    let own = run::own(options.common.scenarios.as_deref());
    format!("rtcspec matrix {first}{second}{nats} --seed {seed} --cell {id}{own}")
}

fn tell(report: &Report, options: &MatrixOptions) -> Result<(), Failure> {
    let mut text = if options.common.quiet { String::new() } else { grids(report) };
    text.push_str(&details(report));
    text.push_str(&summary(report));
    text.push('\n');
    text.push_str(&output::place(&options.common.out));
    output::say(&text)
}
