//! `[matrix]`: one file, several runs.

use std::collections::BTreeMap;

use super::check::check;
use super::error::{Collector, did_you_mean};
use super::file::File;
use super::read::Variant;

/// Most runs one file may unfold into.
const MOST_VARIANTS: usize = 64;

/// Fills every combination of matrix values into the file.
pub(super) fn expand(file: &File, text: &str, problems: &mut Collector) -> Vec<Variant> {
    if file.matrix.is_empty() {
        return vec![Variant { values: BTreeMap::new(), file: file.clone() }];
    }
    let place = text.find("[matrix]").map(|start| start..start + "[matrix]".len());
    // Counted before they are made: a few keys with a few values each are more than memory holds.
    let runs = file.matrix.values().fold(1_usize, |runs, values| runs.saturating_mul(values.len()));
    if runs == 0 || runs > MOST_VARIANTS {
        let message = format!("the matrix unfolds into {runs} runs");
        let help = format!("give every key at least one value, and at most {MOST_VARIANTS} runs");
        problems.add(message, place, "this matrix", Some(help));
        return Vec::new();
    }
    let mut combinations: Vec<Vec<(&str, &toml::Value)>> = vec![Vec::new()];
    for (key, values) in &file.matrix {
        combinations = combinations
            .iter()
            .flat_map(|head| {
                values.iter().map(move |value| {
                    let mut combination = head.clone();
                    combination.push((key.as_str(), value));
                    combination
                })
            })
            .collect();
    }
    combinations
        .into_iter()
        .filter_map(|combination| match fill(text, &combination, problems) {
            Ok(variant) => Some(variant),
            Err(error) => {
                problems.add(error.message, place.clone(), "this matrix", error.help);
                None
            }
        })
        .collect()
}

struct MatrixError {
    message: String,
    help: Option<String>,
}

fn fill(
    text: &str,
    combination: &[(&str, &toml::Value)],
    problems: &mut Collector,
) -> Result<Variant, MatrixError> {
    let plain = |message: String| MatrixError { message, help: None };
    let mut tree: toml::Table = text.parse().map_err(|error| plain(format!("{error}")))?;
    tree.remove("matrix");
    for (key, value) in combination {
        set(&mut tree, key, (*value).clone())?;
    }
    let described = combination
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect::<Vec<_>>()
        .join(", ");
    let filled = toml::to_string(&tree).map_err(|error| plain(error.to_string()))?;
    let mut file: File = toml::from_str(&filled)
        .map_err(|error| plain(format!("with {described}: {}", error.message())))?;
    let values: BTreeMap<String, String> =
        combination.iter().map(|(key, value)| ((*key).to_owned(), plain_text(value))).collect();
    keep_what_applies(&mut file, &values);
    let mut own = Collector::new(&described, &filled);
    check(&file, &mut own);
    if let Err(error) = own.finish() {
        for problem in error.problems {
            let message = format!("with {described}: {}", problem.message);
            problems.add(message, None, "", problem.help);
        }
    }
    Ok(Variant { values, file })
}

/// Drops steps and expectations whose condition does not hold; the rest loses its condition.
fn keep_what_applies(file: &mut File, values: &BTreeMap<String, String>) {
    let holds = |condition: &BTreeMap<String, toml::Value>| {
        condition.iter().all(|(key, wanted)| {
            values.get(key).is_some_and(|value| match wanted {
                toml::Value::Array(any) => any.iter().any(|wanted| plain_text(wanted) == *value),
                wanted => plain_text(wanted) == *value,
            })
        })
    };
    file.steps.retain(|step| holds(&step.get_ref().condition));
    file.expect.retain(|expect| holds(&expect.get_ref().condition));
    for expect in &mut file.expect {
        expect.get_mut().condition.clear();
    }
}

/// A value without the quotes of a string, as conditions and names show it.
fn plain_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn set(tree: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), MatrixError> {
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut table = tree;
    for part in parts {
        let known: Vec<String> = table.keys().cloned().collect();
        table = match table.get_mut(part) {
            Some(toml::Value::Table(inner)) => inner,
            _ => {
                return Err(MatrixError {
                    message: format!("matrix key `{key}`: there is no section `{part}`"),
                    help: did_you_mean(part, known.iter().map(String::as_str).collect::<Vec<_>>()),
                });
            }
        };
    }
    table.insert(last.to_owned(), value);
    Ok(())
}
