//! Processes behind scripted NATs: a built-in stack as a child process stands for any adapter.
//!
//! Where the machine allows neither namespaces nor TUN devices, the tests say so and prove nothing.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

fn rtcspec(arguments: &[&str]) -> Output {
    Command::new(RTCSPEC).args(arguments).output().expect("the binary runs")
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What keeps this machine from having hosts, if anything does.
fn no_hosts(out: &str) -> bool {
    let reasons = [
        ("make namespaces", "it has no namespaces for us"),
        ("make a TUN device", "it has no TUN devices for us"),
        ("give the host a resolver", "it lets us mount nothing"),
        ("the network keeps its time", "it is too busy"),
    ];
    let found = reasons.iter().find(|(words, _)| out.contains(words));
    if let Some((_, reason)) = found {
        eprintln!("SKIPPED on this machine: {reason}");
    }
    found.is_some()
}

fn run(out: &Path, seed: &str, filters: &[&str]) -> Output {
    let command = format!("'{RTCSPEC}' adapter serve str0m --seed {seed}");
    let mut arguments = vec!["run"];
    arguments.extend(filters);
    let out = out.to_str().expect("a temporary folder has a plain name");
    arguments.extend(["--peer-cmd", &command, "--out", out]);
    rtcspec(&arguments)
}

fn records(out: &Path) -> Vec<String> {
    let files = fs::read_dir(out.join("records")).expect("the run kept its records");
    let paths = files.flatten().map(|file| file.path());
    let mut files: Vec<String> = paths.map(|path| path.to_string_lossy().into_owned()).collect();
    files.sort();
    files
}

#[test]
fn a_process_behind_a_nat_is_judged_and_its_run_plays_again_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let filters = ["nat/open-open@answerer", "nat/symmetric-symmetric@offerer"];
    let output = run(folder.path(), "1", &filters);
    let text = words(&output.stdout);
    if no_hosts(&text) {
        return;
    }
    assert!(output.status.success(), "{text}{}", words(&output.stderr));
    assert!(text.contains("2 runs: 2 PASS"), "{text}");

    let records = records(folder.path());
    assert_eq!(records.len(), 2);
    let mut arguments = vec!["rerun"];
    arguments.extend(records.iter().map(String::as_str));
    let again = rtcspec(&arguments);
    let text = words(&again.stdout);
    assert!(again.status.success(), "{text}");
    assert_eq!(text.matches("PASS again").count(), 2, "{text}");
}

#[test]
fn a_process_hides_behind_a_name_and_finds_the_one_of_its_peer_on_its_link_alone() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("'{RTCSPEC}' adapter serve reference");
    let out = folder.path().to_str().unwrap();
    // As offerer it answers for its name, as answerer it asks for that of its peer.
    let arguments = ["run", "ice/mdns-one-segment", "ice/mdns-two-segments@answerer"];
    let output = rtcspec(&[&arguments[..], &["--peer-cmd", &command, "--out", out]].concat());
    let text = words(&output.stdout);
    if no_hosts(&text) {
        return;
    }
    assert!(output.status.success(), "{text}{}", words(&output.stderr));
    assert!(text.contains("3 runs: 3 PASS"), "{text}");
    let transcripts = fs::read_dir(folder.path().join("transcripts")).unwrap().flatten();
    let read = transcripts.filter_map(|file| fs::read_to_string(file.path()).ok());
    let asked: Vec<String> = read
        .map(|text| text.lines().filter(|line| line.contains("mdns query")).collect())
        .collect();
    assert_eq!(asked.iter().filter(|line| line.contains("= h0")).count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|line| line.contains("= unanswered")).count(), 1, "{asked:?}");
}

/// Of what an adapter says, the candidates and the replies; and that nothing else comes of it.
const QUIET: &str = r#"
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if "features" in said.get("ok", {}):
        said["ok"].update(impl="quiet", features=["data-channel", "stun", "trickle", "turn", "wire-only"])
    if said.get("ev", "candidate") == "candidate":
        print(json.dumps(said), flush=True)
"#;

#[test]
fn a_process_that_tells_nothing_is_read_behind_its_turn_server_too() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("'{RTCSPEC}' adapter serve str0m | python3 -c '{QUIET}'");
    let out = folder.path().to_str().unwrap();
    let run = ["run", "nat/symmetric-symmetric@answerer", "--peer-cmd", &command, "--out", out];
    let output = rtcspec(&run);
    let text = words(&output.stdout);
    if no_hosts(&text) {
        return;
    }
    assert!(output.status.success(), "{text}{}", words(&output.stderr));
    // INFO: what it tells nothing of is left out.
    assert!(text.contains("1 runs: 1 INFO"), "{text}");
}

#[test]
fn a_record_that_was_changed_does_not_agree_and_one_that_was_cut_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), "2", &["nat/open-open@answerer"]);
    if no_hosts(&words(&output.stdout)) {
        return;
    }
    let path = records(folder.path()).remove(0);
    let text = fs::read_to_string(&path).unwrap();

    // The process's last packet never came.
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|line| line.contains("\"sent\"")).unwrap();
    let mut fewer = lines.clone();
    fewer.remove(last);
    fs::write(&path, fewer.join("\n")).unwrap();
    let again = rtcspec(&["rerun", &path]);
    assert_eq!(again.status.code(), Some(1));
    let told = words(&again.stdout);
    assert!(told.contains("differs: ") && told.contains("recorded"), "{told}");

    fs::write(&path, lines[..1].join("\n")).unwrap();
    let again = rtcspec(&["rerun", &path]);
    assert_eq!(again.status.code(), Some(2));
    assert!(words(&again.stderr).contains("the record is cut off"), "{}", words(&again.stderr));
}

#[test]
fn nothing_is_left_of_hosts_when_rtcspec_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let marker = format!("7{}", std::process::id());
    let command = format!("'{RTCSPEC}' adapter serve str0m --seed {marker}");
    let probe = run(folder.path(), "3", &["nat/open-open@answerer"]);
    if no_hosts(&words(&probe.stdout)) {
        return;
    }
    let mut child = Command::new(RTCSPEC)
        // It takes a minute.
        .args(["run", "nat/mapping-shorter-than-consent@answerer", "--peer-cmd", &command, "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(|| processes("serve", &marker) > 1);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for(|| processes("serve", &marker) == 0);
}

/// Processes whose command line has both.
fn processes(part: &str, marker: &str) -> usize {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| words(&line).replace('\0', " "));
    lines.filter(|line| line.contains(part) && line.contains(marker)).count()
}

#[expect(clippy::disallowed_methods, reason = "processes come and go in their own time")]
fn wait_for(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_adapter_that_cannot_run_is_no_verdict() {
    let missing = rtcspec(&["run", "nat/open-open", "--peer-cmd", "exec /no/such/adapter"]);
    assert_eq!(missing.status.code(), Some(3));
    let told = words(&missing.stderr);
    assert!(told.contains("cannot run here") && told.contains("/no/such/adapter"), "{told}");
}

#[test]
fn a_peer_nobody_knows_and_one_that_is_not_set_up_are_told_apart() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_str().unwrap();
    let unknown = rtcspec(&["run", "--peer", "aiortcc", "--adapters", folder]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(words(&unknown.stderr).contains("there is no peer `aiortcc`"));
    let not_set_up = rtcspec(&["run", "--peer", "aiortc", "--adapters", folder]);
    assert_eq!(not_set_up.status.code(), Some(3));
    assert!(words(&not_set_up.stderr).contains("rtcspec adapter setup aiortc"));
}
