//! Violations of audit rules that are known of an implementation, and what others do to a run.

use std::collections::BTreeSet;

use rtcspec_audit::{Level, registry};
use serde::Deserialize;

use crate::audit::Broken;
use crate::expectation::glob;
use crate::verdict::{Finding, Layer, RunResult, Standing, Verdict};

/// `[[audit]]` of an expectations file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedEntry {
    rule: String,
    #[serde(default = "everywhere")]
    case: String,
    reason: String,
    evidence: String,
    #[serde(default, rename = "depends-on-seed")]
    depends_on_seed: bool,
}

fn everywhere() -> String {
    "*".to_owned()
}

/// A rule that an implementation is known to violate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub rule: String,
    /// Glob over the ids of the runs where it may.
    pub case: String,
    /// Why it does.
    pub reason: String,
    /// What shows that it is so.
    pub evidence: String,
    /// It shows with some seeds only.
    pub depends_on_seed: bool,
}

impl AcceptedEntry {
    /// Checks it; gives what is wrong, in words.
    pub(crate) fn read(self) -> Result<Accepted, String> {
        let Self { rule, case, reason, evidence, depends_on_seed } = self;
        if registry::find(&rule).is_none() {
            return Err(format!("audit rule `{rule}`: there is no such rule"));
        }
        if reason.trim().is_empty() || evidence.trim().is_empty() {
            return Err(format!("audit rule `{rule}`: a reason and evidence are needed"));
        }
        Ok(Accepted { rule, case, reason, evidence, depends_on_seed })
    }
}

/// Makes a run with a violation that is not accepted fail, whatever else was expected of it. Gives
/// the places of the entries that accepted one.
pub(crate) fn judge(result: &mut RunResult, accepted: &[Accepted]) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    let mut new = Vec::new();
    let violation = Level::Violation.letter();
    for broken in result.audit.findings.iter().filter(|one| one.level.starts_with(violation)) {
        let fits = |entry: &Accepted| entry.rule == broken.rule && glob(&entry.case, &result.id);
        match accepted.iter().position(fits) {
            Some(index) => _ = used.insert(index),
            None => new.push(finding(broken)),
        }
    }
    if !new.is_empty() {
        result.standing = Standing::New;
        if result.verdict.is_fine() {
            result.verdict = Verdict::Fail;
        }
        result.findings.extend(new);
    }
    used
}

fn finding(broken: &Broken) -> Finding {
    Finding {
        verdict: Verdict::Fail,
        requirement: format!("audit rule {} ({})", broken.rule, broken.cite),
        expected: broken.expected.clone(),
        actual: format!("{}, {} times, frames {:?}", broken.seen, broken.times, broken.frames),
        layer: layer(&broken.rule),
        lines: Vec::new(),
    }
}

