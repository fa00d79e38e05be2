//! A firewall: packets let through or not, without translation.

mod params;

pub use params::{Action, Kill, KillAfter, Params, Rule};
