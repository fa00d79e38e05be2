//! Why a command was refused, in W3C's names.

use crate::{dcep, jsep};

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    /// The W3C name: of a `DOMException`, or `TypeError`.
    pub name: &'static str,
    /// For people: what could not be done, and why.
    pub what: String,
}

impl Error {
    pub(super) fn new(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, what: what.into() }
    }

    pub(super) fn invalid_state(what: impl Into<String>) -> Self {
        Self::new("InvalidStateError", what)
    }
}

impl From<jsep::Error> for Error {
    fn from(error: jsep::Error) -> Self {
        Self::new(error.name(), error.to_string())
    }
}

impl From<dcep::Error> for Error {
    fn from(error: dcep::Error) -> Self {
        // webrtc-pc §6.1 and §6.2.
        let name = match error {
            dcep::Error::StreamInUse { .. } | dcep::Error::NoStreamLeft => "OperationError",
            dcep::Error::NoSuchChannel(_) | dcep::Error::NotOpen(_) => "InvalidStateError",
            _ => "TypeError",
        };
        Self::new(name, error.to_string())
    }
}
