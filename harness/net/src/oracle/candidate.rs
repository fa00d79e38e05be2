//! Types of candidates and pairs of them.

use std::fmt;

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
    /// The word candidate lines use (RFC 8839 §5.1).
    pub const fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::ServerReflexive => "srflx",
            Self::PeerReflexive => "prflx",
            Self::Relayed => "relay",
        }
    }

    /// Its first letter, as tables write it.
    pub const fn letter(self) -> char {
        match self {
            Self::Host => 'h',
            Self::ServerReflexive => 's',
            Self::PeerReflexive => 'p',
            Self::Relayed => 'r',
        }
    }

    /// The type preference RFC 8445 §5.1.2.2 recommends.
    pub const fn preference(self) -> u8 {
        match self {
            Self::Host => 126,
            Self::PeerReflexive => 110,
            Self::ServerReflexive => 100,
            Self::Relayed => 0,
        }
    }
}

impl fmt::Display for CandidateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

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
