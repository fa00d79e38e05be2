//! Scenarios, cases, runner, verdicts, reports.
