//! Why a step of the negotiation is refused.

use rtcspec_wire::candidate::CandidateError;
use rtcspec_wire::sdp::{Fault, Setup};

use super::state::SignalingState;

/// Why a step is refused. Nothing has changed then, but for an offer of the other side that was
/// refused while ours was open: ours is rolled back all the same, as W3C orders it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The state does not allow it.
    #[error("{operation} in state {state}")]
    State {
        /// What was asked for.
        operation: &'static str,
        /// The signalling state.
        state: SignalingState,
    },
    /// The text is no session description.
    #[error(transparent)]
    Syntax(#[from] Fault),
    /// A local description that was not created last, or was edited.
    #[error("set a local description other than the one created last")]
    Modified,
    /// The description breaks a rule of offer and answer.
    #[error("set the remote description: {0}")]
    Description(#[from] DescriptionError),
    /// A candidate without a remote description.
    #[error("add a candidate before a remote description")]
    NoRemoteDescription,
    /// A candidate with neither mid nor index.
    #[error("add a candidate that names no media section")]
    NoSection,
    /// A candidate for a media section that is not in the remote description.
    #[error("add a candidate for the unknown media section {0:?}")]
    UnknownSection(String),
    /// A candidate of an ICE generation that is not in the remote description.
    #[error("add a candidate of the unknown generation {0:?}")]
    UnknownGeneration(String),
    /// The candidate is malformed.
    #[error(transparent)]
    Candidate(#[from] CandidateError),
    /// The other side has sent more candidates than any agent can use.
    #[error("add more than {0} candidates of one generation")]
    TooManyCandidates(usize),
}

/// Which rule a remote description breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// The number of media sections is less than before, or an answer has another number.
    #[error("it has {found} media sections instead of {expected}")]
    SectionCount {
        /// Sections there have to be.
        expected: usize,
        /// Sections there are.
        found: usize,
    },
    /// A media section changed its media type or protocol.
    #[error("media section {0} changed its type or protocol")]
    SectionChanged(usize),
    /// A media section changed its mid.
    #[error("media section {0} changed its mid")]
    MidChanged(usize),
    /// A section is accepted that the offer rejected.
    #[error("media section {0} is accepted but was not offered")]
    NotOffered(usize),
    /// No ICE credentials for a section (RFC 8839 §5.4).
    #[error("media section {0} has no ICE credentials")]
    NoIce(usize),
    /// No fingerprint for a section (RFC 8827 §6.5).
    #[error("media section {0} has no fingerprint")]
    NoFingerprint(usize),
    /// A `setup` that cannot stand there (RFC 8842 §5).
    #[error("media section {section} has setup:{}", .setup.name())]
    Setup {
        /// Which section.
        section: usize,
        /// What it says.
        setup: Setup,
    },
    /// A BUNDLE group names a section that does not exist, or one that was not offered in it.
    #[error("the BUNDLE group has the unknown mid {0:?}")]
    UnknownBundleMid(String),
}

impl Error {
    /// The name of the W3C `DOMException` (or JavaScript error) this is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::State { .. } | Self::NoRemoteDescription => "InvalidStateError",
            Self::Modified => "InvalidModificationError",
            Self::Description(_) => "InvalidAccessError",
            Self::NoSection => "TypeError",
            // webrtc-pc §4.4.1.5: a syntax error is an `RTCError`, whose name is this one.
            Self::Syntax(_)
            | Self::UnknownSection(_)
            | Self::UnknownGeneration(_)
            | Self::Candidate(_)
            | Self::TooManyCandidates(_) => "OperationError",
        }
    }

    pub(super) fn state(operation: &'static str, state: SignalingState) -> Self {
        Self::State { operation, state }
    }
}
