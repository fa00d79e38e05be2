//! A TURN client (RFC 8656) over UDP, TCP and TLS: one allocation on one server.
//!
//! [`Client`] is sans-IO. Requests come out of [`Client::poll`] before they are sent, so that a
//! tamper layer can alter them, and go on with [`Client::write`].

mod auth;
mod channel;
mod client;
mod leg;
mod permission;
mod request;

pub use client::{Client, ClientConfig, Event, Failure, Output};
pub use leg::Transport;
pub use permission::PermissionState;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
