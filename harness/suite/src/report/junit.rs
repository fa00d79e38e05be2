//! JUnit XML, for CI systems.

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::table::describe;
use super::{Names, Report};
use crate::verdict::{RunResult, Standing, Verdict};

/// The report as JUnit XML: one suite per implementation, one test per run.
///
/// # Errors
/// A message when the XML cannot be written.
pub fn junit(report: &Report) -> Result<String, String> {
    let mut xml = Xml::new("rtcspec");
    let names = Names::of(report);
    for participant in &report.participants {
        let mut suite = TestSuite::new(participant.name.clone());
        let results = report.results.iter().filter(|r| r.implementation == participant.name);
        for result in results.clone() {
            suite.add_test_case(test_case(result, &names));
        }
        suite.set_time(results.map(|result| result.elapsed).sum());
        xml.add_test_suite(suite);
    }
    if !report.stale.is_empty() {
        let mut suite = TestSuite::new("expectations");
        for line in &report.stale {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(line.clone());
            suite.add_test_case(TestCase::new(line.clone(), status));
        }
        xml.add_test_suite(suite);
    }
    xml.to_string().map_err(|error| format!("write JUnit XML: {error}"))
}

fn test_case(result: &RunResult, names: &Names<'_>) -> TestCase {
    let mut status = match (result.standing, result.verdict) {
        (_, Verdict::Unsupported) => TestCaseStatus::skipped(),
        (Standing::Expected, _) => TestCaseStatus::success(),
        (Standing::Xfail, _) => TestCaseStatus::skipped(),
        (Standing::New, Verdict::Crash | Verdict::Hang) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        (Standing::New | Standing::Xpass, _) => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
    };
    if result.standing != Standing::Expected || result.verdict != Verdict::Pass {
        status.set_message(format!("{} ({})", result.verdict.word(), result.standing.word()));
        if result.standing.is_unexpected() {
            status.set_description(describe(result));
        }
    }
    let name = format!("{} [{}]", names.name(result), result.peers.join(" "));
    let mut case = TestCase::new(name, status);
    case.set_classname(result.implementation.clone());
    case.set_time(result.elapsed);
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{report, run};

    #[test]
    fn every_test_has_a_name_of_its_own_and_its_time() {
        let xml = junit(&report(vec![run("a", 1), run("a", 2)])).expect("it can be written");
        for words in ["name=\"a seed 1 [alice=it]\"", "name=\"a seed 2 [alice=it]\""] {
            assert_eq!(xml.matches(words).count(), 1, "{xml}");
        }
        assert_eq!(xml.matches("time=\"1.250\"").count(), 2, "{xml}");
    }
}
