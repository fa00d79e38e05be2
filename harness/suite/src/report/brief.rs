//! What came of it, in the Markdown of a job's summary: the counts, and what needs a look.

use std::fmt::Write as _;

use super::{Names, Report, summary};
use crate::verdict::{Finding, RunResult, Standing};

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
    let names = Names::of(report);
    table(&mut text, "Not as expected", &names, &new, unmet);
    table(&mut text, "Known", &names, &known, |result| result.reason.clone().unwrap_or_default());
    text
}

fn table(
    text: &mut String,
    title: &str,
    names: &Names<'_>,
    results: &[&RunResult],
    why: impl Fn(&RunResult) -> String,
) {
    if results.is_empty() {
        return;
    }
    let _ = write!(text, "\n### {title}\n\n| run | verdict | why |\n|---|---|---|\n");
    for result in results.iter().take(MOST) {
        let (name, verdict) = (names.name(result), result.verdict.word());
        let _ = writeln!(text, "| `{}` | {verdict} | {} |", escaped(&name), escaped(&why(result)));
    }
    if let Some(more) = results.len().checked_sub(MOST).filter(|more| *more > 0) {
        let _ = writeln!(text, "\nand {more} more");
    }
}

/// What was not met; rules that were broken, and are not known to be, are among it.
fn unmet(result: &RunResult) -> String {
    let words = |finding: &Finding| {
        format!("{}: expected {}, seen {}", finding.requirement, finding.expected, finding.actual)
    };
    let unmet = result.findings.iter().filter(|finding| !finding.verdict.is_fine()).map(words);
    let passes = (result.standing == Standing::Xpass)
        .then(|| format!("expected a failure: {}", result.reason.as_deref().unwrap_or_default()));
    passes.into_iter().chain(unmet).collect::<Vec<_>>().join("; ")
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
    use crate::report::tests::{report, run};
    use crate::verdict::Verdict;

    #[test]
    fn why_a_run_failed_is_told_once_and_a_warning_is_no_reason() {
        let text = brief(&report(vec![run("a", 1), run("b", 1), run("b", 2)]));
        let row = "| `a` | FAIL | audit rule ice.priority: expected this, seen ice.priority is \
                   broken |\n";
        assert_eq!(text.matches(row).count(), 1, "{text}");
        assert!(!text.contains("ice.pacing"), "{text}");
        assert!(text.contains("| `b seed 1` |") && text.contains("| `b seed 2` |"), "{text}");
    }

    #[test]
    fn what_was_expected_of_a_run_that_passes_is_told() {
        let known = RunResult {
            verdict: Verdict::Pass,
            standing: Standing::Xpass,
            reason: Some("a bug".to_owned()),
            findings: Vec::new(),
            ..run("a", 1)
        };
        assert!(brief(&report(vec![known])).contains("| PASS | expected a failure: a bug |"));
    }

    #[test]
    fn what_others_say_stays_in_its_cell() {
        assert_eq!(escaped("a|b\n<img> *x*"), "a\\|b &lt;img> \\*x\\*");
    }
}
