//! Scenarios, cases, runner, expectations, verdicts and reports.

pub mod accepted;
pub mod audit;
pub mod cases;
pub mod expectation;
pub mod infer;
pub mod lint;
pub mod manifest;
pub mod matrix;
pub mod minimise;
pub mod plan;
pub mod prediction;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod topology;
mod transcript;
pub mod verdict;
