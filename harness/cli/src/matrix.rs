//! `rtcspec matrix`.

use rtcspec_net::oracle::Variant;
use rtcspec_suite::matrix::{Plan, Seen, edges, nats, plan};
use rtcspec_suite::plan::{Player, REFERENCE};
use rtcspec_suite::report::{Report, details, grid, summary};

use crate::args::MatrixOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::{output, players, pool, run};

pub(crate) fn matrix(options: &MatrixOptions) -> Outcome {
    let common = &options.common;
    let under_test = players::chosen(&players::all(), &common.peers)?;
    let plans = plans(&under_test, options)?;
    let mut results = Vec::new();
    let mut grids = Vec::new();
    for plan in &plans {
        let wanted = |id: &str| options.cell.as_ref().is_none_or(|part| id.contains(part));
        let jobs: Vec<_> = plan.jobs.iter().filter(|job| wanted(&job.id)).cloned().collect();
        let whole = jobs.len() == plan.jobs.len();
        let played = pool::run_all(&jobs, common.jobs, &plan.title, |job| {
            let played = job.play();
            (Seen::of(&played), job.result(played))
        });
        let mut seen = Vec::new();
        for (job, outcome) in jobs.iter().zip(played) {
            let (cell, mut result) = outcome.map_err(|panic| {
                Failure::internal(format!("cell {}: panic: {}", job.id, panic.0))
            })?;
            result.repeat = repeat(&job.id, options);
            seen.push(cell);
            results.push(result);
        }
        if whole {
            grids.push(plan.grid(&seen));
        }
    }
    if results.is_empty() {
        let message = "no cell is selected".to_owned();
        return Err(Failure { exit: Exit::Nothing, message });
    }
    let stale = run::standing(&mut results, &under_test, common, false)?;
    let participants = run::participants(&under_test);
    let report = Report::new(Some(options.seed), participants, results, grids, stale);
    output::write(&common.out, &report)?;
    if !common.quiet {
        for shown in &report.grids {
            println!("{}", grid(shown));
        }
    }
    print!("{}", details(&report));
    println!("{}", summary(&report));
    println!("report: {}", common.out.join("index.html").display());
    Ok(run::exit(&report))
}

fn repeat(id: &str, options: &MatrixOptions) -> String {
    let peers: Vec<String> =
        options.common.peers.iter().map(|peer| format!(" --peer {peer}")).collect();
    format!("rtcspec matrix{} --seed {} --cell '{id}'", peers.concat(), options.seed)
}

/// Every ordered pair over the fourteen edges; the variants with the reference peer alone.
fn plans(players: &[Player], options: &MatrixOptions) -> Result<Vec<Plan>, Failure> {
    let defect = |error: rtcspec_suite::matrix::PlanError| Failure::internal(error.to_string());
    let mut plans = Vec::new();
    for offerer in players {
        for answerer in players {
            let pair = [offerer, answerer];
            plans.push(plan(edges(), Variant::default(), pair, options.seed).map_err(defect)?);
        }
    }
    let reference = players.iter().find(|player| player.hello().implementation == REFERENCE);
    if let Some(reference) = reference.filter(|_| !options.no_variants) {
        for variant in Variant::all() {
            let pair = [reference, reference];
            plans.push(plan(nats(), variant, pair, options.seed).map_err(defect)?);
        }
    }
    Ok(plans)
}
