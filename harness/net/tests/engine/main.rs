//! The engine from outside: behaviours one by one, by the numbers of the RFCs that ask for them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod actions;
mod classify;
mod determinism;
mod elsewhere;
mod firewall;
mod hostile;
mod lab;
mod limits;
mod link;
mod matrix;
mod multicast;
mod nesting;
mod observe;
mod rfc4787;
mod tcp;
mod v6;
