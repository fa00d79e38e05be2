//! The connections of a capture, each as a session that a transcript can be made of.

mod collect;
mod nats;
mod people;
mod sessions;
mod sightings;
mod ways;

pub use sessions::{Conversations, MOST, conversations};
