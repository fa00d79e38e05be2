//! Real processes as peers on hosts of the network engine.
//!
//! Each peer runs in a user, network, mount and process namespace of its own ([`host`]). All the
//! network it has is a TUN device for each interface of its host in the scenario: what it sends
//! comes out of the device's other end as IP packets, which the engine carries, and the engine's
//! packets for it go in there. Nothing else is needed on the machine: no bridges, no `nft`, no
//! `tc`, no container. It works as root, and as anybody where unprivileged user namespaces are
//! allowed.
//!
//! Nothing is left behind: devices and namespaces end with the processes in them, and the processes
//! end with rtcspec, however that ends ([`inside`]).
//!
//! `README.md` beside this crate has the picture. [`Adapter`] makes such a peer of any program that
//! speaks peerctl/1; a [`Guest`] is any program at all, with the terminal of whoever started it.

mod adapter;
mod guest;
pub mod host;
pub mod inside;
mod interfaces;
mod keys;
mod surroundings;

pub use adapter::Adapter;
pub use guest::{Guest, GuestError};
