//! What an observer sees: every packet's way, element by element, in records and in words.

mod cause;
mod journey;
mod record;
mod tap;

pub use cause::{Drop, Limit};
pub use journey::{End, Journey, Journeys};
pub use record::{Flow, PacketId, Record, Verdict};
pub use tap::{Crossing, Frame, Tap};
