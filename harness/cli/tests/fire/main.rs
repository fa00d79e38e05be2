//! `rtcspec fuzz live`: planted faults are found, made small and shown again.
//!
//! Where the machine allows neither namespaces nor TUN devices, the tests say so and prove nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");
const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn live(arguments: &[&str]) -> Output {
    let root = Path::new(HERE).join("../..");
    let mut command = Command::new(RTCSPEC);
    command.current_dir(root).args(["fuzz", "live"]).args(arguments);
    command.output().expect("it is there")
}

/// What it told, unless this machine has no networks of one's own.
fn told(output: &Output) -> Option<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("a network for the campaign") {
        eprintln!("not tested: {errors}");
        return None;
    }
    Some(format!("{}{errors}", String::from_utf8_lossy(&output.stdout)))
}

fn planted(plant: &str) -> String {
    format!("exec python3 {HERE}/tests/fire/plant.py {plant} {RTCSPEC} adapter serve reference")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Finds the fault, and gives the file that shows it again.
fn finds(plant: &str, class: &str, sessions: &str, folder: &Path) -> Option<PathBuf> {
    let command = planted(plant);
    // Who waits for an answer that never comes should not wait long; nobody else need hurry.
    let waits = matches!(plant, "hang" | "silence");
    let (patience, minimise) = if waits { ("2s", "20s") } else { ("10s", "40s") };
    let output = live(&[
        "--peer-cmd",
        &command,
        "--layer",
        "sdp",
        "--sessions",
        sessions,
        "--inputs",
        "12",
        "--for",
        "5m",
        "--seed",
        "1",
        "--patience",
        patience,
        "--minimise",
        minimise,
        "--findings",
        folder.to_str().expect("it is there"),
    ]);
    let told = told(&output)?;
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("NEW   {class}")), "{told}");
    let word = class.split('/').nth(1).expect("it is there");
    let found = files(&folder.join("reference"));
    let file = found.iter().find(|path| path.to_str().is_some_and(|path| path.contains(word)));
    let file = file.unwrap_or_else(|| panic!("{found:?}")).clone();
    let text = fs::read_to_string(&file).expect("it is there");
    assert!(text.contains("reproduced = true"), "{text}");
    let again = live(&[
        "--peer-cmd",
        &command,
        "--patience",
        patience,
        "--replay",
        file.to_str().expect("it is there"),
    ]);
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));
    let words = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(words.starts_with("again     "), "{words}");
    // Without the fault it is not shown, and nothing else is.
    if plant != "leak" {
        let sound = live(&[
            "--peer",
            "reference",
            "--patience",
            "2s",
            "--replay",
            file.to_str().expect("it is there"),
        ]);
        assert_eq!(sound.status.code(), Some(0));
        let words = String::from_utf8_lossy(&sound.stdout).into_owned();
        assert!(words.starts_with("not shown "), "{words}");
    }
    Some(file)
}

fn inputs(file: &Path) -> usize {
    fs::read_to_string(file).expect("it is there").matches("hex = ").count()
}

#[test]
fn a_crash_is_found_and_little_of_the_description_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let class = "sdp/crash/RuntimeError: planted at N at plant.py:24";
    let Some(file) = finds("crash", class, "3", folder.path()) else { return };
    assert_eq!(inputs(&file), 1);
    let text = fs::read_to_string(&file).unwrap();
    // m=audio in hexadecimal, and not all that was around it, however slow the machine.
    let hex = text.lines().find_map(|line| line.strip_prefix("hex = \"")).unwrap();
    assert!(hex.contains("6d3d617564696f") && hex.len() < 1000, "{text}");
    // Once it is expected, it is no error.
    let known = folder.path().join("scenarios/expect");
    fs::create_dir_all(&known).unwrap();
    let mut entry =
        "[[fuzz]]\nclass = \"sdp/crash/RuntimeError: *\"\nreason = \"planted\"\n".to_owned();
    let scenarios = folder.path().join("scenarios");
    let again = |text: &str| {
        fs::write(known.join("reference.toml"), text).unwrap();
        let (command, file) = (planted("crash"), file.to_str().unwrap());
        live(&[
            "--peer-cmd",
            &command,
            "--replay",
            file,
            "--scenarios",
            scenarios.to_str().unwrap(),
        ])
    };
    let refused = again(&format!("{entry}evidence = \"\"\n"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(told(&refused).unwrap().contains("a reason and evidence are needed"));
    entry.push_str("evidence = \"plant.py\"\n");
    let known = again(&entry);
    assert_eq!(known.status.code(), Some(0), "{}", told(&known).unwrap());
}

#[test]
fn a_hang_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let class = "sdp/hang/waiting, and answers nothing";
    let Some(file) = finds("hang", class, "2", folder.path()) else { return };
    assert_eq!(inputs(&file), 1);
}

#[test]
fn silence_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let class = "sdp/silence/what we send does not arrive";
    let Some(file) = finds("silence", class, "2", folder.path()) else { return };
    assert_eq!(inputs(&file), 1);
}

#[test]
fn a_leak_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let class = "none/leak/resident memory grows session by session";
    let Some(file) = finds("leak", class, "30", folder.path()) else { return };
    assert!(inputs(&file) >= 1);
}

#[test]
fn who_does_nothing_wrong_is_fine_and_the_same_seed_sends_the_same() {
    let arguments = ["--peer", "reference", "--sessions", "6", "--inputs", "10", "--seed", "3"];
    let counts = |text: &str| text.lines().nth(1).unwrap().split_once(": ").unwrap().1.to_owned();
    let mut seen = Vec::new();
    // By the wall's clock: on a busy machine a session may take too long to come about.
    for _ in 0..4 {
        let one = live(&arguments);
        let Some(told_one) = told(&one) else { return };
        assert_eq!(one.status.code(), Some(0), "{told_one}");
        assert!(told_one.contains(": 6 sessions, "), "{told_one}");
        let counts = counts(&told_one);
        if seen.contains(&counts) {
            return;
        }
        seen.push(counts);
    }
    panic!("{seen:?}");
}

#[test]
fn wrong_words_are_told() {
    let output = live(&["--peer", "reference", "--layer", "sctb"]);
    let Some(told) = told(&output) else { return };
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("no layer is called sctb; did you mean `sctp`?"), "{told}");
    let output = live(&["--layer", "sctp"]);
    assert_eq!(output.status.code(), Some(2));
}
