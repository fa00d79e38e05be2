//! Audit rules: what an observer saw, held against the clauses of the RFCs.
//!
//! An [`Auditor`] is fed the events of [`rtcspec_trace::watch`] and the signalling. Every rule
//! reports findings with frame numbers and clause, that it was held some number of times, or that
//! there was no opportunity and why, so that silence is not mistaken for conformance. Each rule is
//! one file below `src/rules`; lists, `RULES.md` and the SARIF rule table are made from what the
//! rules say of themselves ([`registry`]).
//!
//! It works on a stream in bounded memory, and the same way on captures and on simulated runs.

mod auditor;
mod book;
mod diagnosis;
mod hears;
pub mod registry;
pub mod report;
mod rule;
mod rules;
mod sight;
mod tally;
#[cfg(test)]
mod trial;
mod upcoming;

pub use auditor::Auditor;
pub use book::{Book, Candidate, Description, Media};
pub use hears::Hears;
pub use rule::{About, Cite, Level, Need, Rule, Scene, Scope, Watch};
pub use tally::{Finding, MOST_FINDINGS, MOST_FRAMES, Spot, Tally};
