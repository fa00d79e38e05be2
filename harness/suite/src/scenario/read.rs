//! From text to a scenario, or to errors that name the place.

use std::collections::BTreeMap;

use super::check::check;
use super::error::{Collector, ScenarioError, did_you_mean};
use super::file::File;
use super::matrix;

/// A scenario that has been read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Path below `scenarios/` without its ending, e.g. `nat/full-cone-symmetric`.
    pub id: String,
    /// The text.
    pub text: String,
    /// The file as written.
    pub file: File,
    /// One per combination of matrix values; one without a matrix.
    pub variants: Vec<Variant>,
}

/// A scenario with one combination of its matrix values filled in.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The values, by their dotted keys, as text.
    pub values: BTreeMap<String, String>,
    /// The file with the values in place.
    pub file: File,
}

impl Variant {
    /// `nat.home.ports=random`, or empty without a matrix.
    #[must_use]
    pub fn suffix(&self) -> String {
        let parts: Vec<_> =
            self.values.iter().map(|(key, value)| format!("{key}={value}")).collect();
        parts.join(",")
    }
}

/// Reads a scenario file. `id` is its path without ending.
///
/// # Errors
/// Every problem found, each with its place and, where one is near, the word that was meant.
pub fn read(id: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let name = format!("{id}.toml");
    let mut problems = Collector::new(&name, text);
    let Some(file) = parse(text, &mut problems) else {
        return Err(problems.finish().expect_err("invariant: parse fails only with a problem"));
    };
    check(&file, &mut problems);
    let variants =
        if problems.is_empty() { matrix::expand(&file, text, &mut problems) } else { Vec::new() };
    problems.finish()?;
    Ok(Scenario { id: id.to_owned(), text: text.to_owned(), file, variants })
}

fn parse(text: &str, problems: &mut Collector) -> Option<File> {
    match toml::from_str::<File>(text) {
        Ok(file) => Some(file),
        Err(error) => {
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            let help = suggestion(&message);
            problems.add(short(&message), error.span(), "here", help);
            None
        }
    }
}

/// serde lists every known word after an unknown one: keep the head, the help names the nearest.
fn short(message: &str) -> String {
    match message.split_once(", expected") {
        Some((head, _)) if head.starts_with("unknown ") => head.to_owned(),
        _ => message.to_owned(),
    }
}

fn suggestion(message: &str) -> Option<String> {
    let (head, expected) = message.split_once(", expected")?;
    if !head.starts_with("unknown ") {
        return None;
    }
    let word = head.split('`').nth(1)?;
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    did_you_mean(word, known)
}
