//! The rules over exports.

use rtcspec_suite::audit::{audit_capture, differences};

use super::corpus;

#[test]
fn the_same_rules_find_the_same_in_the_same_frames() {
    let mut findings = 0;
    let mut wrong = Vec::new();
    for path in corpus::all() {
        let before = audit_capture("", corpus::opened(&path));
        findings += before.connections.iter().map(|one| one.findings.len()).sum::<usize>();
        let folder = tempfile::tempdir().expect("a folder");
        let export = corpus::written(&corpus::exported(&path, 1), folder.path());
        let after = audit_capture("", corpus::opened(&export));
        let differences = differences(&before, &after);
        if !differences.is_empty() {
            wrong.push(format!("{}: {differences:#?}", corpus::name(&path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(findings > 60, "{findings}");
}

#[test]
fn a_difference_is_seen() {
    let report = |name: &str| {
        let path = corpus::all().into_iter().find(|path| corpus::name(path).starts_with(name));
        audit_capture("", corpus::opened(&path.expect("it is there")))
    };
    let (holds, breaks) = (report("stun.txid.holds"), report("stun.txid.breaks"));
    assert_eq!(differences(&breaks, &breaks), [""; 0]);
    let said = differences(&holds, &breaks).join("\n");
    assert!(said.contains("new: connection 1: stun.txid V of "), "{said}");
}
