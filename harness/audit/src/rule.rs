//! What a rule is: what it says of itself, and the state with which it watches one connection.

use std::fmt;
use std::time::Duration;

use rtcspec_trace::watch::Event;
use serde::Serialize;

use crate::book::{Book, Description};
use crate::hears::Hears;
use crate::tally::Tally;

/// How grave it is to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Level {
    /// An observation, or a MUST that large implementations knowingly break.
    #[serde(rename = "N")]
    Note,
    /// A SHOULD, or something deprecated.
    #[serde(rename = "W")]
    Warning,
    /// A MUST.
    #[serde(rename = "V")]
    Violation,
}

impl Level {
    /// `V`, `W` or `N`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Violation => 'V',
            Self::Warning => 'W',
            Self::Note => 'N',
        }
    }

    /// `violation`, `warning` or `note`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// A section of an RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cite {
    /// Number of the RFC.
    pub rfc: u16,
    /// Section, `7.2.4`.
    pub section: &'static str,
}

impl Cite {
    /// Where it can be read.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://www.rfc-editor.org/rfc/rfc{}#section-{}", self.rfc, self.section)
    }
}

impl fmt::Display for Cite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RFC {} §{}", self.rfc, self.section)
    }
}

/// A section, shortly written.
pub(crate) const fn cite(rfc: u16, section: &'static str) -> Cite {
    Cite { rfc, section }
}

/// What a rule cannot judge without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Offers and answers.
    Signalling,
    /// Secrets that open DTLS.
    Keys,
    /// Packets of both directions.
    BothDirections,
    /// The view of both ends, or of the one that answers.
    FarEnd,
    /// When every packet was seen.
    Times,
}

impl Need {
    /// As rules are listed: `s`, `k`, `b`, `2`; the wire alone is `w`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Signalling => 's',
            Self::Keys => 'k',
            Self::BothDirections => 'b',
            Self::FarEnd => '2',
            Self::Times => 't',
        }
    }

    /// That there is nothing of it.
    pub(crate) fn lacking(self) -> String {
        format!("there are no {}", self.words().trim_start_matches("the "))
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Signalling => "offers and answers (`--sdp`)",
            Self::Keys => "the keys of DTLS (`--keys`, or secrets in the file)",
            Self::BothDirections => "packets of both directions",
            Self::FarEnd => "the view of the end that answers",
            Self::Times => "the times of packets",
        }
    }
}

/// What a rule says of itself. Lists, the documentation and the SARIF rule table come from it.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Stable name, `stun.fingerprint`.
    pub id: &'static str,
    /// How grave its gravest finding is.
    pub level: Level,
    /// Where the duty stands; the first is quoted unless a finding names another.
    pub cites: &'static [Cite],
    /// What it cannot judge without.
    pub needs: &'static [Need],
    /// The duty, in one line.
    pub summary: &'static str,
    /// When it fires, and what it is careful about.
    pub doc: &'static str,
    /// What whoever finds it should do.
    pub advice: &'static str,
    /// A situation in which it holds.
    pub holds: &'static str,
    /// A situation in which it is broken.
    pub breaks: &'static str,
    /// Why there may be nothing to judge.
    pub silent: &'static str,
    /// The events it wants.
    pub hears: &'static [Hears],
    /// Over what its state reaches.
    pub scope: Scope,
}

/// Over what a rule's state reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One connection.
    Connection,
    /// All that an observer saw: the host's sockets, its TURN servers.
    Observer,
}

/// What there is to know besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What was signalled for the connection.
    pub book: &'a Book,
    /// The time of the event, or of the last one.
    pub now: Duration,
}

/// One duty, and how to watch over it.
pub trait Rule: fmt::Debug + Sync {
    /// What it says of itself.
    fn about(&self) -> &'static About;

    /// Its state at the beginning of a connection.
    fn watch(&self) -> Box<dyn Watch>;
}

/// A rule's state. What it keeps must be bounded.
pub trait Watch: fmt::Debug {
    /// Takes the next event of a kind it hears.
    fn event(&mut self, scene: &Scene<'_>, event: &Event<'_>, tally: &mut Tally);

    /// Takes the next description; those before it are in the book too.
    fn signal(&mut self, book: &Book, description: &Description, tally: &mut Tally) {
        let _ = (book, description, tally);
    }

    /// Nothing more will come.
    fn end(&mut self, scene: &Scene<'_>, tally: &mut Tally) {
        let _ = (scene, tally);
    }
}
