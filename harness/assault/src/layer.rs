//! The layers at which messages are slipped in.

use std::fmt;

use rtcspec_control::{Feature, Hello};
use rtcspec_fuzz::target::{self, Target};
use serde::{Deserialize, Serialize};

/// Where an input enters the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// STUN messages to the socket of the peer.
    Stun,
    /// DTLS records from outside of the protection.
    Dtls,
    /// SCTP packets within DTLS.
    Sctp,
    /// Messages on streams: DCEP and others.
    Dcep,
    /// RTP packets without protection.
    Rtp,
    /// RTCP packets without protection.
    Rtcp,
    /// Session descriptions, given to a connection of their own.
    Sdp,
    /// Candidate lines, given to the connection.
    Candidate,
}

impl Layer {
    /// All, from the network upwards.
    pub const ALL: [Self; 8] = [
        Self::Stun,
        Self::Dtls,
        Self::Sctp,
        Self::Dcep,
        Self::Rtp,
        Self::Rtcp,
        Self::Sdp,
        Self::Candidate,
    ];

    /// Its name on the command line and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Dtls => "dtls",
            Self::Sctp => "sctp",
            Self::Dcep => "dcep",
            Self::Rtp => "rtp",
            Self::Rtcp => "rtcp",
            Self::Sdp => "sdp",
            Self::Candidate => "candidate",
        }
    }

    /// The layer of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Whether a peer that says this of itself has the layer. Who has no media has no RTP.
    #[must_use]
    pub fn is_of(self, hello: &Hello) -> bool {
        match self {
            Self::Rtp | Self::Rtcp => hello.has(Feature::Media),
            _ => true,
        }
    }

    /// Whose corpus, dictionary and mutator make its inputs.
    pub(crate) const fn target(self) -> &'static Target {
        match self {
            Self::Stun => &target::stun::PARSE,
            Self::Dtls => &target::dtls::RECORD,
            Self::Sctp => &target::sctp::PARSE,
            Self::Dcep => &target::dcep::PARSE,
            Self::Rtp => &target::rtp::HEADER,
            Self::Rtcp => &target::rtcp::COMPOUND,
            Self::Sdp => &target::sdp::PARSE,
            Self::Candidate => &target::candidate::LINE,
        }
    }

    /// Whether messages of ours at this layer go by while a session comes about, so that inputs can
    /// go before them.
    pub(crate) const fn connects(self) -> bool {
        matches!(self, Self::Stun | Self::Dtls | Self::Sctp | Self::Dcep)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
