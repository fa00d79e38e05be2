//! Scenarios, cases, runner, expectations, verdicts and reports.

pub mod cases;
pub mod expectation;
pub mod matrix;
pub mod plan;
pub mod prediction;
pub mod report;
pub mod run;
pub mod scenario;
pub mod topology;
mod transcript;
pub mod verdict;
