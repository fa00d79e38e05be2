//! Exit codes; part of the stable surface.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything was as expected.
    AsExpected,
    /// A result or finding was not.
    Unexpected,
    /// The command line, or a file it names, is wrong.
    Usage,
    /// A peer or the harness did not start.
    NotStarted,
    /// Nothing was selected.
    Nothing,
    /// A defect of rtcspec itself.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::AsExpected => 0,
            Exit::Unexpected => 1,
            Exit::Usage => 2,
            Exit::NotStarted => 3,
            Exit::Nothing => 4,
            Exit::Internal => 5,
        })
    }
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// For people.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, message: message.into() }
    }
}

/// What a command comes to.
pub(crate) type Outcome = Result<Exit, Failure>;
