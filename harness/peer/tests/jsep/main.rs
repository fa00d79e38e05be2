//! Offer and answer between two sides, and with descriptions of real stacks.

#![expect(clippy::unwrap_used, reason = "every function here is a test or serves one")]

mod captures;
mod exchange;
mod glare;
mod rules;
mod side;
mod trickle;
