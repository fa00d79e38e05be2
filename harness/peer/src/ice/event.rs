//! What an agent tells.

use super::candidate::{LocalCandidate, RemoteCandidate};
use super::role::Role;
use crate::io::Transmit;
use crate::stun::Outgoing;

/// The state of an agent, in the words of W3C `RTCIceConnectionState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is known of the other side.
    New,
    /// Pairs are being checked.
    Checking,
    /// There is a selected pair.
    Connected,
    /// Consent has not been renewed for a while, or the interface of the selected pair is gone.
    Disconnected,
    /// The checklist failed, or consent has expired.
    Failed,
    /// [`Agent::close`](super::Agent::close) was called.
    Closed,
}

impl State {
    /// The W3C word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

/// The pair data is sent on (RFC 8445 §8.1.1, §12.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// The local candidate of the valid pair: what the other side sees.
    pub local: LocalCandidate,
    /// The remote candidate.
    pub remote: RemoteCandidate,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A local candidate to be signalled.
    Candidate {
        /// The candidate.
        candidate: LocalCandidate,
        /// The username fragment of its generation.
        ufrag: String,
    },
    /// All local candidates of a generation are known.
    GatheringComplete {
        /// The username fragment of the generation.
        ufrag: String,
    },
    /// A server yielded nothing.
    CandidateError {
        /// Its URI.
        url: String,
        /// STUN error code, or 701 when it could not be reached.
        code: u16,
        /// The server's phrase, or ours.
        reason: String,
    },
    /// The state changed.
    State(State),
    /// The role changed after a conflict.
    Role(Role),
    /// Data is sent on this pair from now on.
    Selected(SelectedPair),
    /// A datagram for the layers above.
    Data(Vec<u8>),
}

/// What [`Agent::poll`](super::Agent::poll) yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the network, as it is.
    Transmit(Transmit),
    /// A STUN message that waits to be given to [`Agent::forward`](super::Agent::forward).
    Stun(Outgoing),
    /// Something to know.
    Event(Event),
}
