//! What came of a run, and what that means.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// Outcome of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every duty was met.
    Pass,
    /// Every MUST was met, a SHOULD was not.
    Nonstrict,
    /// The specifications leave it open; this is what the implementation does.
    Info,
    /// A duty was not met.
    Fail,
    /// The implementation declares that it cannot do this.
    Unsupported,
    /// The implementation died.
    Crash,
    /// The implementation stopped answering.
    Hang,
    /// The harness or the network could not tell.
    Inconclusive,
}

impl Verdict {
    /// All of them, best first.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Nonstrict,
        Self::Info,
        Self::Unsupported,
        Self::Fail,
        Self::Crash,
        Self::Hang,
        Self::Inconclusive,
    ];

    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Nonstrict => "NONSTRICT",
            Self::Info => "INFO",
            Self::Fail => "FAIL",
            Self::Unsupported => "UNSUPPORTED",
            Self::Crash => "CRASH",
            Self::Hang => "HANG",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }

    /// The verdict of a word, in either case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word().eq_ignore_ascii_case(word))
    }

    /// Whether a run may end so without an expectation that says it does.
    #[must_use]
    pub fn is_fine(self) -> bool {
        matches!(self, Self::Pass | Self::Nonstrict | Self::Info | Self::Unsupported)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How a verdict stands against the expectations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Standing {
    /// Fine, and nothing else was expected.
    Expected,
    /// Not fine, and known.
    Xfail,
    /// Fine although a failure was expected: the expectation is out of date.
    Xpass,
    /// Not fine, and not known.
    New,
}

impl Standing {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Xfail => "XFAIL",
            Self::Xpass => "XPASS",
            Self::New => "NEW",
        }
    }

    /// Whether it fails the whole run.
    #[must_use]
    pub fn is_unexpected(self) -> bool {
        matches!(self, Self::Xpass | Self::New)
    }
}

/// The layer a failure is blamed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Offer/answer.
    Signalling,
    /// Candidate gathering.
    Gathering,
    /// TURN.
    Turn,
    /// Connectivity checks.
    Ice,
    /// DTLS.
    Dtls,
    /// SCTP.
    Sctp,
    /// DCEP and data channels.
    Channel,
    /// Consent.
    Consent,
    /// The network itself.
    Network,
    /// The control contract.
    Control,
}

impl Layer {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Signalling => "signalling",
            Self::Gathering => "gathering",
            Self::Turn => "turn",
            Self::Ice => "ice",
            Self::Dtls => "dtls",
            Self::Sctp => "sctp",
            Self::Channel => "channel",
            Self::Consent => "consent",
            Self::Network => "network",
            Self::Control => "control",
        }
    }
}

/// One duty that was or was not met.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct Finding {
    /// What it means for the verdict.
    pub verdict: Verdict,
    /// The duty, with its RFC clause where it has one.
    pub requirement: String,
    /// What should have happened.
    pub expected: String,
    /// What did.
    pub actual: String,
    /// The layer to blame.
    pub layer: Layer,
    /// Transcript lines that show it.
    pub lines: Vec<String>,
}

/// One run of one scenario, case or matrix cell.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[schemars(deny_unknown_fields)]
pub struct RunResult {
    /// True id: scenario or case, with matrix values behind a `#`.
    pub id: String,
    /// One sentence on what is tested.
    pub title: String,
    /// RFC clauses exercised.
    pub tests: Vec<String>,
    /// Implementation under test.
    pub implementation: String,
    /// Its version.
    pub version: String,
    /// Who runs what, in order of role: `alice=reference`.
    pub peers: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
    /// Outcome.
    pub verdict: Verdict,
    /// Against the expectations.
    pub standing: Standing,
    /// Reason of the matching expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was and was not met.
    pub findings: Vec<Finding>,
    /// What the audit rules say of the implementation under test.
    pub audit: crate::audit::Audited,
    /// What the NATs turned out to be, by RFC 5780 and the engine's own view.
    pub nats: Vec<String>,
    /// Virtual time the run took; in milliseconds in reports.
    #[serde(serialize_with = "millis")]
    #[schemars(with = "f64")]
    pub elapsed: Duration,
    /// Transcript profile: `exact` or `loose`.
    pub profile: String,
    /// The transcript.
    pub transcript: String,
    /// One command that repeats the run.
    pub repeat: String,
    /// Files of the run in the folder of the report: record, capture with keys, signalling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Who sent what to whom and what became of it, for the ladder diagram.
    #[serde(skip)]
    pub ladder: Ladder,
}

/// A ladder diagram: the first arrows of a run and its last ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// How it begins.
    pub head: Vec<Rung>,
    /// How many arrows are left out.
    pub omitted: usize,
    /// How it ends, when arrows are left out.
    pub tail: Vec<Rung>,
}

impl Ladder {
    /// Keeps the first `head` and the last `tail` rungs.
    #[must_use]
    pub fn of(rungs: impl ExactSizeIterator<Item = Rung>, head: usize, tail: usize) -> Self {
        let omitted = rungs.len().saturating_sub(head + tail);
        let head = if omitted == 0 { rungs.len() } else { head };
        let mut rungs = rungs;
        let head: Vec<Rung> = rungs.by_ref().take(head).collect();
        Self { head, omitted, tail: rungs.skip(omitted).collect() }
    }
}

/// One arrow of a ladder diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// When it was sent.
    pub sent: Duration,
    /// When it arrived; `None` if it never did.
    pub arrived: Option<Duration>,
    /// Column it starts at.
    pub from: String,
    /// Column it ends at, or was meant to.
    pub to: String,
    /// What it is.
    pub label: String,
    /// Where it was lost and why.
    pub lost: Option<String>,
}

fn millis<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((elapsed.as_secs_f64() * 1e6).round() / 1e3)
}

impl RunResult {
    /// The worst of the findings, or PASS.
    #[must_use]
    pub fn worst(findings: &[Finding]) -> Verdict {
        findings
            .iter()
            .map(|finding| finding.verdict)
            .max_by_key(|verdict| rank(*verdict))
            .unwrap_or(Verdict::Pass)
    }
}

fn rank(verdict: Verdict) -> usize {
    Verdict::ALL.iter().position(|other| *other == verdict).unwrap_or(usize::MAX)
}
