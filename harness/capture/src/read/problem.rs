//! What is wrong with a file, and where.

use std::fmt;

/// Something wrong at some place of a file. Everything before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset in the file; after decompression, if it is compressed.
    pub offset: u64,
    /// Number of the frame it concerns, or of the one that would have come next.
    pub frame: u64,
    /// What.
    pub damage: Damage,
    /// Bytes left out until reading could go on. `None` if nothing readable follows.
    pub skipped: Option<u64>,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file ends before a record or block does.
    #[error("the file ends within a {what}: {have} of {need} bytes")]
    CutShort {
        /// What was cut.
        what: &'static str,
        /// Bytes there are.
        have: u64,
        /// Bytes there should be.
        need: u64,
    },
    /// A length that cannot be.
    #[error("a {what} claims a length of {length} bytes")]
    BadLength {
        /// What claims it.
        what: &'static str,
        /// What it claims.
        length: u64,
    },
    /// A pcapng block whose two lengths differ.
    #[error("a block begins with length {first} and ends with length {last}")]
    LengthsDiffer {
        /// Before its body.
        first: u32,
        /// After it.
        last: u32,
    },
    /// A record or block that does not hold what its kind must hold.
    #[error("a {what} is malformed")]
    Malformed {
        /// What.
        what: &'static str,
    },
    /// A packet of an interface that the section does not describe.
    #[error("a packet of interface {interface}, but the section describes {known}")]
    UnknownInterface {
        /// What the packet names.
        interface: u32,
        /// How many there are.
        known: usize,
    },
    /// A time whose fraction is a second or more; it is taken as zero.
    #[error("a time has the fraction {fraction}, which is a second or more")]
    BadTime {
        /// The fraction, in the file's units.
        fraction: u32,
    },
    /// Bytes of a TCP stream that are in no packet of the capture.
    #[error("{bytes} bytes of TCP stream {stream} are not in the capture")]
    Gap {
        /// Number of the stream.
        stream: u64,
        /// How many.
        bytes: u64,
    },
    /// The bytes could not be read or decompressed any further.
    #[error("the file cannot be read on: {reason}")]
    Unreadable {
        /// What the source said.
        reason: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}, frame {}: {}", self.offset, self.frame, self.damage)?;
        match self.skipped {
            Some(0) => Ok(()),
            Some(skipped) => write!(f, "; {skipped} bytes left out"),
            None => f.write_str("; nothing after it can be read"),
        }
    }
}

/// Problems in the order of the file: the first of them, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    first: Vec<Problem>,
    count: u64,
}

impl Problems {
    /// How many are kept; the rest is counted.
    pub const KEPT: usize = 100;

    /// The first of them, at most [`Self::KEPT`].
    #[must_use]
    pub fn first(&self) -> &[Problem] {
        &self.first
    }

    /// How many there were.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there were none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_what() {
        let damage = Damage::CutShort { what: "packet", have: 3, need: 90 };
        let problem = Problem { offset: 40, frame: 2, damage, skipped: None };
        assert_eq!(
            problem.to_string(),
            "at byte 40, frame 2: the file ends within a packet: 3 of 90 bytes; \
             nothing after it can be read"
        );
    }

    #[test]
    fn problems_are_counted_beyond_those_kept() {
        let damage = Damage::Malformed { what: "block" };
        let problem = Problem { offset: 0, frame: 1, damage, skipped: Some(0) };
        let mut problems = Problems::default();
        (0..300).for_each(|_| problems.push(problem.clone()));
        assert_eq!((problems.first().len(), problems.count()), (Problems::KEPT, 300));
    }
}
