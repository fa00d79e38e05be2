//! Two agents over a network in virtual time.

mod lab;

mod connect;
mod relay;
mod restart;
