//! The differential oracle: what parsers of different people say that the same bytes mean, and a
//! ledger of who is right.

pub mod account;
pub mod campaign;
pub mod class;
pub mod format;
#[cfg(all(test, feature = "foreign"))]
mod known;
pub mod ledger;
pub mod parser;
pub mod process;
#[cfg(all(test, feature = "foreign"))]
mod replay;
pub mod report;
mod rtcp;
mod rtp;
mod sctp;
mod sdp;
mod stun;
