//! The formats whose parsers are compared.

use crate::parser::Parser;
use crate::{rtcp, rtp, sctp, sdp, stun};

/// Something about an input that parsers treat differently.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// Its name, a cause in classes and a section of the ledger, where the clause stands.
    pub name: &'static str,
    /// Whether an input, which our parser reads, has it.
    pub holds: fn(&[u8]) -> bool,
}

/// A format with all parsers of it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name, also of its ledger.
    pub name: &'static str,
    /// The fuzz target whose corpus and mutators are taken.
    pub target: &'static str,
    /// Whether inputs are written as text.
    pub is_text: bool,
    /// Every field an account may have.
    pub fields: &'static [&'static str],
    /// Ours.
    pub ours: Parser,
    /// Those of others that are built in.
    pub theirs: fn() -> Vec<Parser>,
    /// What may be the cause of a disagreement about an input that we read. The first of them that
    /// holds and that the ledger has for the parser is the cause.
    pub conditions: &'static [Condition],
    /// Makes lengths and checksums right, so that an input can be made smaller.
    pub repair: fn(&mut Vec<u8>),
}

/// All formats.
pub const ALL: &[Format] = &[stun::FORMAT, sctp::FORMAT, sdp::FORMAT, rtp::FORMAT, rtcp::FORMAT];

/// The format of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    ALL.iter().find(|format| format.name == name)
}
