//! `rtcspec fuzz run`.

use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rtcspec_control::wall;
use rtcspec_fuzz::campaign::{Campaign, Found, minimise};
use rtcspec_fuzz::corpus;
use rtcspec_fuzz::target::Target;

use super::args::CampaignOptions;
use crate::exit::{Exit, Failure, Outcome};

/// Time for a target if nothing else is said.
const TIME: Duration = Duration::from_secs(60);
/// Executions between looks at the clock.
const STRIDE: u64 = 256;
/// Executions to spend on making one finding smaller.
const MOST: usize = 20_000;

pub(super) fn run(options: &CampaignOptions) -> Outcome {
    let mut found = 0;
    for target in super::chosen(&options.targets)? {
        let inputs = super::bytes(target, &options.corpus.corpus)?;
        let mut campaign = Campaign::new(target, inputs, options.seed);
        let taken = drive(&mut campaign, target, options);
        summary(&campaign, target, taken);
        for found in campaign.findings().values() {
            write(target, found, &options.findings)?;
        }
        if options.grow {
            grow(&campaign, target, &options.corpus.corpus)?;
        }
        found += campaign.findings().len();
    }
    Ok(if found == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

/// Runs until time or executions are used up.
fn drive(campaign: &mut Campaign, target: &Target, options: &CampaignOptions) -> Duration {
    let time = match (options.time, options.executions) {
        (Some(time), _) => time,
        (None, Some(_)) => Duration::MAX,
        (None, None) => TIME,
    };
    let executions = options.executions.unwrap_or(u64::MAX);
    let bar = progress(target);
    let begun = wall::now();
    while campaign.executions() < executions && begun.elapsed() < time {
        let until = executions.min(campaign.executions() + STRIDE);
        while campaign.executions() < until {
            campaign.step();
        }
        if options.first && !campaign.findings().is_empty() {
            break;
        }
        bar.set_message(line(campaign, begun.elapsed()));
        bar.tick();
    }
    bar.finish_and_clear();
    begun.elapsed()
}

fn progress(target: &Target) -> ProgressBar {
    let shown = if stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(4)
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{prefix} {elapsed} {msg}");
    let bar = ProgressBar::with_draw_target(None, shown).with_prefix(target.name);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn line(campaign: &Campaign, taken: Duration) -> String {
    let executions = campaign.executions();
    let rate = (executions as f64 / taken.as_secs_f64().max(1e-3)) as u64;
    let (features, grown) = (campaign.features(), campaign.grown().len());
    let findings = campaign.findings().len();
    format!(
        "{executions} executions, {rate}/s, {features} features, {grown} new inputs, {findings} findings"
    )
}

fn summary(campaign: &Campaign, target: &Target, taken: Duration) {
    println!("{:<16} {}", target.name, line(campaign, taken));
    let missing = target.situations.iter().filter(|name| !campaign.reached().contains(*name));
    let missing: Vec<&str> = missing.copied().collect();
    if !missing.is_empty() {
        println!("  not reached: {}", missing.join(", "));
    }
}

/// Writes a finding: the input made small, and beside it what it breaks and how to see that again.
fn write(target: &Target, found: &Found, into: &Path) -> Result<(), Failure> {
    let class = found.finding.class();
    let small = minimise(target.body, &found.input, &class, MOST);
    let folder = into.join(target.name);
    let path = folder.join(format!("{}-{}.bin", found.finding.oracle.name(), corpus::name(&small)));
    let mut text =
        format!("{}\n\nfound at execution {}, {} times; ", found.finding, found.at, found.times);
    let _ = writeln!(text, "{} bytes, {} once minimised", found.input.len(), small.len());
    let _ = writeln!(text, "again: rtcspec fuzz replay {} {}", target.name, path.display());
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, &small))
        .and_then(|()| fs::write(path.with_extension("txt"), &text));
    written.map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))?;
    println!("  {}\n    {}", super::shortened(&found.finding.to_string()), path.display());
    Ok(())
}

fn grow(campaign: &Campaign, target: &Target, folder: &Path) -> Result<(), Failure> {
    let added = corpus::grow(target, folder, campaign.grown());
    let added = added.map_err(|error| Failure::usage(format!("add to the corpus: {error}")))?;
    println!("  {added} inputs added to {}", corpus::pack(target, folder).display());
    Ok(())
}
