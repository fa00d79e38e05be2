//! `rtcspec fuzz differ`.

use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_differ::campaign::{Bench, Campaign};
use rtcspec_differ::class::Class;
use rtcspec_differ::format::{self, Format};
use rtcspec_differ::ledger::{Ledger, Ruling};
use rtcspec_differ::process::Process;
use rtcspec_differ::report;

use super::args::DifferOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::near;

/// Time for a format if nothing else is said.
const TIME: Duration = Duration::from_secs(60);
/// Inputs for a parser in another process if nothing else is said.
const FEW: u64 = 5_000;
/// Inputs between looks at the clock.
const STRIDE: u64 = 256;
/// Executions to spend on making one input smaller.
const MOST: usize = 4_000;
/// New classes told in full.
const TOLD: usize = 20;

pub(super) fn differ(options: &DifferOptions) -> Outcome {
    let mut unruled = 0;
    for format in chosen(&options.formats)? {
        let ledger = Ledger::load(&options.ledger, format.name);
        let ledger = ledger.map_err(|error| Failure::usage(error.to_string()))?;
        unruled += one(format, &ledger, options)?;
    }
    Ok(if unruled == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Format>, Failure> {
    if names.is_empty() {
        return Ok(format::ALL.iter().collect());
    }
    let named = |name: &String| {
        format::by_name(name).ok_or_else(|| {
            let known: Vec<&str> = format::ALL.iter().map(|format| format.name).collect();
            let (hint, all) = (near::hint(name, &known), known.join(", "));
            Failure::usage(format!("no format is called {name}{hint}; there are {all}"))
        })
    };
    names.iter().map(named).collect()
}

/// Runs a format; says how many classes are not in the ledger.
fn one(
    format: &'static Format,
    ledger: &Ledger,
    options: &DifferOptions,
) -> Result<usize, Failure> {
    let mut campaign =
        Campaign::new(bench(format, ledger, options)?, seeds(format, options)?, options.seed);
    let parsers: Vec<String> =
        campaign.bench.parsers.iter().map(|parser| parser.name().to_owned()).collect();
    let taken = drive(&mut campaign, options);
    let (inputs, classes) = (campaign.inputs(), campaign.met().len());
    let rate = (inputs as f64 / taken.as_secs_f64().max(1e-3)) as u64;
    let unruled = campaign.unruled().count();
    println!(
        "{:<5} {inputs} inputs, {rate}/s, {classes} classes, {unruled} not in the ledger; with {}",
        format.name,
        parsers.join(", ")
    );
    if let Some(why) = campaign.bench.parsers.iter().find_map(|parser| parser.broken()) {
        return Err(Failure { exit: Exit::NotStarted, message: why });
    }
    tell(&campaign, format, ledger, options)?;
    Ok(unruled)
}

fn bench<'l>(
    format: &'static Format,
    ledger: &'l Ledger,
    options: &DifferOptions,
) -> Result<Bench<'l>, Failure> {
    let mut bench = Bench::new(format, ledger);
    if let Some(command) = &options.parser_cmd {
        let process = Process::start(command, format)
            .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
        bench.parsers = vec![Box::new(process)];
    }
    if bench.parsers.is_empty() {
        let message = "no parser to compare with: build with the feature `differ`, or give \
                       `--parser-cmd`";
        return Err(Failure { exit: Exit::Nothing, message: message.to_owned() });
    }
    Ok(bench)
}

fn seeds(format: &Format, options: &DifferOptions) -> Result<Vec<Vec<u8>>, Failure> {
    super::bytes(super::named(format.target)?, &options.corpus.corpus)
}

/// Runs until time or inputs are used up, or a parser cannot be asked any more.
fn drive(campaign: &mut Campaign<'_>, options: &DifferOptions) -> Duration {
    let few = options.parser_cmd.is_some() && options.time.is_none();
    let count = options.count.unwrap_or(if few { FEW } else { u64::MAX });
    let time = options.time.unwrap_or(if count == u64::MAX { TIME } else { Duration::MAX });
    let begun = wall::now();
    while campaign.inputs() < count && begun.elapsed() < time {
        let until = count.min(campaign.inputs() + STRIDE);
        while campaign.inputs() < until {
            campaign.step();
        }
        if campaign.bench.parsers.iter().any(|parser| parser.broken().is_some()) {
            break;
        }
    }
    begun.elapsed()
}

/// Each class with its count and its ruling; new ones with a small input and all accounts.
fn tell(
    campaign: &Campaign<'_>,
    format: &'static Format,
    ledger: &Ledger,
    options: &DifferOptions,
) -> Result<(), Failure> {
    let mut again = bench(format, ledger, options)?;
    let mut told = 0;
    for (class, met) in campaign.met() {
        let ruling = ledger.cause(&class.cause).filter(|_| ledger.rules(class));
        let word = match ruling.map(|cause| cause.ruling) {
            Some(Ruling::Ours) => "ours",
            Some(Ruling::Theirs) => "theirs",
            Some(Ruling::May) => "may",
            None => "NEW",
        };
        println!("  {word:<6} {:>9}  {class}", met.times);
        let full = ruling.is_none() && told < TOLD;
        told += usize::from(full);
        if full || options.minimise {
            show(&mut again, class, &met.input, full);
        }
    }
    Ok(())
}

fn show(bench: &mut Bench<'_>, class: &Class, input: &[u8], full: bool) {
    let small = bench.minimise(input, class, MOST);
    if full {
        print!("{}", bench.side_by_side(&small));
    }
    println!("    [{}] {}", class.cause, report::line(class, &small, bench.format.is_text));
}
