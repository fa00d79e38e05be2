//! Fuzz targets, their oracles and mutators, and campaigns.
//!
//! What it is: for each format and state machine a *body*, a plain function that runs one input
//! through code under test and says what oracle was broken. Engines are interchangeable: libFuzzer
//! (`fuzz/`), the one built in ([`campaign`]), replay of the corpus in `cargo test`.
//!
//! What it is not: it has no scenario runner and decides nothing about conformance of a peer;
//! `suite` does that.

pub mod campaign;
pub mod case;
pub mod corpus;
pub mod coverage;
pub mod finding;
pub mod known;
pub mod mutate;
pub mod parcel;
pub mod score;
pub mod shell;
pub mod target;
