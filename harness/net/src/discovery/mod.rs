//! What a NAT turns out to be when it is asked: behaviour discovery as RFC 5780 §4 does it, and
//! probes of our own for what RFC 5780 leaves out.
//!
//! What it is: a measurement. A host behind the box and a server with two addresses and two ports
//! exchange real packets through the packet engine, on a network made for the purpose; nothing is
//! read from the box's parameters. [`Class::disagreements`] then holds the measurement against
//! them, so that a run can say that its networks are what its file says.
//!
//! What it is not: a probe of the network of a run. A box is measured alone, with no loss and no
//! other box in between, so the result is a function of its parameters.
//!
//! ```
//! use rtcspec_net::discovery::survey;
//! use rtcspec_net::nat::presets;
//!
//! let home = presets::find("home").expect("a preset of that name").params();
//! let class = survey(&home)?;
//! assert_eq!(class.mapping, Some(home.mapping));
//! assert_eq!(class.disagreements(&home), [] as [String; 0]);
//! # Ok::<(), rtcspec_net::fabric::TopologyError>(())
//! ```

mod class;
mod ground;
mod lifetime;
mod measure;
#[cfg(test)]
mod tests;

pub use class::{Class, Collision, PortUse};

use crate::fabric::TopologyError;
use crate::nat::Params;

/// Measures a box with these parameters.
///
/// # Errors
/// [`TopologyError`] if such a box cannot be put between a home and the internet, for example
/// because it wants more external addresses than there are.
pub fn survey(params: &Params) -> Result<Class, TopologyError> {
    let lifetime = lifetime::replied(params)?;
    Ok(Class {
        mapping: measure::mapping(params, false)?,
        crowded: measure::mapping(params, true)?,
        filtering: measure::filtering(params)?,
        filter_scope: measure::filter_scope(params)?,
        reply_binding: measure::reply_binding(params)?,
        ports: measure::ports(params)?,
        addresses: measure::addresses(params)?,
        hairpin: measure::hairpin(params)?,
        lifetime,
        unreplied: lifetime::unreplied(params)?,
        refresh: lifetime.map(|span| lifetime::refresh(params, span)).transpose()?,
    })
}
