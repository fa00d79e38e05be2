//! What is wrong in a session description, and where.

use crate::candidate::Field;

/// One thing wrong in a session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse SDP line {line}, column {column}: {reason}")]
pub struct Fault {
    /// Line, counted from 1. For something missing, the line before which it was missed.
    pub line: usize,
    /// Column in bytes, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: Reason,
}

impl Fault {
    /// Whether [`Session`](super::Session) accepts the description all the same.
    #[must_use]
    pub fn is_tolerated(&self) -> bool {
        self.reason.is_tolerated()
    }
}

/// Why a line is malformed.
///
/// The variants from [`Self::BareLineFeed`] on are deviations that deployed stacks make and every
/// receiver lives with; the others keep a typed value from being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Not a letter, an equals sign and a value.
    #[error("not of the form `letter=value`")]
    NotALine,
    /// A type letter RFC 8866 does not define.
    #[error("unknown line type")]
    UnknownType,
    /// A line that must not stand in this section.
    #[error("line `{0}=` must not stand here")]
    Misplaced(char),
    /// A second line of a type that may occur once in a section.
    #[error("second line `{0}=` in this section")]
    RepeatedLine(char),
    /// A mandatory line is missing.
    #[error("line `{0}=` is missing")]
    MissingLine(char),
    /// NUL or a carriage return inside a line.
    #[error("byte 0x{0:02x} must not stand in a line")]
    ForbiddenByte(u8),
    /// The line is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Something else stands where this was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Text after the end of the value.
    #[error("unexpected text after {0}")]
    UnexpectedText(&'static str),
    /// A number outside its range.
    #[error("{what} must be from {min} to {max}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// A text shorter or longer than its limits.
    #[error("{what} must have from {min} to {max} characters")]
    Length {
        /// Which text.
        what: &'static str,
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// The fingerprint has another length than its hash function gives.
    #[error("fingerprint has {found} bytes, its hash function gives {expected}")]
    FingerprintLength {
        /// Bytes the hash function gives.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A candidate with this part missing or malformed (RFC 8839 §5.1).
    #[error("malformed or missing {0} of a candidate")]
    Candidate(Field),
    /// An attribute that may occur once in a section occurs again.
    #[error("second attribute `{0}` in this section")]
    RepeatedAttribute(&'static str),
    /// Two media sections share a mid (RFC 5888 §4).
    #[error("mid was already used by another media section")]
    RepeatedMid,

    /// Lines end with LF alone; RFC 8866 §5 asks receivers to accept it.
    #[error("line ends with LF instead of CRLF")]
    BareLineFeed,
    /// The last line has no line end.
    #[error("last line has no line end")]
    MissingLineEnd,
    /// An empty line.
    #[error("empty line")]
    BlankLine,
    /// A line stands later than RFC 8866 §5 orders.
    #[error("line `{0}=` stands out of order")]
    OutOfOrder(char),
    /// A list whose elements are separated by commas where RFC 8839 §5.6 has spaces.
    #[error("commas instead of spaces between {0}")]
    Commas(&'static str),
    /// Spaces or tabs that the grammar does not have.
    #[error("stray white space")]
    WhiteSpace,
    /// An empty `s=` (RFC 8866 §5.3 wants at least a space or `-`).
    #[error("session name is empty")]
    EmptyName,
    /// Lower-case hexadecimal in a fingerprint (RFC 8122 §5 defines upper case).
    #[error("fingerprint in lower case")]
    LowerCaseHex,
    /// A number written with leading zeros where its grammar forbids them.
    #[error("{0} has leading zeros")]
    LeadingZeros(&'static str),
    /// A flag attribute stands twice in a section.
    #[error("flag attribute stands twice")]
    RepeatedFlag,
}

impl Reason {
    /// Whether [`Session`](super::Session) accepts it.
    #[must_use]
    pub fn is_tolerated(&self) -> bool {
        matches!(
            self,
            Self::BareLineFeed
                | Self::MissingLineEnd
                | Self::BlankLine
                | Self::OutOfOrder(_)
                | Self::Commas(_)
                | Self::WhiteSpace
                | Self::EmptyName
                | Self::LowerCaseHex
                | Self::LeadingZeros(_)
                | Self::RepeatedFlag
        )
    }
}
