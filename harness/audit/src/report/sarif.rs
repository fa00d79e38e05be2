//! SARIF 2.1.0, for code scanning and its viewers.

use serde_json::{Value, json as value};

use super::text::{counted, frames};
use super::{FileReport, Further, Report, Reported};
use crate::registry;
use crate::rule::Level;

/// The report as SARIF; its rule table holds every rule.
#[must_use]
pub fn sarif(report: &Report) -> String {
    let rules: Vec<Value> = registry::all().map(|rule| descriptor(rule.about())).collect();
    let found = report.findings().map(|(file, _, finding)| result(file, finding));
    let more = report.further().map(|(file, further)| further_result(file, further));
    let results: Vec<Value> = found.chain(more).collect();
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
    let text = format!(
        "{}: expected {}; seen {} ({}, {})",
        finding.cite,
        finding.expected,
        finding.seen,
        frames(finding),
        counted(finding.times, "time")
    );
    value!({
        "ruleId": finding.rule,
        "ruleIndex": registry::place(finding.rule),
        "level": word(finding.level),
        "message": { "text": text },
        "occurrenceCount": finding.times,
        "locations": locations(file),
        "properties": {
            "frames": finding.frames,
            "side": finding.who.map(|party| party.letter().to_string()),
        },
    })
}

fn further_result(file: &FileReport, further: &Further) -> Value {
    value!({
        "ruleId": further.rule,
        "ruleIndex": registry::place(further.rule),
        "level": word(further.level),
        "message": { "text": further.words() },
        "occurrenceCount": further.times,
        "locations": locations(file),
        "properties": { "side": further.who.map(|party| party.letter().to_string()) },
    })
}

fn locations(file: &FileReport) -> Value {
    value!([{ "physicalLocation": { "artifactLocation": { "uri": uri(&file.file) } } }])
}

/// A path as a relative reference: whatever may not stand in one is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into());
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// SARIF's words for levels.
const fn word(level: Level) -> &'static str {
    match level {
        Level::Violation => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references_and_what_has_no_frames_is_of_the_signalling() {
        assert_eq!(uri("dir\\my call: ü%.pcap"), "dir/my%20call%3A%20%C3%BC%25.pcap");
        let finding = Reported {
            rule: "ice.credentials",
            level: Level::Violation,
            who: None,
            at_us: 0,
            frames: Vec::new(),
            times: 1,
            expected: "this".to_owned(),
            seen: "that".to_owned(),
            cite: "RFC 8839 §5.4".to_owned(),
            url: String::new(),
            advice: "",
        };
        let file = FileReport { file: "my call.pcap".to_owned(), ..FileReport::default() };
        let result = result(&file, &finding);
        let text = "RFC 8839 §5.4: expected this; seen that (signalling, 1 time)";
        assert_eq!(result["message"]["text"], text);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(place["uri"], "my%20call.pcap");
    }
}
