//! `rtcspec fuzz session`, and what it writes, played by `rtcspec run`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus");

fn rtcspec(arguments: &[&str], into: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    command.args(arguments).current_dir(into);
    command.output().expect("rtcspec runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_reference_peer_stands_two_hundred_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["fuzz", "session", "--sessions", "200", "--corpus", CORPUS];
    let output = rtcspec(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = text(&output.stdout);
    assert!(told.starts_with("reference ") && told.contains(" 0 findings"), "{told}");
}

/// RFC 9260 §1.6: numbers wrap, and an addition of rtc-sctp 0.21.1 does not.
#[test]
fn a_finding_is_a_scenario_file_that_run_plays_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let seeds = folder.path().join("corpus/seeds/full-session");
    fs::create_dir_all(&seeds).expect("a folder");
    let program = Path::new(CORPUS).join("seeds/full-session/tsn-wrap-small-window.bin");
    fs::copy(program, seeds.join("wrap.bin")).expect("copied");
    fs::create_dir_all(folder.path().join("scenarios/expect")).expect("a folder");
    let arguments =
        ["fuzz", "session", "--peer", "rtc", "--sessions", "1", "--scenarios", "scenarios"];
    let output = rtcspec(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let findings = folder.path().join("target/rtcspec/session/rtc");
    let files = fs::read_dir(&findings).expect("findings");
    let names: Vec<_> = files.filter_map(|file| file.ok().map(|file| file.path())).collect();
    let scenario = names.iter().find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("panic-") && name.ends_with(".toml")
    });
    let scenario = scenario.unwrap_or_else(|| panic!("{names:?}"));
    let about = fs::read_to_string(scenario.with_extension("txt")).expect("a text");
    assert!(about.contains("the scenario shows it again"), "{about}");
    let file = scenario.to_string_lossy();
    let played = rtcspec(&["run", "--scenarios", &file, "--peer", "rtc"], folder.path());
    assert_eq!(played.status.code(), Some(1), "{played:?}");
    assert!(text(&played.stdout).contains("CRASH"), "{}", text(&played.stdout));
}

/// The scenario of an input from another engine goes to the findings, and not beside the input, which
/// may lie in a corpus.
#[test]
fn a_program_from_elsewhere_becomes_a_scenario_file_among_the_findings() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(CORPUS).join("seeds/full-session/tsn-wrap-small-window.bin");
    let into = folder.path().join("out");
    let [input, output] = [&program, &into].map(|path| path.to_str().expect("utf-8"));
    let arguments = ["fuzz", "session", "--program", input, "--findings", output];
    let output = rtcspec(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let scenario = into.join("reference/tsn-wrap-small-window.toml");
    assert!(text(&output.stdout).starts_with(&scenario.display().to_string()), "{output:?}");
    assert!(!program.with_extension("toml").exists(), "nothing is written beside the input");
    let file = scenario.to_string_lossy();
    let played = rtcspec(&["run", "--scenarios", &file, "--peer", "reference"], folder.path());
    assert_eq!(played.status.code(), Some(0), "{played:?}");
}

#[test]
fn a_peer_that_is_not_built_in_is_named_with_those_that_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = rtcspec(&["fuzz", "session", "--peer", "rtx"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("rtx") && told.contains("rtc") && told.contains("str0m"), "{told}");
}