/// The layer a rule is about, by the first word of its id.
fn layer(rule: &str) -> Layer {
    match rule.split_once('.').map_or(rule, |(area, _)| area) {
        "stun" | "ice" => Layer::Ice,
        "turn" => Layer::Turn,
        "consent" => Layer::Consent,
        "sctp" => Layer::Sctp,
        "dc" | "dcep" => Layer::Channel,
        "nat" => Layer::Network,
        "rtp" => Layer::Signalling,
        // What shares the socket with DTLS, and DTLS itself.
        _ => Layer::Dtls,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use rtcspec_control::Hello;

    use super::*;
    use crate::audit::Audited;
    use crate::expectation::{Complete, Date, Expectations, judge};
    use crate::verdict::Ladder;

    const TODAY: Date = Date { year: 2026, month: 11, day: 26 };

    fn run(rule: &str, level: &str, verdict: Verdict) -> RunResult {
        let broken = Broken {
            rule: rule.to_owned(),
            level: level.to_owned(),
            frames: vec![3, 4],
            times: 2,
            expected: "this".to_owned(),
            seen: "that".to_owned(),
            cite: "RFC 8445 §7.1.1".to_owned(),
        };
        RunResult {
            files: Vec::new(),
            id: "nat/x@offerer".to_owned(),
            title: String::new(),
            tests: Vec::new(),
            implementation: "it".to_owned(),
            version: "1".to_owned(),
            peers: Vec::new(),
            seed: 1,
            verdict,
            standing: Standing::Expected,
            reason: None,
            findings: Vec::new(),
            audit: Audited { held: 0, silent: 0, findings: vec![broken] },
            nats: Vec::new(),
            elapsed: Duration::ZERO,
            profile: "loose".to_owned(),
            transcript: String::new(),
            repeat: String::new(),
            ladder: Ladder::default(),
        }
    }

    fn read(text: &str) -> Result<Expectations, String> {
        let hello = Hello {
            adapter: 1,
            implementation: "it".to_owned(),
            version: "1".to_owned(),
            commit: None,
            features: BTreeSet::new(),
            limits: rtcspec_control::Limits::default(),
        };
        Expectations::read("expect/it.toml", text, &hello).map_err(|error| error.to_string())
    }

    fn judged(text: &str, mut result: RunResult) -> (RunResult, Vec<String>) {
        let known = BTreeMap::from([("it".to_owned(), read(text).expect("it can be read"))]);
        let stale = judge(std::slice::from_mut(&mut result), &known, TODAY, Complete::Runs);
        (result, stale.iter().map(ToString::to_string).collect())
    }

    const PRIORITY: &str = "[[audit]]\nrule = \"ice.priority\"\nreason = \"r\"\nevidence = \"e\"\n";

    #[test]
    fn a_violation_that_is_not_accepted_fails_the_run() {
        let (result, stale) = judged("", run("ice.priority", "V", Verdict::Pass));
        assert_eq!((result.verdict, result.standing), (Verdict::Fail, Standing::New));
        assert_eq!(result.findings[0].layer, Layer::Ice);
        assert_eq!(result.findings[0].actual, "that, 2 times, frames [3, 4]");
        assert!(stale.is_empty());
        let (result, _) = judged("", run("ice.priority", "W", Verdict::Pass));
        assert_eq!((result.verdict, result.standing), (Verdict::Pass, Standing::Expected));
    }

    #[test]
    fn an_accepted_violation_changes_nothing_and_hides_nothing() {
        let (result, stale) = judged(PRIORITY, run("ice.priority", "V", Verdict::Pass));
        assert_eq!((result.verdict, result.standing), (Verdict::Pass, Standing::Expected));
        assert!(stale.is_empty() && result.findings.is_empty());
        let (result, _) = judged(PRIORITY, run("ice.priority", "V", Verdict::Fail));
        assert_eq!((result.verdict, result.standing), (Verdict::Fail, Standing::New));
        let (result, _) = judged(PRIORITY, run("ice.pacing", "V", Verdict::Pass));
        assert_eq!(result.standing, Standing::New);
    }

    #[test]
    fn an_expected_failure_does_not_hide_a_new_violation() {
        let known = "[[expect]]\ncase = \"nat/*\"\nverdict = \"crash\"\nreason = \"r\"\n\
                     evidence = \"e\"\n";
        let (result, _) = judged(known, run("ice.priority", "V", Verdict::Crash));
        assert_eq!((result.verdict, result.standing), (Verdict::Crash, Standing::New));
    }

    #[test]
    fn an_accepted_violation_that_does_not_show_is_stale() {
        let elsewhere = PRIORITY.replace("reason", "case = \"ice/*\"\nreason");
        let (result, stale) = judged(&elsewhere, run("ice.priority", "V", Verdict::Pass));
        assert_eq!(result.standing, Standing::New);
        assert_eq!(stale, ["audit rule `ice.priority`, accepted of it, is kept in `ice/*`"]);
    }

    #[test]
    fn an_entry_names_a_rule_and_gives_reasons() {
        let wrong = read(&PRIORITY.replace("ice.priority", "ice.prio")).expect_err("no rule");
        assert!(wrong.contains("`ice.prio`: there is no such rule"), "{wrong}");
        let empty = read(&PRIORITY.replace("\"e\"", "\" \"")).expect_err("no evidence");
        assert!(empty.contains("a reason and evidence are needed"), "{empty}");
    }
}
