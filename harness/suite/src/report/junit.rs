//! JUnit XML, for CI systems.

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use super::table::describe;
use crate::verdict::{RunResult, Standing, Verdict};

/// The report as JUnit XML: one suite per implementation, one test per run.
///
/// # Errors
/// A message when the XML cannot be written.
pub fn junit(report: &Report) -> Result<String, String> {
    let mut xml = Xml::new("rtcspec");
    for participant in &report.participants {
        let mut suite = TestSuite::new(participant.name.clone());
        for result in report.results.iter().filter(|r| r.implementation == participant.name) {
            suite.add_test_case(test_case(result));
        }
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

fn test_case(result: &RunResult) -> TestCase {
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
    let name = format!("{} [{}]", result.id, result.peers.join(" "));
    let mut case = TestCase::new(name, status);
    case.set_classname(result.implementation.clone());
    case
}
