//! JUnit XML: one suite per connection, one test per rule.

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};

use super::text::frames;
use super::{ConnectionReport, Further, Report};
use crate::registry;
use crate::rule::Level;

/// The report as JUnit XML; findings at or above a level fail.
///
/// # Errors
/// A message when the XML cannot be written.
pub fn junit(report: &Report, fail_on: Level) -> Result<String, String> {
    let mut xml = Xml::new("rtcspec audit");
    for file in &report.files {
        for connection in &file.connections {
            let mut suite = TestSuite::new(format!("{}: {}", file.file, connection.name));
            for rule in registry::all() {
                suite.add_test_cases(test_case(connection, rule.about().id, fail_on));
            }
            xml.add_test_suite(suite);
        }
    }
    xml.to_string().map_err(|error| format!("write JUnit XML: {error}"))
}

/// Nothing for a rule that was not asked for.
fn test_case(connection: &ConnectionReport, id: &str, fail_on: Level) -> Option<TestCase> {
    let mut failed = connection
        .findings
        .iter()
        .filter(|finding| finding.rule == id && finding.level >= fail_on)
        .map(|f| format!("{} {}; expected {}; seen {}", frames(f), f.cite, f.expected, f.seen))
        .collect::<Vec<String>>();
    let further = connection.further.iter();
    let further = further.filter(|further| further.rule == id && further.level >= fail_on);
    failed.extend(further.map(Further::words));
    let mut status = if let Some(first) = failed.first() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(first.clone());
        status.set_description(failed.join("\n"));
        status
    } else if let Some(silent) = connection.silent.iter().find(|silent| silent.rule == id) {
        let mut status = TestCaseStatus::skipped();
        status.set_message(silent.why.clone());
        status
    } else if connection.held.iter().any(|held| held.rule == id)
        || connection.findings.iter().any(|finding| finding.rule == id)
    {
        TestCaseStatus::success()
    } else {
        return None;
    };
    if let Some(finding) = connection.findings.iter().find(|f| f.rule == id)
        && failed.is_empty()
    {
        status.set_message(format!("{} {}: {}", finding.level, finding.cite, finding.seen));
    }
    Some(TestCase::new(id, status))
}
