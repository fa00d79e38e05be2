//! Captures of runs, in which every element on the way saw every packet, through NATs, TURN over
//! UDP, TCP and TLS, with IPv6.

use std::path::{Path, PathBuf};

use rtcspec_adapter_reference::Reference;
use rtcspec_capture::Capture;
use rtcspec_capture::export::pseudonymise;
use rtcspec_capture::pcapng::EPOCH;
use rtcspec_capture::signalling::{Dialogue, Signalling, rtcstats};
use rtcspec_suite::audit::{audit_capture, differences};
use rtcspec_suite::run::{Cast, Played, play};
use rtcspec_suite::scenario::read;
use rtcspec_trace::Party;

use super::shape;

/// Runs of all scenarios, by id.
fn runs() -> Vec<(String, Played)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["dc", "ice", "link", "nat", "sctp", "signal"] {
        let entries = std::fs::read_dir(root.join(folder)).expect("the folder is there");
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    let one = |path: &PathBuf| {
        let id = path.strip_prefix(&root).expect("below it").with_extension("");
        let text = std::fs::read_to_string(path).expect("it can be read");
        let scenario = read(&id.to_string_lossy(), &text).expect("a scenario");
        let cast = Cast { offerer: &Reference, answerer: &Reference, under_test: Party::B };
        (scenario.id.clone(), play(&scenario.id, &scenario.variants[0], &cast, 1, true))
    };
    files.iter().map(one).filter(|(_, run)| !run.session.datagrams.is_empty()).collect()
}

fn signalled(name: &str, text: &str) -> Vec<Dialogue> {
    let mut signalling = Signalling::default();
    signalling.add(name, text.as_bytes()).expect("signalling");
    signalling.dialogues()
}

fn capture(file: &[u8], dialogues: &[Dialogue]) -> Capture {
    let mut capture = Capture::read(file.to_vec()).expect("a capture");
    capture.dialogues = dialogues.to_vec();
    capture
}

#[test]
fn the_export_of_a_captured_run_tells_the_same_of_every_interface() {
    let (mut streams, mut wrong) = (0, Vec::new());
    for (id, run) in runs() {
        let told = &run.session.signals;
        let before = if told.is_empty() {
            Vec::new()
        } else {
            signalled("run.rtcstats", &rtcstats(told, EPOCH))
        };
        let file = run.capture.as_slice();
        let keys = rtcspec_capture::keys::KeyLog::default();
        let exported = pseudonymise(file, keys, &before, 1).expect("it is exported");
        let after: Vec<Dialogue> = exported
            .signalling
            .iter()
            .flat_map(|(ending, text)| signalled(&format!("run.{ending}"), text))
            .collect();
        let [original, export] = [capture(file, &before), capture(&exported.file, &after)];
        assert_eq!(original.several_views, export.several_views, "{id}");
        let found = differences(&audit_capture("", original), &audit_capture("", export));
        if !found.is_empty() {
            wrong.push(format!("{id}: {found:#?}"));
        }
        let [original, export] = [capture(file, &before), capture(&exported.file, &after)];
        streams += u32::from(exported.told.unread > 0);
        if let Some(difference) = shape::difference(original, export, exported.told.lost) {
            wrong.push(format!("{id}:\n{difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(streams > 0, "a run has TURN over TLS");
}
