//! Live campaigns: mutated messages into a foreign process, over real sockets, by the wall's clock.
//!
//! What it is: the reference peer holds sessions with a process that speaks peerctl/1, slips mutated
//! messages into them at chosen layers, and asks after each whether the session still carries data.
//! Crashes, hangs, leaks, silent failures and exceptions that nobody caught are findings; each is
//! told apart by its cause, made small over fresh sessions and written down so that it can be played
//! again.
//!
//! What it is not: deterministic in what it sees. The inputs of a session are a function of the seed,
//! the number of the session and the corpus; the process and its clock are not ours.
//!
//! Nothing here keeps traffic from leaving the machine: the caller runs a campaign where nothing can,
//! as `rtcspec fuzz live` does in a network namespace.
//!
//! | file | what |
//! |---|---|
//! | `layer.rs` | the layers, their corpora and mutators |
//! | `input.rs` | inputs, and the plan of a session: what is sent when |
//! | `entitle.rs` | which inputs entitle a peer to end its session |
//! | `hand.rs` | the tamper hooks: what is slipped in, and what is seen going by |
//! | `seal.rs` | tags, numbers, keys and checksums of the session at hand |
//! | `ours.rs`, `theirs.rs` | the reference peer and its sockets; the process |
//! | `session.rs` | one session: connecting, inputs, probes |
//! | `cause.rs` | what a log says of a crash, so that two of one kind are one finding |
//! | `memory.rs` | resident memory of a process and its children; leaks |
//! | `campaign.rs` | sessions without end; what they found |
//! | `minimise.rs` | a finding made small over fresh sessions |
//! | `record.rs` | the file that plays a finding again |

pub mod campaign;
mod cause;
mod entitle;
mod hand;
mod input;
mod layer;
mod memory;
mod minimise;
mod ours;
mod record;
mod session;
mod theirs;

pub use cause::Kind;
pub use input::{Arsenal, Input, Plan};
pub use layer::Layer;
pub use record::{Record, RecordError};
pub use session::{Ground, Seen};
