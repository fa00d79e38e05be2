//! Two agents over a network in virtual time, and one agent with a scripted peer.

mod lab;
mod scripted;

mod answers;
mod checks;
mod connect;
mod consent;
mod gathering;
mod nomination;
mod properties;
mod relay;
mod restart;
mod trickle;
