//! `rtcspec fuzz run`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rtcspec_control::wall;
use rtcspec_fuzz::campaign::{Campaign, Found, minimise};
use rtcspec_fuzz::corpus;
use rtcspec_fuzz::target::Target;

use super::args::CampaignOptions;
use super::watch;
use crate::exit::{Exit, Failure, Outcome};

/// Time for a target if nothing else is said.
const TIME: Duration = Duration::from_secs(60);
/// Executions between looks at the clock.
const STRIDE: u64 = 256;
/// Executions to spend on making one finding smaller.
const MOST: usize = 20_000;

/// Runs a process for each target: what one dies of ends no other.
pub(super) fn each_apart(options: &CampaignOptions) -> Outcome {
    let mut outcome = Exit::AsExpected;
    for target in super::chosen(&options.targets)? {
        let ended = watch::apart(Some(target.name), &options.findings, &options.findings)?;
        if ended != Exit::AsExpected {
            outcome = ended;
        }
    }
    Ok(outcome)
}

pub(super) fn run(options: &CampaignOptions) -> Outcome {
    let targets = match watch::only() {
        Some(name) => vec![super::named(&name)?],
        None => super::chosen(&options.targets)?,
    };
    let mut found = 0;
    for target in targets {
        let inputs = super::bytes(target, &options.corpus.corpus)?;
        let body = watch::watched(target);
        let mut campaign = Campaign::with_body(target, body, inputs, options.seed);
        let mut desk = Desk::new(target, &options.findings);
        let taken = drive(&mut campaign, &mut desk, options)?;
        summary(&campaign, target, taken);
        desk.make_small(&campaign)?;
        if options.grow {
            grow(&campaign, target, &options.corpus.corpus)?;
        }
        found += campaign.findings().len();
    }
    Ok(if found == 0 { Exit::AsExpected } else { Exit::Unexpected })
}

/// Runs until time or executions are used up.
fn drive(
    campaign: &mut Campaign,
    desk: &mut Desk,
    options: &CampaignOptions,
) -> Result<Duration, Failure> {
    let time = match (options.time, options.executions) {
        (Some(time), _) => time,
        (None, Some(_)) => Duration::MAX,
        (None, None) => TIME,
    };
    let executions = options.executions.unwrap_or(u64::MAX);
    let bar = progress(desk.target);
    let begun = wall::now();
    desk.write_new(campaign)?;
    while campaign.executions() < executions && begun.elapsed() < time {
        let until = executions.min(campaign.executions() + STRIDE);
        while campaign.executions() < until {
            if campaign.step() {
                desk.write_new(campaign)?;
            }
        }
        if options.first && !campaign.findings().is_empty() {
            break;
        }
        bar.set_message(line(campaign, begun.elapsed()));
        bar.tick();
    }
    bar.finish_and_clear();
    Ok(begun.elapsed())
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
    if campaign.dropped() > 0 {
        let (more, kept) = (campaign.dropped(), campaign.findings().len());
        println!("  {more} more findings are of other classes than the first {kept}, and not kept");
    }
}

/// Where findings of a target are written down, each when its class is new.
struct Desk {
    target: &'static Target,
    folder: PathBuf,
    written: BTreeMap<String, PathBuf>,
}

impl Desk {
    fn new(target: &'static Target, findings: &Path) -> Self {
        Self { target, folder: findings.join(target.name), written: BTreeMap::new() }
    }

    /// Writes down what is new, as it is: whatever becomes of the campaign, it is there.
    fn write_new(&mut self, campaign: &Campaign) -> Result<(), Failure> {
        if campaign.findings().len() == self.written.len() {
            return Ok(());
        }
        for (class, found) in campaign.findings() {
            if !self.written.contains_key(class) {
                let path = self.write(found, &found.input)?;
                self.written.insert(class.clone(), path);
            }
        }
        Ok(())
    }

    /// Writes the inputs made small in the place of what was written first.
    fn make_small(&self, campaign: &Campaign) -> Result<(), Failure> {
        for (class, found) in campaign.findings() {
            let small = minimise(watch::watched(self.target), &found.input, class, MOST);
            if let Some(before) = self.written.get(class) {
                super::discard(before);
            }
            let path = self.write(found, &small)?;
            println!("  {}\n    {}", super::shortened(&found.finding.to_string()), path.display());
        }
        Ok(())
    }

    /// Writes an input that shows a finding, and beside it what it breaks and how to see that again.
    fn write(&self, found: &Found, input: &[u8]) -> Result<PathBuf, Failure> {
        let Found { finding, at, times, .. } = found;
        let path = super::place(&self.folder, finding, input);
        let (name, place) = (self.target.name, path.display());
        let (length, here) = (found.input.len(), input.len());
        let about = format!(
            "{finding}\n\nfound at execution {at}, {times} times; {length} bytes, {here} here\n\
             again: rtcspec fuzz replay {name} {place}\n"
        );
        super::save(&path, input, &about)?;
        Ok(path)
    }
}

fn grow(campaign: &Campaign, target: &Target, folder: &Path) -> Result<(), Failure> {
    let added = corpus::grow(target, watch::watched(target), folder, campaign.grown());
    let added = added.map_err(|error| Failure::usage(format!("add to the corpus: {error}")))?;
    println!("  {added} inputs added to {}", corpus::pack(target, folder).display());
    Ok(())
}
