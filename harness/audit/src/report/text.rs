//! Text for people: by connection, what came of it, then what was broken.

use std::fmt::Write as _;

use super::{ConnectionReport, Diagnosis, FileReport, Report, Reported};
use crate::rule::Level;

/// Lines that are told of what stays closed in one file.
const CLOSED: usize = 10;

/// The report for a terminal; with `all`, every rule that held or had nothing to judge is named.
#[must_use]
pub fn text(report: &Report, all: bool) -> String {
    let mut out = String::new();
    for file in &report.files {
        head(&mut out, file);
        for connection in &file.connections {
            one(&mut out, connection, all);
        }
    }
    out.push_str(&summary(report));
    out
}

fn head(out: &mut String, file: &FileReport) {
    let (frames, found) = (file.frames, file.connections.len());
    let plural = if found == 1 { "" } else { "s" };
    line(out, &format!("{}: {frames} frames, {found} connection{plural}", file.file));
    for problem in &file.problems {
        line(out, &format!("  ! {problem}"));
    }
    for closed in file.closed.iter().take(CLOSED) {
        line(out, &format!("  closed: {closed}"));
    }
    if let Some(more) = file.closed.len().checked_sub(CLOSED).filter(|more| *more > 0) {
        line(out, &format!("  closed: {more} more; --format json tells all"));
    }
}

fn one(out: &mut String, connection: &ConnectionReport, all: bool) {
    let Diagnosis { line: came, connected, dtls, sctp, channel, .. } = &connection.diagnosis;
    let begun = [dtls, sctp, channel].iter().any(|layer| !layer.is_empty());
    let verdict = match connected {
        true if begun => "came up: ",
        true => "",
        false => "DID NOT COME UP: ",
    };
    line(out, &format!("\n  {}: {verdict}{came}", connection.name));
    for found in &connection.findings {
        finding(out, found);
    }
    let times: u64 = connection.held.iter().map(|held| held.times).sum();
    line(out, &format!("    held: {} rules, {times} times", connection.held.len()));
    if all {
        for held in &connection.held {
            line(out, &format!("      {:26} {:>8}", held.rule, held.times));
        }
    }
    let silent = connection.silent.len();
    if silent > 0 {
        let names: Vec<&str> = connection.silent.iter().map(|silent| silent.rule).collect();
        let names = if all { String::new() } else { format!(": {}", names.join(" ")) };
        line(out, &format!("    no opportunity: {silent} rules{names}"));
    }
    if all {
        for silent in &connection.silent {
            line(out, &format!("      {:26} {}", silent.rule, silent.why));
        }
    }
}

fn finding(out: &mut String, found: &Reported) {
    let who = found.who.map_or_else(String::new, |party| format!(" by {}", party.letter()));
    let mut head = format!("    {} {}{who}, {}", found.level, found.rule, frames(found));
    if found.times > 1 {
        let _ = write!(head, ", {} times", found.times);
    }
    line(out, &head);
    line(out, &format!("      seen      {}", found.seen));
    line(out, &format!("      expected  {} ({})", found.expected, found.cite));
    line(out, &format!("      do        {}", found.advice));
}

/// `frame 7`, `frames 7 9 12`.
pub(super) fn frames(found: &Reported) -> String {
    let numbers: Vec<String> = found.frames.iter().map(ToString::to_string).collect();
    match numbers.len() {
        0 => "signalling".to_owned(),
        1 => format!("frame {}", numbers[0]),
        _ => format!("frames {}", numbers.join(" ")),
    }
}

fn summary(report: &Report) -> String {
    let count = |level| report.findings().filter(|(_, _, f)| f.level == level).count();
    let connections: usize = report.files.iter().map(|file| file.connections.len()).sum();
    format!(
        "\n{}, {}: {}, {}, {}\n",
        counted(report.files.len(), "file"),
        counted(connections, "connection"),
        counted(count(Level::Violation), "violation"),
        counted(count(Level::Warning), "warning"),
        counted(count(Level::Note), "note")
    )
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
