//! Offer and answer: two sides, their signalling, and somebody who edits it.

mod edit;
mod model;
pub(crate) mod plants;
mod program;

pub use program::OFFER_ANSWER;
