//! Fuzz seeds cut from captures: one message for each shape a wire format was seen in.

mod cutter;
mod format;
mod shape;
mod write;

pub use cutter::{Cutter, Seed};
pub use format::Format;
pub use write::write;
