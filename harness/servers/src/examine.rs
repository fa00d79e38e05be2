//! Holds cases against a server.

use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_suite::verdict::{Finding, Layer, RunResult, Standing};
use rtcspec_wire::stun::{Attribute, Method};

use crate::Case;
use crate::bench::{Bench, Stop, allocate};
use crate::client::{Reply, plain, request};
use crate::target::{Kind, Target};

/// Who the server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The first word of SOFTWARE, in lower case; `turn-server` or `stun-server` without.
    pub name: String,
    /// The numbers after it; empty without.
    pub version: String,
    /// SOFTWARE as it is.
    pub software: Option<String>,
    /// Addresses of its host that were asked before the one that answered, and what came of it.
    pub silent: Vec<String>,
}

/// Why a server cannot be examined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {reason}")]
pub struct ExamineError {
    /// Which server.
    pub url: String,
    /// Why.
    pub reason: String,
}

/// Asks a server who it is: whether it is there at all. The first address of its host that answers
/// is the target's from then on.
///
/// # Errors
/// [`ExamineError`] if none does.
pub fn introduce(target: &mut Target) -> Result<About, ExamineError> {
    let mut silent = Vec::new();
    loop {
        let stop = match greeted(&mut Bench::new(target, Layer::Turn), target.kind) {
            Ok(software) => return Ok(About { silent, ..about(target.kind, software) }),
            Err(stop) => stop,
        };
        if target.others.is_empty() && silent.is_empty() {
            return Err(ExamineError { url: target.url.clone(), reason: stop.to_string() });
        }
        silent.push(format!("{}: {stop}", target.address));
        if target.others.is_empty() {
            return Err(ExamineError { url: target.url.clone(), reason: silent.join("; ") });
        }
        target.address = target.others.remove(0);
    }
}

/// SOFTWARE, if the server tells it.
fn greeted(bench: &mut Bench<'_>, kind: Kind) -> Result<Option<String>, Stop> {
    let software = |reply: &Reply| reply.view().software().map(str::to_owned);
    let mut client = bench.client()?;
    if kind == Kind::Stun {
        return Ok(software(&client.must(&plain(&request(Method::BINDING))?)?));
    }
    let challenge = client.must(&plain(&allocate())?)?;
    if let Some(told) = software(&challenge) {
        return Ok(Some(told));
    }
    // Some say it only to those they know. What is wrong with the credentials the cases will tell.
    let Ok(answer) = client.ask(allocate()) else { return Ok(None) };
    let _ = client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)));
    Ok(software(&answer))
}

fn about(kind: Kind, software: Option<String>) -> About {
    let text = software.as_deref().unwrap_or_default();
    let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    let rest = text.get(name.len()..).unwrap_or_default();
    let numbers = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let version: String = numbers.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let nameless = match kind {
        Kind::Stun => "stun-server",
        Kind::Turn => "turn-server",
    };
    let name = if name.is_empty() { nameless.to_owned() } else { name.to_lowercase() };
    About { name, version, software, silent: Vec::new() }
}

/// Holds one case.
#[must_use]
pub fn examine(case: &Case, target: &Target, about: &About) -> RunResult {
    let layer = if case.id.starts_with("stun") { Layer::Gathering } else { Layer::Turn };
    let begin = wall::now();
    let mut bench = Bench::new(target, layer);
    if let Err(stop) = (case.play)(&mut bench) {
        bench.log.say("", &format!("ends: {stop}"));
        let lines = bench.log.since(0);
        bench.findings.push(Finding {
            verdict: stop.verdict(),
            requirement: format!("{}: {}", case.tests.join(", "), case.title),
            expected: "the case can be played to its end".to_owned(),
            actual: stop.to_string(),
            layer,
            lines,
        });
    }
    let transcript = bench.log.since(0).join("\n") + "\n";
    result(case, target, about, bench.findings, transcript, begin.elapsed())
}

fn result(
    case: &Case,
    target: &Target,
    about: &About,
    findings: Vec<Finding>,
    transcript: String,
    elapsed: Duration,
) -> RunResult {
    let option = match target.kind {
        Kind::Stun => "--stun-server",
        Kind::Turn => "--turn-server",
    };
    let user = target.credentials.as_ref().map_or_else(String::new, |credentials| {
        format!(" --turn-user '{}' --turn-password ...", credentials.username)
    });
    RunResult {
        id: format!("{}@{}", case.id, target.transport.word()),
        title: case.title.to_owned(),
        tests: case.tests.iter().map(|&clause| clause.to_owned()).collect(),
        implementation: about.name.clone(),
        version: about.version.clone(),
        peers: vec![format!("server={}", about.name)],
        seed: 0,
        verdict: RunResult::worst(&findings),
        standing: Standing::Expected,
        reason: None,
        findings,
        audit: Default::default(),
        nats: Vec::new(),
        elapsed,
        profile: "loose".to_owned(),
        transcript,
        files: Vec::new(),
        repeat: format!("rtcspec run '{}' {option} '{}'{user}", case.id, target.url),
        ladder: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_tells_name_and_version() {
        let said = |text: &str| about(Kind::Turn, Some(text.to_owned()));
        let coturn = said("Coturn-4.6.1 'Gorst'");
        assert_eq!((coturn.name.as_str(), coturn.version.as_str()), ("coturn", "4.6.1"));
        assert_eq!(said("Cool server").version, "");
        assert_eq!(about(Kind::Stun, None).name, "stun-server");
    }
}
