//! Session descriptions with their type.

use std::fmt;

/// W3C `RTCSdpType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdpType {
    /// Proposes a session.
    Offer,
    /// Accepts parts of an offer and ends the exchange.
    Answer,
    /// Accepts parts of an offer for now.
    Pranswer,
    /// Takes the open offer back.
    Rollback,
}

impl SdpType {
    /// The W3C word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Pranswer => "pranswer",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// W3C `RTCSessionDescription`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its type.
    pub kind: SdpType,
    /// Its text; not read for a rollback. Empty for a local description means the one created
    /// last.
    pub sdp: String,
}

impl Description {
    /// A description of this type.
    #[must_use]
    pub fn new(kind: SdpType, sdp: String) -> Self {
        Self { kind, sdp }
    }

    /// Takes the open offer back.
    #[must_use]
    pub fn rollback() -> Self {
        Self { kind: SdpType::Rollback, sdp: String::new() }
    }
}
