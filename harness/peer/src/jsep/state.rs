//! Signalling states (RFC 9429 §3.2, webrtc-pc §4.3.1).

use std::fmt;

use super::description::SdpType;

/// `signalingState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalingState {
    /// No offer is open.
    #[default]
    Stable,
    /// An offer of ours is open.
    HaveLocalOffer,
    /// An offer of theirs is open.
    HaveRemoteOffer,
    /// Their offer is open; we have answered provisionally.
    HaveLocalPranswer,
    /// Our offer is open; they have answered provisionally.
    HaveRemotePranswer,
    /// The connection is closed.
    Closed,
}

/// Whose description is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Local,
    Remote,
}

impl SignalingState {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::HaveLocalOffer => "have-local-offer",
            Self::HaveRemoteOffer => "have-remote-offer",
            Self::HaveLocalPranswer => "have-local-pranswer",
            Self::HaveRemotePranswer => "have-remote-pranswer",
            Self::Closed => "closed",
        }
    }

    /// The state after setting a description; `None` where RFC 9429 §3.2 has no arrow.
    ///
    /// An offer from the other side while ours is open is an arrow too: ours is rolled back first
    /// (RFC 9429 §4.1.10.2).
    pub(super) fn after(self, side: Side, kind: SdpType) -> Option<Self> {
        use SignalingState as S;
        match (self, side, kind) {
            (S::Stable | S::HaveLocalOffer, Side::Local, SdpType::Offer) => Some(S::HaveLocalOffer),
            (S::Stable | S::HaveLocalOffer | S::HaveRemoteOffer, Side::Remote, SdpType::Offer) => {
                Some(S::HaveRemoteOffer)
            }
            (S::HaveRemoteOffer | S::HaveLocalPranswer, Side::Local, SdpType::Answer)
            | (S::HaveLocalOffer | S::HaveRemotePranswer, Side::Remote, SdpType::Answer)
            | (S::HaveLocalOffer | S::HaveRemoteOffer, _, SdpType::Rollback) => Some(S::Stable),
            (S::HaveRemoteOffer | S::HaveLocalPranswer, Side::Local, SdpType::Pranswer) => {
                Some(S::HaveLocalPranswer)
            }
            (S::HaveLocalOffer | S::HaveRemotePranswer, Side::Remote, SdpType::Pranswer) => {
                Some(S::HaveRemotePranswer)
            }
            _ => None,
        }
    }
}

impl fmt::Display for SignalingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
