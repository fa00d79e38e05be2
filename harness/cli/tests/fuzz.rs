//! `rtcspec fuzz` on folders: sorting what an engine found, and adding to a corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

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

#[test]
fn a_folder_of_seeds_that_is_missing_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("corpus/seeds/stun")).expect("a folder");
    let output = rtcspec(&["replay", "dcep"], folder.path());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("there are no seeds in corpus/seeds/dcep"), "{told}");
}

/// Whose parent a process is, as Linux says it.
fn child_of(parent: u32) -> Option<u32> {
    let of = |path: PathBuf| -> Option<u32> {
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let its: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        head.split_once(' ')?.0.parse().ok().filter(|_| its == parent)
    };
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| of(entry.path()))
}

/// Files below a folder whose names end so.
fn ending(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

/// A stack that overflowed, or memory that ran out, ended campaigns without a word of the input.
#[test]
fn the_input_that_ends_the_process_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    command.args(["fuzz", "run", "dcep", "--for", "1h", "--findings", "found"]);
    command.current_dir(folder.path()).stdout(Stdio::piped());
    let campaign = command.spawn().expect("rtcspec runs");
    let found = folder.path().join("found");
    let runs = || {
        thread::sleep(Duration::from_millis(20));
        let left = ending(&found, ".running");
        left.iter().any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 16))
    };
    assert!((0..3000).any(|_| runs()), "no input is left in a minute");
    let inner = child_of(campaign.id()).expect("a process for the target").to_string();
    let killed = Command::new("kill").args(["-KILL", &inner]).status().expect("kill runs");
    assert!(killed.success());
    let output = campaign.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = text(&output);
    assert!(told.contains("dcep: panic: the process ends by signal: 9 (SIGKILL)"), "{told}");
    assert_eq!(ending(&found.join("dcep"), ".bin").len(), 1, "{told}");
    assert!(ending(&found, ".running").is_empty());
}
