//! STUN: reading messages, and what protects them.

mod auth;
mod parse;
mod plants;

pub use auth::AUTH;
pub use parse::PARSE;
