//! A TURN server (RFC 8656) for UDP relays, reached over UDP, TCP and TLS.
//!
//! Long-term credentials (RFC 8489 §9.2) with MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256;
//! Binding is answered without. RFC 6062 (TCP relays) and RFC 8016 (mobility) are not served.

mod allocation;
mod auth;
mod channel;
mod config;
mod fault;
mod manage;
mod ports;
mod reply;
mod server;
mod stream;
mod traffic;

pub use config::{Config, Leg, Listener, User};
pub use fault::Fault;
pub use server::Server;
