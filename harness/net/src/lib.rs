//! The virtual internet: segments, links, NATs and firewalls that carry real IP packets.
//!
//! What it is: one engine for every network a test needs. Elements are wired by a
//! [`fabric::Fabric`]; hosts hang on it; packets are real IPv4 and IPv6 bytes; time is an argument;
//! every random decision is a pure function of (seed, element, purpose, packet number).
//!
//! What it is not: it opens no socket, reads no clock, knows nothing of ICE and never judges a
//! peer.
//!
//! ```
//! use rtcspec_net::nat::{Filtering, Mapping, Params, presets};
//!
//! let home = presets::find("home").expect("a preset of that name").params();
//! assert_eq!(home.mapping, Mapping::EndpointIndependent);
//! assert_eq!(home.filtering, Filtering::AddressAndPortDependent);
//! let odd = Params { filtering: Filtering::AddressDependent, ..home };
//! assert_ne!(odd, presets::find("home").unwrap().params());
//! ```

pub mod discovery;
mod draw;
pub mod fabric;
pub mod firewall;
pub mod host;
pub mod link;
pub mod nat;
pub mod observe;
pub mod oracle;
pub mod packet;
pub mod prefix;
pub mod segment;
pub mod services;
mod table;
mod time;
mod word;
pub mod world;

pub use time::Ns;
pub use word::UnknownWord;
