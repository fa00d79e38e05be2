//! Facts about STUN messages and `ChannelData`.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{Fingerprint, View};
use rtcspec_wire::turn::ChannelDataView;

use super::{Path, Side};

/// A STUN message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stun<'a> {
    /// The message; whatever is wrong with it, [`View::defects`] tells.
    pub view: View<'a>,
    /// What it is for.
    pub purpose: Purpose,
    /// USERNAME of a connectivity check, taken apart; of an answer, that of its request is in
    /// [`Event::connection`](super::Event::connection) only.
    pub username: Option<Username<'a>>,
    /// What MESSAGE-INTEGRITY says, or MESSAGE-INTEGRITY-SHA256 where only that is there.
    pub integrity: Integrity,
    /// What FINGERPRINT says.
    pub fingerprint: Fingerprint,
    /// Of a request, the transaction it belongs to, this one counted; of a response, the one it
    /// answers. `None` for an indication, and for an answer whose request was not seen.
    pub transaction: Option<Transaction>,
}

/// What a STUN message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A connectivity check or consent (a Binding request with a USERNAME of two ufrags), or the
    /// answer to one.
    Check,
    /// A Binding request to a server, or the answer to one.
    Gather,
    /// A TURN method.
    Turn,
    /// A Binding indication: ICE keepalive (RFC 8445 §11).
    Keepalive,
    /// Anything else, answers whose request was not seen among it.
    Other,
}

/// USERNAME of a connectivity check (RFC 8445 §7.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Username<'a> {
    /// ufrag of the receiver, before the colon.
    pub receiver: &'a str,
    /// ufrag of the sender.
    pub sender: &'a str,
}

/// What an integrity attribute says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Integrity {
    /// Made with the right password over these bytes.
    Verified {
        /// Whose password that is: the receiver's of the request.
        key: Side,
    },
    /// Not made with the right password, or over other bytes.
    Bad {
        /// Whose password it was made with instead, if that can be told.
        fits: Option<Side>,
    },
    /// There is none where it counts.
    Absent,
    /// There is one, and nobody told this observer the password.
    Unknown,
}

/// A request and its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// Frame of the first request.
    pub first_number: u64,
    /// When the first request was seen.
    pub first_at: Duration,
    /// Frame of the latest request.
    pub last_number: u64,
    /// When the latest request was seen.
    pub last_at: Duration,
    /// When the request before this one was seen; `None` for the first and for answers.
    pub previous_at: Option<Duration>,
    /// How many requests with this transaction id were seen.
    pub requests: u32,
    /// How many answers were seen, this one counted.
    pub answers: u32,
    /// Whether all those requests had the same bytes.
    pub same_bytes: bool,
    /// From where to where between the peers the latest request went.
    pub path: Path,
    /// From where to where it was seen to go.
    pub outer: Path,
    /// Whether the latest request had an attribute that must be understood and that nobody knows.
    pub unknown_required: bool,
    /// Whether the latest request had USE-CANDIDATE.
    pub use_candidate: bool,
}

/// A `ChannelData` message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChannelData<'a> {
    /// The message.
    pub view: ChannelDataView<'a>,
    /// The peer its channel is bound to, if the binding was seen.
    pub peer: Option<SocketAddr>,
}
