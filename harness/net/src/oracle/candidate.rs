//! Types of candidates and pairs of them.

use std::fmt;

use crate::word::words;

/// A candidate's type (RFC 8445 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateType {
    /// The address of an interface.
    Host,
    /// The address a STUN or TURN server saw.
    ServerReflexive,
    /// An address a check or its answer showed.
    PeerReflexive,
    /// An address of a TURN server.
    Relayed,
}

impl CandidateType {
    /// Its first letter, as tables write it.
    pub const fn letter(self) -> char {
        match self {
            Self::Host => 'h',
            Self::ServerReflexive => 's',
            Self::PeerReflexive => 'p',
            Self::Relayed => 'r',
        }
    }
}

// RFC 8839 §5.1's words.
words!(CandidateType, "candidate type", {
    Host = "host",
    ServerReflexive = "srflx",
    PeerReflexive = "prflx",
    Relayed = "relay",
});

/// The types of a valid pair as one side sees it.
///
/// Local is that of the valid pair, which is the mapped address (RFC 8445 §7.2.5.3.2); some
/// implementations report the base instead. Remote may be peer-reflexive where this says
/// server-reflexive, when a check overtakes a trickled candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Types {
    /// Its own candidate.
    pub local: CandidateType,
    /// The other side's candidate.
    pub remote: CandidateType,
}

impl Types {
    /// Whether neither side's candidate is relayed.
    pub fn is_direct(self) -> bool {
        self.local != CandidateType::Relayed && self.remote != CandidateType::Relayed
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.local, self.remote)
    }
}
