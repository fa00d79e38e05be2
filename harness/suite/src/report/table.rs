//! Plain text: the table, the details of what went wrong, the last line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rtcspec_audit::Level;

use super::{Grid, Report};
use crate::verdict::{RunResult, Standing, Verdict};

/// One row per run id, one column per implementation.
#[must_use]
pub fn table(report: &Report) -> String {
    let names: BTreeSet<&str> =
        report.results.iter().map(|result| result.implementation.as_str()).collect();
    let mut rows: BTreeMap<&str, BTreeMap<&str, Vec<&RunResult>>> = BTreeMap::new();
    for result in &report.results {
        let row = rows.entry(&result.id).or_default();
        row.entry(&result.implementation).or_default().push(result);
    }
    let first = rows.keys().map(|id| id.chars().count()).max().unwrap_or(0).max("scenario".len());
    let mut text = String::new();
    let _ = write!(text, "{:first$}", "scenario");
    for name in &names {
        let _ = write!(text, "  {name:14}");
    }
    text.push('\n');
    for (id, row) in rows {
        let _ = write!(text, "{id:first$}");
        for name in &names {
            let cell = row.get(name).map_or(String::from("-"), |runs| cell(runs));
            let _ = write!(text, "  {cell:14}");
        }
        let trimmed = text.trim_end().len();
        text.truncate(trimmed);
        text.push('\n');
    }
    text
}

/// The worst verdict of the runs of one cell, with its standing when that is remarkable.
fn cell(runs: &[&RunResult]) -> String {
    let worst = runs.iter().max_by_key(|run| {
        (run.standing.is_unexpected(), Verdict::ALL.iter().position(|v| *v == run.verdict))
    });
    let Some(worst) = worst else { return "-".to_owned() };
    let word = worst.verdict.word();
    match worst.standing {
        Standing::Expected => word.to_owned(),
        Standing::Xfail => format!("{word} (known)"),
        Standing::Xpass => format!("{word} (XPASS)"),
        Standing::New => format!("{word} (NEW)"),
    }
}

/// Everything about the runs that were not as expected.
#[must_use]
pub fn details(report: &Report) -> String {
    let mut text = String::new();
    for result in report.results.iter().filter(|result| result.standing.is_unexpected()) {
        text.push_str(&describe(result));
        text.push('\n');
    }
    for line in &report.stale {
        let _ = writeln!(text, "STALE  {line}");
    }
    text
}

/// One run: requirement, expected, actual, lines, layer, seed, and how to repeat it.
pub(super) fn describe(result: &RunResult) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} ({})  {}  [{}]",
        result.verdict.word(),
        result.standing.word(),
        result.id,
        result.peers.join(" ")
    );
    let _ = writeln!(text, "  {}", result.title);
    if result.standing == Standing::Xpass {
        let _ = writeln!(text, "  expected a failure: {}", result.reason.as_deref().unwrap_or(""));
    }
    let mut told = BTreeSet::new();
    for finding in result.findings.iter().filter(|finding| !finding.verdict.is_fine()) {
        let _ = writeln!(text, "  requirement  {}", finding.requirement);
        let _ = writeln!(text, "  expected     {}", finding.expected);
        let _ = writeln!(text, "  actual       {}", finding.actual);
        let _ = writeln!(text, "  layer        {}", finding.layer.word());
        // The lines of a layer are the same for each of its findings.
        if told.insert(&finding.lines) {
            for line in &finding.lines {
                let _ = writeln!(text, "    | {line}");
            }
        }
    }
    for nat in &result.nats {
        let _ = writeln!(text, "  network      {nat}");
    }
    let _ = writeln!(text, "  seed         {}", result.seed);
    let _ = writeln!(text, "  repeat       {}", result.repeat);
    text
}

/// The last line: counts of verdicts and what was unexpected.
#[must_use]
pub fn summary(report: &Report) -> String {
    let counts: Vec<String> = report
        .counts()
        .into_iter()
        .map(|(verdict, count)| format!("{count} {}", verdict.word()))
        .collect();
    let known = report.results.iter().filter(|r| r.standing == Standing::Xfail).count();
    let unexpected = report.results.iter().filter(|r| r.standing.is_unexpected()).count();
    let mut text = format!("{} runs: {}", report.results.len(), counts.join(", "));
    let _ = write!(text, "; {known} known, {unexpected} unexpected");
    if !report.stale.is_empty() {
        let _ = write!(text, ", {} stale expectations", report.stale.len());
    }
    let [violations, warnings, notes] = [Level::Violation, Level::Warning, Level::Note]
        .map(|level| report.results.iter().map(|result| result.audit.count(level)).sum::<usize>());
    let _ = write!(
        text,
        "; audit of the peers under test: {violations} violations, {warnings} warnings, {notes} notes"
    );
    text
}

/// What a grid means, in one line.
const LEGEND: &str = "Rows: the offerer's edge; columns: the answerer's. D direct, R relayed, X nothing, - \
     unsupported; then the\npair's candidate types, offerer/answerer (host, srflx, prflx, relay). \
     X!R: seen X, the oracle says R.";

/// The grids as text: the first, every other that differs from the oracle, and all in one line
/// each; with several implementations, who agrees with the oracle in how many cells against whom.
#[must_use]
pub fn grids(report: &Report) -> String {
    let mut text = String::new();
    for (index, shown) in report.grids.iter().enumerate() {
        if index == 0 || agreeing(shown) < cells(shown) {
            let _ = writeln!(text, "{}", grid(shown));
        }
    }
    if !text.is_empty() {
        let _ = writeln!(text, "{LEGEND}\n");
    }
    for shown in &report.grids {
        let (agreeing, cells) = (agreeing(shown), cells(shown));
        let _ = writeln!(text, "{agreeing:4} of {cells} cells as the oracle says  {}", shown.title);
    }
    text.push('\n');
    text
}

fn cells(grid: &Grid) -> usize {
    grid.played().count()
}

fn agreeing(grid: &Grid) -> usize {
    grid.played().filter(|cell| cell.agrees).count()
}

/// A grid as text.
fn grid(grid: &Grid) -> String {
    let first = grid.rows.iter().map(String::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells =
            grid.cells.iter().filter_map(|row| row.get(column)).map(|cell| show(cell).len());
        cells.chain([grid.columns[column].len()]).max().unwrap_or(0)
    };
    let mut text = format!("{}\n{:first$}", grid.title, "");
    for (column, name) in grid.columns.iter().enumerate() {
        let _ = write!(text, "  {name:w$}", w = width(column));
    }
    text.push('\n');
    for (name, row) in grid.rows.iter().zip(&grid.cells) {
        let _ = write!(text, "{name:first$}");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(text, "  {:w$}", show(cell), w = width(column));
        }
        let trimmed = text.trim_end().len();
        text.truncate(trimmed);
        text.push('\n');
    }
    text
}

fn show(cell: &super::Cell) -> String {
    let types = if cell.types.is_empty() { String::new() } else { format!(" {}", cell.types) };
    if cell.agrees {
        format!("{}{types}", cell.seen)
    } else {
        format!("{}!{}{types}", cell.seen, cell.oracle)
    }
}
