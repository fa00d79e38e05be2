//! STUN: reading messages, and what protects them.

mod auth;
mod parse;
pub(crate) mod plants;

pub use auth::AUTH;
pub use parse::PARSE;
