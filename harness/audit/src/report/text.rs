//! Text for people: by connection, what came of it, then what was broken.

use std::fmt::Write as _;

use rtcspec_trace::{Party, printable};

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
    out.push('\n');
    line(out, &format!("  {}: {verdict}{came}", connection.name));
    for found in &connection.findings {
        finding(out, found);
    }
    for further in &connection.further {
        let (level, rule, who) = (further.level, further.rule, by(further.who));
        line(out, &format!("    {level} {rule}{who}, {}", further.words()));
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
    let who = by(found.who);
    let mut head = format!("    {} {}{who}, {}", found.level, found.rule, frames(found));
    if found.times > 1 {
        let _ = write!(head, ", {} times", found.times);
    }
    line(out, &head);
    line(out, &format!("      seen      {}", found.seen));
    line(out, &format!("      expected  {} ({})", found.expected, found.cite));
    line(out, &format!("      do        {}", found.advice));
}

/// ` by A`, where it is known.
fn by(who: Option<Party>) -> String {
    who.map_or_else(String::new, |party| format!(" by {}", party.letter()))
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
    let count = |level| report.findings().filter(|(_, _, f)| f.level == level).count() as u64;
    let connections: usize = report.files.iter().map(|file| file.connections.len()).sum();
    let further: u64 = report.further().map(|(_, further)| further.times).sum();
    let mut words = vec![
        counted(count(Level::Violation), "violation"),
        counted(count(Level::Warning), "warning"),
        counted(count(Level::Note), "note"),
    ];
    words.extend((further > 0).then(|| counted(further, "further finding")));
    format!(
        "\n{}, {}: {}\n",
        counted(report.files.len() as u64, "file"),
        counted(connections as u64, "connection"),
        words.join(", ")
    )
}

/// `1 file`, `2 files`.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A line of a terminal: of what comes from captures and peers, nothing may be more than that.
fn line(out: &mut String, text: &str) {
    out.push_str(&printable(text.trim_end()));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Further;

    fn report() -> Report {
        let finding = Reported {
            rule: "ice.username",
            level: Level::Violation,
            who: Some(Party::B),
            at_us: 0,
            frames: vec![1],
            times: 1,
            expected: "a ufrag of the sender".to_owned(),
            seen: "x\u{1b}[31mRED\n\n1 file, 1 connection: 0 violations".to_owned(),
            cite: "RFC 8445 §7.2.2".to_owned(),
            url: String::new(),
            advice: "",
        };
        let level = Level::Violation;
        let further = Further { rule: "dc.ppid", level, who: Some(Party::A), times: 5 };
        let connection = ConnectionReport {
            name: "connection 1".to_owned(),
            findings: vec![finding],
            further: vec![further],
            ..ConnectionReport::default()
        };
        let file = FileReport { connections: vec![connection], ..FileReport::default() };
        Report { files: vec![file] }
    }

    #[test]
    fn what_a_peer_says_stays_on_its_line() {
        let told = text(&report(), false);
        assert!(!told.contains('\u{1b}'), "{told}");
        assert!(told.contains("seen      x\\u{1b}[31mRED\\n\\n1 file, 1 connection"), "{told}");
        assert!(told.lines().all(|line| !line.starts_with("1 file, 1 connection: 0")), "{told}");
    }

    #[test]
    fn findings_that_are_not_listed_are_told() {
        let told = text(&report(), false);
        let line = "    V dc.ppid by A, 5 further findings that are not listed";
        assert!(told.lines().any(|one| one == line), "{told}");
        let last = "1 file, 1 connection: 1 violation, 0 warnings, 0 notes, 5 further findings";
        assert_eq!(told.lines().last(), Some(last));
    }
}
