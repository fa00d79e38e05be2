//! One self-contained page: grids, every run, its transcript and its ladder.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::{Report, ladder};
use crate::verdict::{RunResult, Standing, Verdict};

/// What is shown of a run before it is opened.
#[derive(Serialize)]
struct Row<'a> {
    anchor: String,
    id: &'a str,
    title: &'a str,
    implementation: &'a str,
    peers: String,
    verdict: &'static str,
    standing: &'static str,
    unexpected: bool,
    /// `seed 3`, or for the first of several `100 seeds`; empty when there is but one run.
    seeds: String,
    /// What opens, in full; empty when it is packed.
    body: String,
    /// What opens, compressed.
    packed: String,
}

/// A cell of the overview.
#[derive(Clone, Serialize)]
struct Mark {
    anchor: String,
    word: String,
    verdict: &'static str,
    standing: &'static str,
}

/// A cell of a grid.
#[derive(Serialize)]
struct Square<'a> {
    seen: &'a str,
    oracle: &'a str,
    types: &'a str,
    agrees: bool,
    anchor: &'a str,
    hint: String,
}

/// The page.
///
/// # Errors
/// A message when the template does not render.
pub fn html(report: &Report) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, text) in [("report", include_str!("report.html")), ("run", include_str!("run.html"))]
    {
        environment
            .add_template(name, text)
            .map_err(|error| format!("read the page template: {error:#}"))?;
    }
    let rows = rows(report, &environment)?;
    let anchors: BTreeMap<&str, &str> =
        rows.iter().rev().map(|row| (row.id, row.anchor.as_str())).collect();
    let (columns, overview) = overview(report, &rows);
    let counts: Vec<(&str, usize)> =
        report.counts().into_iter().map(|(verdict, count)| (verdict.word(), count)).collect();
    let unexpected = report.results.iter().filter(|r| r.standing.is_unexpected()).count();
    let render = |template: minijinja::Template<'_, '_>| {
        template.render(context! {
            report => Value::from(Serde(&Head::of(report))),
            style => include_str!("report.css"),
            script => include_str!("report.js"),
            rows => Value::from(Serde(&rows)),
            columns => columns,
            overview => Value::from(Serde(&overview)),
            grids => Value::from(Serde(&grids(report, &anchors))),
            counts => counts,
            runs => report.results.len(),
            unexpected => unexpected,
        })
    };
    environment
        .get_template("report")
        .and_then(render)
        .map_err(|error| format!("render the page: {error:#}"))
}

/// The report without its runs.
#[derive(Serialize)]
struct Head<'a> {
    rtcspec: &'a str,
    seed: Option<u64>,
    digest: &'a str,
    stale: &'a [String],
    participants: &'a [super::Participant],
}

impl<'a> Head<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            rtcspec: &report.rtcspec,
            seed: report.seed,
            digest: report.digest.get(..16).unwrap_or(&report.digest),
            stale: &report.stale,
            participants: &report.participants,
        }
    }
}

/// Every run; of many runs of one thing that are fine, only the first.
fn rows<'a>(report: &'a Report, environment: &Environment<'_>) -> Result<Vec<Row<'a>>, String> {
    let key = |result: &'a RunResult| (&result.id, &result.peers);
    let mut seeds: BTreeMap<_, usize> = BTreeMap::new();
    for result in &report.results {
        *seeds.entry(key(result)).or_default() += 1;
    }
    let mut begun = BTreeSet::new();
    let mut rows = Vec::new();
    for (index, result) in report.results.iter().enumerate() {
        let is_first = begun.insert(key(result));
        if !is_first && result.verdict.is_fine() && !result.standing.is_unexpected() {
            continue;
        }
        let many = seeds.get(&key(result)).copied().unwrap_or(1);
        let seeds = match (many, is_first) {
            (1, _) => String::new(),
            (many, true) => format!("seed {} of {many}", result.seed),
            (_, false) => format!("seed {}", result.seed),
        };
        rows.push(row(format!("run-{index}"), seeds, result, environment)?);
    }
    Ok(rows)
}

fn row<'a>(
    anchor: String,
    seeds: String,
    result: &'a RunResult,
    environment: &Environment<'_>,
) -> Result<Row<'a>, String> {
    let body = environment
        .get_template("run")
        .and_then(|template| {
            template.render(context! {
                run => Value::from(Serde(result)),
                svg => ladder::svg(&result.ladder),
            })
        })
        .map_err(|error| format!("render run {}: {error:#}", result.id))?;
    // What matters can be read without a script; the rest must not make the page heavy.
    let unexpected = result.standing.is_unexpected();
    let (body, packed) =
        if unexpected { (body, String::new()) } else { (String::new(), pack(&body)?) };
    Ok(Row {
        anchor,
        id: &result.id,
        title: &result.title,
        implementation: &result.implementation,
        peers: result.peers.join(" "),
        verdict: result.verdict.word(),
        standing: standing_word(result),
        unexpected,
        seeds,
        body,
        packed,
    })
}

