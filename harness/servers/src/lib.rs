//! Conformance of a STUN or TURN server that is somewhere, by its URL, over real sockets.
//!
//! What it is: [`CASES`], each a conversation with the server on sockets of its own, and
//! [`examine`], which holds them and gives results as `rtcspec run` does. The client breaks one rule
//! at a time; what the server may do then stands in the case with its clause.
//!
//! What it is not: deterministic, as servers are elsewhere and live by the wall's clock; a load
//! test; or a judge of what takes minutes (permissions that expire, RFC 8656 §9).
//!
//! | file | what |
//! |---|---|
//! | `target.rs` | URLs (RFC 7064, RFC 7065) |
//! | `wire.rs` | one five-tuple, packets in and out |
//! | `stream.rs` | TCP, and TLS on it |
//! | `log.rs` | what went to and fro, a line each |
//! | `client.rs` | requests with credentials, retransmissions, challenges |
//! | `bench.rs` | a case's tools: clients, allocations, peers, rulings |
//! | `cases/` | the cases |

mod bench;
mod cases;
mod client;
mod examine;
mod log;
mod stream;
mod target;
mod wire;

pub use cases::CASES;
pub use examine::{About, ExamineError, examine, introduce};
pub use target::{Credentials, Kind, Target, Transport, UrlError};

use bench::{Bench, Stop};

/// One thing a server is held to.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Id, as in `turn-server/allocate`.
    pub id: &'static str,
    /// One sentence on what is tested.
    pub title: &'static str,
    /// RFC clauses exercised.
    pub tests: &'static [&'static str],
    /// Servers of which transports it is for.
    pub only: Option<Transport>,
    play: fn(&mut Bench<'_>) -> Result<(), Stop>,
}

impl Case {
    /// Whether it is for such a server: what every STUN server must do, a TURN server must as well.
    #[must_use]
    pub fn is_for(&self, target: &Target) -> bool {
        let kind = target.kind == Kind::Turn || self.id.starts_with("stun-server/");
        let carried = match target.transport {
            // What holds of a stream holds of one in TLS.
            Transport::Tls => Transport::Tcp,
            other => other,
        };
        kind && self.only.is_none_or(|only| only == carried)
    }
}
