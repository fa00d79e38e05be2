//! `rtcspec fuzz` on folders: sorting what an engine found, and adding to a corpus.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn rtcspec(arguments: &[&str], into: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    command.arg("fuzz").args(arguments).current_dir(into);
    command.output().expect("rtcspec runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn triage_of_inputs_that_break_nothing_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("found")).expect("a folder");
    fs::write(folder.path().join("found/a.bin"), b"\x02").expect("written");
    fs::write(folder.path().join("found/b.bin"), b"\x03").expect("written");
    let output = rtcspec(&["triage", "dcep", "found"], folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(text(&output), "2 inputs, 0 classes, 2 broke no oracle\n");
}

#[test]
fn triage_of_an_empty_folder_and_of_none_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(rtcspec(&["triage", "dcep", "."], folder.path()).status.code(), Some(4));
    assert_eq!(rtcspec(&["triage", "dcep", "nowhere"], folder.path()).status.code(), Some(2));
}

#[test]
fn an_input_that_shows_something_new_is_added_once() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("ack"), b"\x02").expect("written");
    fs::write(folder.path().join("again"), b"\x02").expect("written");
    let add = || text(&rtcspec(&["grow", "dcep", "ack", "again"], folder.path()));
    assert_eq!(add(), "2 inputs of dcep given: 0 before, 1 now\n");
    assert_eq!(add(), "2 inputs of dcep given: 1 before, 1 now\n");
    let replayed = rtcspec(&["replay", "dcep"], folder.path());
    assert_eq!(text(&replayed), "1 inputs, 0 broke an oracle\n");
}

#[test]
fn cover_outside_a_checkout_names_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = rtcspec(&["cover", "dcep"], folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("harness/fuzz"), "{told}");
}
