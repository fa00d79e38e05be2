//! Capture files as packets and secrets, in the order of the file, with bounded memory.
//!
//! A damaged file is read as far as it goes: what is wrong is said with its place, everything
//! before it was delivered, and reading goes on at the next record or block that makes sense.

mod blocks;
mod classic;
mod clock;
mod problem;
mod records;
mod text;
mod window;

pub use problem::{Damage, Problem, Problems};
pub use records::{Item, NotACapture, Record, Records};
