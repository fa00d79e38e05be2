//! What came of it, in the Markdown of a job's summary: the counts, and what needs a look.

use std::fmt::Write as _;

use super::{Report, summary};
use crate::verdict::{Finding, RunResult};

/// Most runs that are told one by one; a summary may have a megabyte.
const MOST: usize = 100;

/// Counts, unexpected results with what was expected and seen, known ones with their reasons.
#[must_use]
pub fn brief(report: &Report) -> String {
    let mut text = String::from("## rtcspec\n\n");
    for participant in &report.participants {
        let _ = writeln!(text, "* {} {}", participant.name, participant.version);
    }
    let _ = writeln!(text, "\n{}", escaped(&summary(report)));
    for line in &report.stale {
        let _ = writeln!(text, "\n* {}", escaped(line));
    }
    let (new, known): (Vec<_>, Vec<_>) = report
        .results
        .iter()
        .filter(|result| result.standing.is_unexpected() || !result.verdict.is_fine())
        .partition(|result| result.standing.is_unexpected());
    table(&mut text, "Not as expected", &new, unmet);
    table(&mut text, "Known", &known, |result| result.reason.clone().unwrap_or_default());
    text
}

fn table(
    text: &mut String,
    title: &str,
    results: &[&RunResult],
    why: impl Fn(&RunResult) -> String,
) {
    if results.is_empty() {
        return;
    }
    let _ = write!(text, "\n### {title}\n\n| run | verdict | why |\n|---|---|---|\n");
    for result in results.iter().take(MOST) {
        let (id, verdict) = (&result.id, result.verdict.word());
        let _ = writeln!(text, "| `{}` | {verdict} | {} |", escaped(id), escaped(&why(result)));
    }
    if let Some(more) = results.len().checked_sub(MOST).filter(|more| *more > 0) {
        let _ = writeln!(text, "\nand {more} more");
    }
}

fn unmet(result: &RunResult) -> String {
    let words = |finding: &Finding| {
        format!("{}: expected {}, seen {}", finding.requirement, finding.expected, finding.actual)
    };
    let unmet = result.findings.iter().filter(|finding| !finding.verdict.is_fine()).map(words);
    let broken = result.audit.findings.iter().map(|finding| {
        format!("{} {} ({}): {}", finding.level, finding.rule, finding.cite, finding.seen)
    });
    unmet.chain(broken).collect::<Vec<_>>().join("; ")
}

/// Text that Markdown and its tables leave as it is.
fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '*' | '_' | '[' => plain.extend(['\\', c]),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_stays_in_its_cell() {
        assert_eq!(escaped("a|b\n<img> *x*"), "a\\|b &lt;img> \\*x\\*");
    }
}
