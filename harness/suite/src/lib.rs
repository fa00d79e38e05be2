//! Scenarios, cases, runner, expectations, verdicts and reports.

pub mod expectation;
pub mod report;
pub mod run;
pub mod scenario;
pub mod topology;
pub mod verdict;
