//! The connections of a capture, each as a session that a transcript can be made of.

mod collect;
mod nats;
mod people;
mod sessions;

pub use sessions::{Conversations, MOST, conversations};
