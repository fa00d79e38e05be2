//! `rtcspec diff` and `rtcspec explain`.

use std::fs;
use std::process::{Command, Output};

fn rtcspec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rtcspec")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn transcripts_that_differ_end_in_1_and_the_difference_is_told() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/nat");
    let (open, symmetric) =
        (format!("{root}/open-open.snap"), format!("{root}/open-symmetric.snap"));
    let output = rtcspec(&["diff", &open, &symmetric]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("prflx"), "{}", text(&output.stdout));
    let same = rtcspec(&["diff", &open, &open]);
    assert_eq!(same.status.code(), Some(0));
}

#[test]
fn what_is_no_transcript_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    fs::write(&path, "hello\n").unwrap();
    let path = path.to_string_lossy().into_owned();
    let output = rtcspec(&["diff", &path, &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is no transcript"), "{}", text(&output.stderr));
}

#[test]
fn a_scenario_is_explained_with_clauses_and_the_oracle_s_answer() {
    let output = rtcspec(&["explain", "nat/full-cone-symmetric"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    for word in ["clauses: ", "RFC 4787", "oracle", "[peer.alice]"] {
        assert!(told.contains(word), "no `{word}` in {told}");
    }
}
