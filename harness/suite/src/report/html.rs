//! One self-contained page: grids, every run, its transcript and its ladder.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::{Report, ladder};
use crate::verdict::RunResult;

#[derive(Serialize)]
struct Run<'a> {
    #[serde(flatten)]
    result: &'a RunResult,
    anchor: String,
    standing_word: &'static str,
    svg: String,
}

/// The page.
///
/// # Errors
/// A message when the template does not render.
pub fn html(report: &Report) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment
        .add_template("report", include_str!("report.html"))
        .map_err(|error| format!("read the page template: {error:#}"))?;
    let runs: Vec<Run<'_>> = report
        .results
        .iter()
        .enumerate()
        .map(|(index, result)| Run {
            result,
            anchor: format!("run-{index}"),
            standing_word: result.standing.word(),
            svg: ladder::svg(&result.ladder),
        })
        .collect();
    let counts: Vec<(&str, usize)> =
        report.counts().into_iter().map(|(verdict, count)| (verdict.word(), count)).collect();
    environment
        .get_template("report")
        .and_then(|template| {
            template.render(context! {
                report => Value::from(Serde(report)),
                runs => Value::from(Serde(&runs)),
                counts => counts,
                unexpected => report.is_unexpected(),
            })
        })
        .map_err(|error| format!("render the page: {error:#}"))
}
