//! Transcripts of runs: written by the observer, quoted by findings.

use rtcspec_trace::Profile;

use crate::run::Played;
use crate::verdict::{Finding, Ladder, Layer, Rung};

/// What the observer wrote.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// `exact`, `loose`, or `none` when nothing was sent.
    pub(crate) profile: String,
    /// The transcript.
    pub(crate) text: String,
    /// The ladder diagram.
    pub(crate) ladder: Ladder,
}

/// Most arrows of a ladder from a run's beginning, enough for a session to come up; and from its
/// end, where it went wrong.
const LADDER_HEAD: usize = 70;
const LADDER_TAIL: usize = 20;

/// Has a run written down.
#[must_use]
pub(crate) fn write(played: &Played) -> Written {
    if played.session.signals.is_empty() && played.session.datagrams.is_empty() {
        return Written { profile: "none".to_owned(), ..Written::default() };
    }
    let profile = match played.session.profile {
        Profile::Exact => "exact",
        Profile::Loose => "loose",
    };
    let result = played.verdict.word().to_owned();
    let rungs = rtcspec_trace::ladder(&played.session).into_iter().map(|rung| Rung {
        sent: rung.sent,
        arrived: rung.arrived,
        from: rung.from,
        to: rung.to,
        label: rung.label,
        lost: rung.lost,
    });
    Written {
        profile: profile.to_owned(),
        text: rtcspec_trace::transcript(&played.session, &result),
        ladder: Ladder::of(rungs, LADDER_HEAD, LADDER_TAIL),
    }
}

/// Most transcript lines a finding quotes.
const MOST_LINES: usize = 12;

/// Gives each finding that is not fine the lines of its layer's section.
#[must_use]
pub(crate) fn with_lines(mut findings: Vec<Finding>, transcript: &str) -> Vec<Finding> {
    for finding in findings.iter_mut().filter(|finding| !finding.verdict.is_fine()) {
        finding.lines = section(transcript, sections(finding.layer));
    }
    findings
}

/// Sections of a transcript that show a layer.
fn sections(layer: Layer) -> &'static [&'static str] {
    match layer {
        Layer::Signalling | Layer::Control => &["signal"],
        Layer::Gathering => &["ice.gather"],
        Layer::Turn => &["turn"],
        Layer::Ice | Layer::Network => &["ice.check"],
        Layer::Dtls => &["dtls"],
        Layer::Sctp => &["sctp"],
        Layer::Channel => &["dc"],
        Layer::Consent => &["consent"],
    }
}

fn section(transcript: &str, names: &[&str]) -> Vec<String> {
    let mut inside = false;
    let mut lines: Vec<String> = Vec::new();
    for line in transcript.lines() {
        if let Some(head) = line.strip_prefix("== ") {
            inside = names.iter().any(|name| head.split(' ').next() == Some(name));
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    if lines.len() > MOST_LINES {
        // The end is where it went wrong.
        let cut = lines.len() - MOST_LINES;
        lines.drain(..cut);
        lines.insert(0, format!("… ({cut} lines before)"));
    }
    lines
}
