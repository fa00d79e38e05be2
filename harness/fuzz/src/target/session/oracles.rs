//! What is held of a session that was played.

use std::collections::BTreeSet;

use rtcspec_suite::audit::audit_run;
use rtcspec_suite::run::Played;
use rtcspec_suite::verdict::{self, Verdict as Word};
use rtcspec_trace::{Party, Place, SignalBody};

use super::compile::Plan;
use super::improvise::Improviser;
use crate::finding::{Finding, Oracle, Verdict, hold};

/// Datagrams that a peer may send for each that the other one sends.
const GAIN: usize = 20;
/// And besides: checks of every pair, retransmissions, streams of its own.
const ALLOWANCE: usize = 2_000;

/// Everything that was broken but the rules of the audit, the worst first.
pub(super) fn held(
    plan: &Plan,
    played: &Played,
    improviser: &Improviser,
    tested: Party,
    words: Option<&str>,
) -> Vec<Finding> {
    // Peers that leave, or offer at the same time, may have something to report; so may one that is
    // hostile.
    let quiet = plan.expectations.is_empty() || plan.renegotiates;
    let counts = |finding: &&verdict::Finding| {
        finding.requirement != REPORTS || !(quiet || finding.actual.starts_with(HOSTILE))
    };
    let mut all = run(played.findings.iter().filter(counts), words);
    all.extend(amplifies(played, tested).err());
    all.extend(fingerprint(played, improviser, tested).err());
    all
}

/// What can be seen of a session alone.
pub(super) fn seen(played: &Played, tested: Party, words: Option<&str>) -> Vec<Finding> {
    let mut all = run(played.findings.iter(), words);
    all.extend(amplifies(played, tested).err());
    all.extend(audited(played, tested));
    all
}

/// What the run asks of peers beside what a file expects, and how the words of the hostile one begin.
const REPORTS: &str = "a peer reports no error";
const HOSTILE: &str = "hostile ";

fn run<'a>(
    findings: impl Iterator<Item = &'a verdict::Finding>,
    words: Option<&str>,
) -> Vec<Finding> {
    let mut all: Vec<Finding> = findings.filter_map(|finding| told(finding, words)).collect();
    all.sort_by_key(|finding| finding.oracle);
    all
}

/// What the run itself says: a crash, a hang, an expectation that was not met.
fn told(finding: &verdict::Finding, words: Option<&str>) -> Option<Finding> {
    let oracle = match finding.verdict {
        Word::Crash => Oracle::Panic,
        Word::Hang => Oracle::Time,
        Word::Fail | Word::Inconclusive => Oracle::Model,
        _ => return None,
    };
    let what = match oracle {
        // Where it was is known of a panic that was caught on its way.
        Oracle::Panic => words.map_or_else(|| finding.actual.clone(), str::to_owned),
        Oracle::Time => finding.actual.clone(),
        _ => format!(
            "{}: {}, not {} ({:?})",
            finding.requirement, finding.actual, finding.expected, finding.layer
        ),
    };
    Some(Finding::new(oracle, what))
}

/// RFC 8445 §19.5.1: nobody is made to send much more than he is sent.
fn amplifies(played: &Played, tested: Party) -> Verdict {
    let sent = |party| {
        let of = |place: &Option<Place>| *place == Some(Place::Peer(party));
        played.session.datagrams.iter().filter(|datagram| of(&datagram.from)).count()
    };
    let (theirs, ours) = (sent(tested), sent(tested.other()));
    hold(Oracle::Model, theirs <= GAIN * ours + ALLOWANCE, || {
        format!("the peer answers {ours} datagrams with {theirs}")
    })
}

/// RFC 8827 §6.5: nothing is said to who has another certificate than the one described.
fn fingerprint(played: &Played, improviser: &Improviser, tested: Party) -> Verdict {
    let own: BTreeSet<String> =
        improviser.descriptions.iter().flat_map(|sdp| fingerprints(sdp)).collect();
    if own.is_empty() || played.path.is_none() {
        return Ok(());
    }
    let told = played.session.signals.iter().filter(|signal| signal.from != tested);
    let mut told = told.filter_map(|signal| match &signal.body {
        SignalBody::Description { sdp, .. } => Some(fingerprints(sdp)),
        SignalBody::Candidate { .. } => None,
    });
    let right = told.any(|told| told.iter().any(|one| own.contains(one)));
    hold(Oracle::Model, right, || "data went both ways with a certificate nobody described")
}

/// Fingerprints of a description, in one case: hexadecimal digits have two (RFC 8122 §5).
fn fingerprints(sdp: &str) -> Vec<String> {
    let values = sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=fingerprint:"));
    values.map(str::to_ascii_lowercase).collect()
}

/// Rules that the tested peer breaks where the other one and the network are what they should be.
pub(super) fn audited(played: &Played, tested: Party) -> Vec<Finding> {
    let audited = audit_run(&played.session, tested);
    // What only looks wrong depends on more than one session.
    let broken = audited.findings.iter().filter(|broken| broken.level == "V");
    let rules: BTreeSet<&str> = broken.map(|broken| broken.rule.as_str()).collect();
    let finding = |rule: &&str| Finding::new(Oracle::Model, format!("audit rule {rule}"));
    rules.iter().map(finding).collect()
}
