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
use crate::rule::{About, Level, Need};
use crate::tally::{Finding, Tally};

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
    /// What else was found of rules that have more findings than are listed.
    pub further: Vec<Further>,
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

/// Findings of a rule that are not listed, because there are too many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Further {
    /// Id of the rule.
    pub rule: &'static str,
    /// How grave.
    pub level: Level,
    /// `A` or `B`, who is to blame.
    #[serde(serialize_with = "letter")]
    pub who: Option<Party>,
    /// How many.
    pub times: u64,
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

impl Further {
    pub(crate) fn of(rule: &'static str, tally: &Tally) -> impl Iterator<Item = Self> {
        let dropped = tally.dropped.iter();
        dropped.map(move |((who, level), times)| Self {
            rule,
            level: *level,
            who: *who,
            times: *times,
        })
    }

    /// `5 further findings that are not listed`.
    #[must_use]
    pub fn words(&self) -> String {
        let plural = if self.times == 1 { " that is" } else { "s that are" };
        format!("{} further finding{plural} not listed", self.times)
    }
}

impl FileReport {
    /// Takes back what rules said that need the time of every packet, because so many have none.
    pub fn without_times(&mut self, packets: u64) {
        let is_timed = |about: &About| about.needs.contains(&Need::Times).then_some(about.id);
        let timed: Vec<&'static str> =
            registry::all().filter_map(|rule| is_timed(rule.about())).collect();
        for connection in &mut self.connections {
            connection.findings.retain(|finding| !timed.contains(&finding.rule));
            connection.further.retain(|further| !timed.contains(&further.rule));
            connection.held.retain(|held| !timed.contains(&held.rule));
            connection.silent.retain(|silent| !timed.contains(&silent.rule));
            let why = Need::Times.lacking();
            let lacking = |rule| Silent { rule, why: why.clone() };
            connection.silent.extend(timed.iter().copied().map(lacking));
            connection.silent.sort_by_key(|silent| registry::place(silent.rule));
        }
        self.problems.push(format!(
            "{packets} packets have no time of their own: {} say nothing",
            timed.join(", ")
        ));
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

    /// Findings that are not listed, with the file they are in.
    pub fn further(&self) -> impl Iterator<Item = (&FileReport, &Further)> {
        self.files.iter().flat_map(|file| {
            file.connections.iter().flat_map(move |connection| {
                connection.further.iter().map(move |further| (file, further))
            })
        })
    }

    /// The gravest level found.
    #[must_use]
    pub fn worst(&self) -> Option<Level> {
        let further = self.further().map(|(_, further)| further.level);
        self.findings().map(|(_, _, finding)| finding.level).chain(further).max()
    }

    /// Keeps what the rules whose ids match a glob found.
    pub fn keep_rules(&mut self, globs: &[String]) {
        if globs.is_empty() {
            return;
        }
        let wanted = |id: &str| globs.iter().any(|glob| registry::matches(glob, id));
        for connection in self.files.iter_mut().flat_map(|file| &mut file.connections) {
            connection.findings.retain(|finding| wanted(finding.rule));
            connection.further.retain(|further| wanted(further.rule));
            connection.held.retain(|held| wanted(held.rule));
            connection.silent.retain(|silent| wanted(silent.rule));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::{Trial, a, b, check};

    #[test]
    fn what_takes_times_is_not_said_without_them() {
        let mut trial = Trial::default();
        for nth in 0..5 {
            let id = trial.id();
            trial.stun(0, (a(5000), b(6000 + nth)), &check(id, "bbbb:aaaa", true, 1));
        }
        let mut report = trial.report();
        let found = |report: &super::FileReport, rule: &str| {
            report.connections[0].findings.iter().any(|finding| finding.rule == rule)
        };
        assert!(found(&report, "ice.pacing") && found(&report, "stun.integrity"));
        report.without_times(5);
        assert!(!found(&report, "ice.pacing") && found(&report, "stun.integrity"));
        let silent = &report.connections[0].silent;
        let why = silent.iter().find(|one| one.rule == "ice.pacing").map(|one| one.why.as_str());
        assert_eq!(why, Some("there are no times of packets"));
        assert!(report.problems[0].starts_with("5 packets have no time of their own: stun.rto, "));
    }
}
