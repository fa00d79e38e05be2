//! What can be wrong with a candidate line.

use std::fmt;

/// A part of a candidate line, in the order of RFC 8839 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `foundation`.
    Foundation,
    /// `component-id`.
    Component,
    /// `transport`.
    Transport,
    /// `priority`.
    Priority,
    /// `connection-address`.
    Address,
    /// `port`.
    Port,
    /// The word `typ`.
    Typ,
    /// The type after `typ`.
    Kind,
    /// The address after `raddr`.
    RelatedAddress,
    /// The port after `rport`.
    RelatedPort,
    /// An extension's name.
    ExtensionName,
    /// An extension's value.
    ExtensionValue,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foundation => "foundation",
            Self::Component => "component-id",
            Self::Transport => "transport",
            Self::Priority => "priority",
            Self::Address => "connection-address",
            Self::Port => "port",
            Self::Typ => "typ",
            Self::Kind => "candidate type",
            Self::RelatedAddress => "rel-addr",
            Self::RelatedPort => "rel-port",
            Self::ExtensionName => "extension name",
            Self::ExtensionValue => "extension value",
        })
    }
}

/// Why a line is not a valid candidate (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// The line ends before this part.
    #[error("parse a candidate without {0}")]
    Missing(Field),
    /// The part is there and not allowed.
    #[error("parse a candidate with {field} {found:?}")]
    Invalid {
        /// Which part.
        field: Field,
        /// Its text.
        found: String,
    },
}
