//! What a step of the negotiation means for the transports.

use rtcspec_wire::candidate::Candidate;

use super::config::IceCredentials;
use super::state::SignalingState;
use super::transport::Transport;

/// What the owner of the transports has to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `signalingState` is this now.
    SignalingState(SignalingState),
    /// Gather candidates of a new generation with these credentials. The generation in use, if
    /// any, carries data until a [`Self::Use`] names the new one (RFC 8445 §9).
    Gather(IceCredentials),
    /// The generation with these credentials was taken back: stop gathering, forget it.
    Discard(IceCredentials),
    /// An answer, provisional or final, settled these parameters. Only sent when they are new.
    Use(Box<Transport>),
    /// Check this candidate of the generation in use.
    RemoteCandidate {
        /// User name fragment of its generation.
        ufrag: String,
        /// The candidate.
        candidate: Box<Candidate>,
    },
    /// The other side has no more candidates of the generation in use.
    EndOfRemoteCandidates {
        /// User name fragment of the generation.
        ufrag: String,
    },
    /// The data section was rejected or taken away: there is no transport any more.
    Unused,
}
