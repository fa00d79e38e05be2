//! A firewall: packets let through or not, without translation.

mod gate;
mod params;

pub(crate) use gate::{Blocks, Gate};
pub use params::{Action, Kill, KillAfter, Params, Rule};
