//! SARIF 2.1.0, for code scanning and its viewers.

use serde_json::{Value, json as value};

use super::{FileReport, Report, Reported};
use crate::registry;
use crate::rule::Level;

/// The report as SARIF; its rule table holds every rule.
#[must_use]
pub fn sarif(report: &Report) -> String {
    let rules: Vec<Value> = registry::all().map(|rule| descriptor(rule.about())).collect();
    let results: Vec<Value> =
        report.findings().map(|(file, _, finding)| result(file, finding)).collect();
    let body = value!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "rtcspec",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    });
    format!("{body:#}\n")
}

fn descriptor(about: &crate::About) -> Value {
    let cites: Vec<String> = about.cites.iter().map(ToString::to_string).collect();
    value!({
        "id": about.id,
        "shortDescription": { "text": about.summary },
        "fullDescription": { "text": about.doc },
        "help": { "text": format!("{} ({})", about.advice, cites.join(", ")) },
        "helpUri": about.cites[0].url(),
        "defaultConfiguration": { "level": word(about.level) },
    })
}

fn result(file: &FileReport, finding: &Reported) -> Value {
    let frames = finding.frames.iter().map(ToString::to_string).collect::<Vec<String>>();
    let text = format!(
        "{}: expected {}; seen {} (frames {}, {} times)",
        finding.cite,
        finding.expected,
        finding.seen,
        frames.join(" "),
        finding.times
    );
    value!({
        "ruleId": finding.rule,
        "ruleIndex": registry::all().position(|rule| rule.about().id == finding.rule),
        "level": word(finding.level),
        "message": { "text": text },
        "occurrenceCount": finding.times,
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": file.file.replace('\\', "/") } },
        }],
        "properties": {
            "frames": finding.frames,
            "side": finding.who.map(|party| party.letter().to_string()),
        },
    })
}

/// SARIF's words for levels.
const fn word(level: Level) -> &'static str {
    match level {
        Level::Violation => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}
