//! What an audit leaves behind: a value, and text, JSON, SARIF and JUnit made from it.

mod json;
mod junit;
mod sarif;
mod text;

use rtcspec_trace::Party;
use serde::Serialize;

pub use json::json;
pub use junit::junit;
pub use sarif::sarif;
pub use text::text;

use crate::registry;
use crate::rule::Level;
use crate::tally::Finding;

/// Everything an audit of some files found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// What was read, in the order it was given.
    pub files: Vec<FileReport>,
}

/// What one file holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Frames read.
    pub frames: u64,
    /// What is not right with the file itself, or could not be read.
    pub problems: Vec<String>,
    /// What stays closed, flow by flow, and why: the rules saw nothing of what is inside.
    pub closed: Vec<String>,
    /// The connections in it.
    pub connections: Vec<ConnectionReport>,
}

/// What was found of one connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConnectionReport {
    /// What it is called.
    pub name: String,
    /// How far it came, and why no further.
    pub diagnosis: Diagnosis,
    /// Rules that were broken, gravest first.
    pub findings: Vec<Reported>,
    /// Rules that held, and how often.
    pub held: Vec<Held>,
    /// Rules that had nothing to judge, and why.
    pub silent: Vec<Silent>,
}

/// How far a connection came, layer by layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// All of it, in one line.
    pub line: String,
    /// Whether everything that was begun came up.
    pub connected: bool,
    /// Connectivity checks and nomination.
    pub ice: String,
    /// The handshake.
    pub dtls: String,
    /// The association.
    pub sctp: String,
    /// Data channels.
    pub channel: String,
    /// Frames that show where it stopped.
    pub frames: Vec<u64>,
}

/// A finding, as reports print it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// Id of the rule.
    pub rule: &'static str,
    /// How grave.
    pub level: Level,
    /// `A` or `B`, who is to blame.
    #[serde(serialize_with = "letter")]
    pub who: Option<Party>,
    /// Microseconds since the first frame.
    pub at_us: u64,
    /// The frames that prove it.
    pub frames: Vec<u64>,
    /// How many times.
    pub times: u64,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// `RFC 8445 §7.2.4`.
    pub cite: String,
    /// Where that can be read.
    pub url: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// A rule that held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its id.
    pub rule: &'static str,
    /// How often it was held.
    pub times: u64,
}

/// A rule without an occasion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silent {
    /// Its id.
    pub rule: &'static str,
    /// Why.
    pub why: String,
}

fn letter<S: serde::Serializer>(who: &Option<Party>, serializer: S) -> Result<S::Ok, S::Error> {
    match who {
        Some(party) => serializer.serialize_char(party.letter()),
        None => serializer.serialize_none(),
    }
}

impl Reported {
    pub(crate) fn new(rule: &'static str, advice: &'static str, finding: &Finding) -> Self {
        Self {
            rule,
            level: finding.level,
            who: finding.who,
            at_us: u64::try_from(finding.at.as_micros()).unwrap_or(u64::MAX),
            frames: finding.frames.clone(),
            times: finding.times,
            expected: finding.expected.clone().into_owned(),
            seen: finding.seen.clone(),
            cite: finding.cite.to_string(),
            url: finding.cite.url(),
            advice,
        }
    }
}

impl Report {
    /// All findings, with the file and the connection they are in.
    pub fn findings(&self) -> impl Iterator<Item = (&FileReport, &ConnectionReport, &Reported)> {
        self.files.iter().flat_map(|file| {
            file.connections.iter().flat_map(move |connection| {
                connection.findings.iter().map(move |finding| (file, connection, finding))
            })
        })
    }

    /// The gravest level found.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        self.findings().map(|(_, _, finding)| finding.level).max()
    }

    /// Keeps what the rules whose ids match a glob found.
    pub fn keep_rules(&mut self, globs: &[String]) {
        if globs.is_empty() {
            return;
        }
        let wanted = |id: &str| globs.iter().any(|glob| registry::matches(glob, id));
        for connection in self.files.iter_mut().flat_map(|file| &mut file.connections) {
            connection.findings.retain(|finding| wanted(finding.rule));
            connection.held.retain(|held| wanted(held.rule));
            connection.silent.retain(|silent| wanted(silent.rule));
        }
    }
}
