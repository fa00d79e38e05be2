//! What the NATs of a run turn out to be when they are asked, beside the verdict.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rtcspec_net::discovery::{Class, survey as measure};
use rtcspec_net::nat::Params;

use crate::scenario::File;
use crate::topology::nat_params;
use crate::verdict::{Finding, Layer, Verdict};

/// The NATs of a file, measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// One line each: `nat.home: mapping endpoint-independent, ...`.
    pub(super) lines: Vec<String>,
    /// One for each NAT that is not what the file says; a defect of the harness.
    pub(super) findings: Vec<Finding>,
}

/// Measures every NAT of a file, each on a network of its own, so that the run sees none of it.
pub(super) fn survey(file: &File) -> Survey {
    let mut survey = Survey::default();
    for (name, section) in &file.nat {
        let params = nat_params(section);
        survey.add(name, &params, class(&params));
    }
    survey
}

impl Survey {
    fn add(&mut self, name: &str, params: &Params, measured: Result<Class, String>) {
        let wrong = match measured {
            Ok(class) => {
                self.lines.push(format!("nat.{name}: {class}"));
                class.disagreements(params).join("; ")
            }
            Err(error) => error,
        };
        if !wrong.is_empty() {
            self.findings.push(finding(name, params, wrong));
        }
    }
}

fn finding(name: &str, params: &Params, actual: String) -> Finding {
    Finding {
        verdict: Verdict::Inconclusive,
        requirement: format!("nat.{name} behaves as the scenario says (RFC 5780 §4)"),
        expected: params.to_string(),
        actual,
        layer: Layer::Network,
        lines: Vec::new(),
    }
}

/// What was measured before, by the parameters. A measurement is a function of them, so it makes
/// no difference which run made it. A campaign meets NATs without end, and nearly none twice: of
/// more than [`MOST`] none is kept.
static MEASURED: Mutex<BTreeMap<String, Result<Class, String>>> = Mutex::new(BTreeMap::new());

/// Far more than the scenarios, the classic NATs and a matrix know.
const MOST: usize = 4096;

fn class(params: &Params) -> Result<Class, String> {
    let key = format!("{params:?}");
    // A measurement that panicked has left nothing behind.
    let known = || MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(class) = known().get(&key) {
        return class.clone();
    }
    let class = measure(params).map_err(|error| format!("failed to {error}"));
    keep(&mut known(), key, &class);
    class
}

fn keep(
    known: &mut BTreeMap<String, Result<Class, String>>,
    key: String,
    class: &Result<Class, String>,
) {
    if known.len() < MOST {
        known.insert(key, class.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read;

    const FILE: &str = r#"schema = 1
name   = "two networks"
tests  = ["RFC 5780 §4"]
limit  = "5s"

[nat.home]
preset  = "home"
inside  = "lan-a"
outside = "wan"

[nat.office]
preset  = "symmetric"
inside  = "lan-b"
outside = "wan"

[peer.alice]
on   = "lan-a"
runs = "reference"
role = "offerer"

[peer.bob]
on   = "lan-b"
runs = "reference"

[[do]]
connect = ["alice", "bob"]
"#;

    #[test]
    fn every_nat_is_told_beside_the_verdict() {
        let file = read("test/networks", FILE).unwrap().file;
        let survey = survey(&file);
        assert_eq!(survey.findings, []);
        assert_eq!(survey.lines.len(), 2);
        assert!(survey.lines[0].starts_with("nat.home: mapping endpoint-independent, filtering "));
        assert!(survey.lines[1].starts_with("nat.office: mapping address-and-port-dependent, "));
    }

    #[test]
    fn a_nat_that_is_not_what_the_file_says_makes_the_run_inconclusive() {
        let file = read("test/networks", FILE).unwrap().file;
        let [home, office] = ["home", "office"].map(|name| nat_params(&file.nat[name]));
        let mut survey = Survey::default();
        survey.add("home", &home, class(&office));
        survey.add("office", &office, Err("failed to find a free address on wan".to_owned()));
        assert_eq!(survey.findings.len(), 2);
        assert!(survey.findings.iter().all(|finding| finding.verdict == Verdict::Inconclusive));
        let actual = &survey.findings[0].actual;
        assert!(
            actual.contains(
                "mapping: configured endpoint-independent, measured address-and-port-dependent"
            ),
            "{actual}"
        );
    }

    #[test]
    fn a_campaign_keeps_no_more_nats_than_there_is_room_for() {
        let mut known = BTreeMap::new();
        for number in 0..MOST + 10 {
            keep(&mut known, number.to_string(), &Err("failed".to_owned()));
        }
        assert_eq!(known.len(), MOST);
    }
}
