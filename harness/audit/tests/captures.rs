//! The rules over real sessions between real implementations.

use std::path::{Path, PathBuf};

use rtcspec_audit::report::FileReport;
use rtcspec_audit::{Auditor, Level};
use rtcspec_capture::net::Step;
use rtcspec_capture::{Given, open};
use rtcspec_trace::watch::Observer;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn audit(path: &Path) -> FileReport {
    let mut capture = open(path, &Given::default()).expect("the capture opens");
    let (mut observer, mut auditor) = (Observer::new(), Auditor::new());
    for (session, dialogue) in (0..).zip(&capture.dialogues) {
        for signal in &dialogue.signals {
            observer.signal(session, signal);
            auditor.signal(session, signal);
        }
    }
    capture.keys.lines().iter().for_each(|line| observer.secrets(line));
    loop {
        let step = capture.frames.step(&mut |frame| {
            if let Some(seen) = frame.whole() {
                observer.seen(&seen, &mut |event| auditor.event(event));
            }
        });
        match step {
            Step::Packet => {}
            Step::Secrets(lines) => observer.secrets(&String::from_utf8_lossy(&lines)),
            Step::End => break,
        }
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    auditor.finish(&name, capture.frames.summary().frames)
}

/// Captures by name, without those of fixtures.
fn captures() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(corpus()).expect("the corpus is there");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pcap"));
    paths.sort();
    paths
}

/// What `corpus/captures/FINDINGS.md` justifies: capture, rule, frames.
const VIOLATIONS: &[(&str, &str, &str, &[u64])] = &[
    ("nat-sym-pion-chromium-turn", "ice.pacing", "A", &[11, 13, 15, 16, 18]),
    ("nat-sym-pion-chromium-turn", "ice.priority", "A", &[11, 19, 26]),
    ("nat-sym-pion-chromium-turn", "ice.priority", "A", &[13, 15, 20]),
    ("nat-sym-pion-chromium-turn", "ice.priority", "A", &[18, 25, 34]),
    ("nat-sym-pion-chromium-turn", "ice.pacing", "-", &[19, 20, 21, 22, 23]),
];

#[test]
fn every_violation_is_one_that_is_justified() {
    let mut found = Vec::new();
    for path in captures() {
        let report = audit(&path);
        assert_eq!(report.connections.len(), 1, "{}", report.file);
        for finding in report.connections.iter().flat_map(|connection| &connection.findings) {
            if finding.level == Level::Violation {
                let who = finding.who.map_or('-', rtcspec_trace::Party::letter).to_string();
                found.push((report.file.clone(), finding.rule, who, finding.frames.clone()));
            }
        }
    }
    let same = |a: &(String, &str, String, Vec<u64>), b: &(&str, &str, &str, &[u64])| {
        (a.0.as_str(), a.1, a.2.as_str()) == (b.0, b.1, b.2) && a.3.starts_with(b.3)
    };
    let new: Vec<_> =
        found.iter().filter(|one| !VIOLATIONS.iter().any(|known| same(one, known))).collect();
    assert!(new.is_empty(), "not justified: {new:#?}");
    assert_eq!(found.len(), VIOLATIONS.len(), "{found:#?}");
}

#[test]
fn what_failed_is_said_in_one_line_and_what_came_up_is_not_called_failed() {
    for path in captures() {
        let report = audit(&path);
        let diagnosis = &report.connections[0].diagnosis;
        let line = match report.file.as_str() {
            "gst-aiortc-FAIL" => {
                "DTLS failed: alert 40 handshake_failure from A (frame 12), in answer to the \
                 ClientHello"
            }
            "ndc-pion-FAIL" => {
                "SCTP stopped: B answers none of 4 INIT of A and takes none of its 3 INIT ACK; \
                 of A alone: parameter 0x8001 Zero Checksum Acceptable"
            }
            name => {
                assert!(diagnosis.connected, "{name}: {}", diagnosis.line);
                continue;
            }
        };
        assert_eq!((diagnosis.line.as_str(), diagnosis.connected), (line, false));
    }
}

#[test]
fn most_rules_have_an_opportunity_in_a_session_with_keys_and_sdp() {
    let report = audit(&corpus().join("aiortc-chromium.pcap"));
    let connection = &report.connections[0];
    let held: Vec<&str> = connection.held.iter().map(|held| held.rule).collect();
    for rule in ["stun.integrity", "ice.username", "dtls.role", "dtls.fingerprint", "dcep.open"] {
        assert!(held.contains(&rule), "{rule} in {held:?}");
    }
    let why = |id: &str| connection.silent.iter().find(|silent| silent.rule == id);
    assert_eq!(
        why("turn.channel").map(|silent| silent.why.as_str()),
        Some("there is no ChannelBind and no ChannelData")
    );
}
