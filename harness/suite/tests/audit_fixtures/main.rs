//! Captures for the audit rules: per rule one that holds it and one that breaks it, made by the
//! reference peer with one tamper. `RTCSPEC_BLESS=1 cargo test -p rtcspec-suite --test
//! audit_fixtures` writes them; without it they are compared, byte for byte.

#![expect(clippy::unwrap_used, reason = "every function here is a test or serves one")]

mod craft;
mod edit;
mod lab;
mod list;
mod media;
mod reference;
mod secret;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_audit::registry;
use rtcspec_capture::{Given, open};
use rtcspec_suite::audit::audit_capture;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures/audit")
}

#[test]
fn the_files_are_what_the_reference_peer_makes() {
    let bless = std::env::var_os("RTCSPEC_BLESS").is_some();
    let mut old = Vec::new();
    let mut names = BTreeSet::new();
    for fixture in list::all() {
        for (name, bytes) in lab::files(&fixture) {
            let path = folder().join(&name);
            if fs::read(&path).ok().as_deref() != Some(&bytes[..]) {
                if bless {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, bytes).unwrap();
                } else {
                    old.push(name.clone());
                }
            }
            names.insert(name);
        }
    }
    assert!(old.is_empty(), "not what is made today: {old:?}");
    for name in names_in(&folder()) {
        assert!(names.contains(&name), "nothing makes {name}");
    }
}

#[test]
fn breaks_breaks_its_rule_alone_and_holds_breaks_none() {
    let mut wrong = Vec::new();
    for rule in registry::all() {
        let id = rule.about().id;
        for (ending, expected) in [("holds", None), ("breaks", Some(id))] {
            let path = folder().join(format!("{id}.{ending}.pcapng"));
            let capture = open(&path, &Given::default()).expect("the fixture opens");
            let report = audit_capture(id, capture);
            assert!(report.problems.is_empty(), "{id}.{ending}: {:?}", report.problems);
            let broken: BTreeSet<&str> = report
                .connections
                .iter()
                .flat_map(|connection| &connection.findings)
                .map(|finding| finding.rule)
                .collect();
            let why: Vec<String> = report
                .connections
                .iter()
                .flat_map(|connection| &connection.findings)
                .map(|f| format!("{} {} {:?} {}", f.level, f.rule, f.frames, f.seen))
                .collect();
            let held = report
                .connections
                .iter()
                .flat_map(|connection| &connection.held)
                .any(|held| held.rule == id);
            if broken != expected.into_iter().collect() {
                wrong.push(format!("{id}.{ending}: {why:#?}"));
            }
            if expected.is_none() && !held {
                wrong.push(format!("{id}.{ending} has no opportunity"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn names_in(folder: &Path) -> Vec<String> {
    let list = |folder: &Path, prefix: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        let names = files.filter_map(|entry| entry.file_name().into_string().ok());
        names.map(|name| format!("{prefix}{name}")).collect::<Vec<String>>()
    };
    let mut names = list(folder, "");
    names.extend(list(&folder.join("sdp"), "sdp/"));
    names.retain(|name| !name.ends_with(".md"));
    names
}