fn pack(text: &str) -> Result<String, String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    packed.map(|bytes| STANDARD.encode(bytes)).map_err(|error| format!("pack a run: {error}"))
}

/// The word beside a verdict; none when it is what one expects anyway.
fn standing_word(result: &RunResult) -> &'static str {
    match result.standing {
        Standing::Expected => "",
        Standing::Xfail => "known",
        Standing::Xpass => "XPASS",
        Standing::New => "NEW",
    }
}

/// One line per scenario or case, one column per implementation and role. Grids have a table of
/// their own.
fn overview<'a>(
    report: &'a Report,
    rows: &[Row<'_>],
) -> (Vec<String>, BTreeMap<&'a str, Vec<Option<Mark>>>) {
    if !report.grids.is_empty() {
        return (Vec::new(), BTreeMap::new());
    }
    let anchors: BTreeMap<&str, &Row<'_>> =
        rows.iter().map(|row| (row.anchor.as_str(), row)).collect();
    let place = |result: &'a RunResult| match result.id.split_once('@') {
        Some((id, role)) => (id, format!("{} {role}", result.implementation)),
        None => (result.id.as_str(), result.implementation.clone()),
    };
    let columns: BTreeSet<String> = report.results.iter().map(|result| place(result).1).collect();
    let columns: Vec<String> = columns.into_iter().collect();
    let mut worst: BTreeMap<(&str, usize), (usize, usize, &RunResult)> = BTreeMap::new();
    let mut first: BTreeMap<(&str, usize), String> = BTreeMap::new();
    for (index, result) in report.results.iter().enumerate() {
        let (id, column) = place(result);
        let column = columns.iter().position(|other| *other == column).unwrap_or(0);
        let anchor = format!("run-{index}");
        let rank = (result.standing.is_unexpected(), badness(result.verdict));
        let slot = worst.entry((id, column)).or_insert((0, 0, result));
        let known = (slot.2.standing.is_unexpected(), badness(slot.2.verdict));
        slot.0 += 1;
        slot.1 += usize::from(result.verdict.is_fine());
        let shown = anchors.contains_key(anchor.as_str());
        if rank > known {
            slot.2 = result;
        }
        if shown && (rank > known || !first.contains_key(&(id, column))) {
            first.insert((id, column), anchor);
        }
    }
    let mut lines: BTreeMap<&str, Vec<Option<Mark>>> = BTreeMap::new();
    for ((id, column), (runs, fine, result)) in worst {
        let line = lines.entry(id).or_insert_with(|| vec![None; columns.len()]);
        let word = result.verdict.word();
        let word = if runs > 1 { format!("{word} {fine}/{runs}") } else { word.to_owned() };
        line[column] = Some(Mark {
            anchor: first.get(&(id, column)).cloned().unwrap_or_default(),
            word,
            verdict: result.verdict.word(),
            standing: standing_word(result),
        });
    }
    (columns, lines)
}

fn badness(verdict: Verdict) -> usize {
    Verdict::ALL.iter().position(|other| *other == verdict).unwrap_or(usize::MAX)
}

#[derive(Serialize)]
struct Sheet<'a> {
    title: &'a str,
    rows: &'a [String],
    columns: &'a [String],
    agreeing: usize,
    cells: usize,
    lines: Vec<Vec<Square<'a>>>,
}

fn grids<'a>(report: &'a Report, anchors: &BTreeMap<&str, &'a str>) -> Vec<Sheet<'a>> {
    let reasons: BTreeMap<&str, &RunResult> =
        report.results.iter().map(|result| (result.id.as_str(), result)).collect();
    let square = |cell: &'a super::Cell| {
        let mut hint = format!("{}: seen {}, oracle {}", cell.run, cell.seen, cell.oracle);
        if let Some(reason) = reasons.get(cell.run.as_str()).and_then(|run| run.reason.as_ref()) {
            hint = format!("{hint}; known: {reason}");
        }
        Square {
            seen: &cell.seen,
            oracle: &cell.oracle,
            types: &cell.types,
            agrees: cell.agrees,
            anchor: anchors.get(cell.run.as_str()).copied().unwrap_or_default(),
            hint,
        }
    };
    let sheet = |grid: &'a super::Grid| Sheet {
        title: &grid.title,
        rows: &grid.rows,
        columns: &grid.columns,
        agreeing: grid.played().filter(|cell| cell.agrees).count(),
        cells: grid.played().count(),
        lines: grid.cells.iter().map(|row| row.iter().map(square).collect()).collect(),
    };
    report.grids.iter().map(sheet).collect()
}
