//! Commands that read captures, as their users meet them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn rtcspec(arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_rtcspec");
    Command::new(binary).args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn capture(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures");
    path.join(format!("{name}.pcap")).to_string_lossy().into_owned()
}

#[test]
fn a_replay_says_its_verdict_first_and_writes_a_scenario_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("replay");
    std::fs::create_dir(&layer).unwrap();
    let emitted = layer.join("again.toml");
    let arguments = [
        "replay",
        &capture("pion-aiortc"),
        "--into",
        "reference",
        "--emit",
        &emitted.to_string_lossy(),
    ];
    let output = rtcspec(&arguments);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert!(told.starts_with("reaches the same, parts at `"), "{told}");
    assert!(told.contains("capture  1 open channel, 7 and 3 messages"), "{told}");
    let out = folder.path().join("out");
    let run = rtcspec(&[
        "run",
        "--peer",
        "reference",
        "--scenarios",
        &folder.path().to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
    ]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
}

#[test]
fn a_session_that_failed_is_replayed_to_where_the_peer_goes_on() {
    let output = rtcspec(&["replay", &capture("ndc-pion-FAIL"), "--into", "reference"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert!(told.starts_with("goes further than the capture, parts at `"), "{told}");
}

#[test]
fn what_is_no_capture_or_holds_no_session_is_refused() {
    let output = rtcspec(&["replay", env!("CARGO_BIN_EXE_rtcspec"), "--into", "reference"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let unknown = rtcspec(&["replay", &capture("pion-pion"), "--into", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there is no peer `nobody`"));
    let direct = rtcspec(&["nat-infer", &capture("pion-pion")]);
    assert_eq!(direct.status.code(), Some(4));
    assert!(text(&direct.stderr).contains("no NAT shows"), "{}", text(&direct.stderr));
}

#[test]
fn the_boxes_of_a_capture_are_told_with_frames_and_become_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("nat");
    std::fs::create_dir(&layer).unwrap();
    let emitted = layer.join("box.toml");
    let name = capture("nat-sym-pion-chromium-turn");
    let output = rtcspec(&["nat-infer", &name, "--emit", &emitted.to_string_lossy()]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert!(told.starts_with("box 1: 10.1.0.2 behind 203.0.113.2"), "{told}");
    assert!(told.contains("rests on") && told.contains("frame"), "{told}");
    assert!(told.contains("to know: "), "what is unknown has an opportunity: {told}");
    let out = folder.path().join("out");
    let run = rtcspec(&[
        "run",
        "--peer",
        "reference",
        "--scenarios",
        &folder.path().to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
    ]);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
}

#[test]
fn a_capture_is_cut_to_the_packets_that_trip_one_rule() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small.pcapng");
    let small = small.to_string_lossy();
    let name = capture("nat-sym-pion-chromium-turn");
    let rule = ["--rule", "nat.inference"];
    let cut = rtcspec(&[&["minimise", &name, "--into", &small], &rule[..]].concat());
    assert_eq!(cut.status.code(), Some(0), "{}", text(&cut.stderr));
    let told = text(&cut.stdout);
    assert!(
        told.starts_with("nat.inference: 2 of 241 packets"),
        "a request and its answer: {told}"
    );
    let again = rtcspec(&["nat-infer", &small]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("rests on 1 destination "));
    let silent = rtcspec(&[&["minimise", &capture("pion-pion")], &rule[..]].concat());
    assert_eq!(silent.status.code(), Some(4), "{}", text(&silent.stdout));
}
