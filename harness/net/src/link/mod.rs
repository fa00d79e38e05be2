//! A link: delay, loss and every other harm that comes to packets on a wire.

mod params;
mod wire;

pub use params::{Corruption, CorruptionKind, Direction, Jitter, Loss, Mtu, Params, Rate, Reorder};
pub(crate) use wire::{Fate, Wire};
