//! Every exit code, by what a user would do to meet it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn rtcspec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rtcspec")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with one scenario: a built-in one, changed.
fn folder(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a file of the test can be written");
    fs::create_dir(folder.path().join("nat")).expect("a file of the test can be written");
    let (_, original) = rtcspec_scenarios::SCENARIOS
        .iter()
        .find(|(id, _)| *id == "nat/same-lan")
        .expect("it is built in");
    fs::write(folder.path().join("nat/mine.toml"), change(original))
        .expect("a file of the test can be written");
    folder
}

/// Runs the scenarios of a folder with the reference peer.
fn run_in(folder: &Path, more: &[&str]) -> Output {
    let (scenarios, out) = (folder.to_string_lossy(), folder.join("out"));
    let out = out.to_string_lossy();
    let common = ["run", "--peer", "reference", "--scenarios", &*scenarios, "--out", &*out];
    rtcspec(&[&common[..], more].concat())
}

#[test]
fn as_expected_is_0() {
    let folder = folder(str::to_owned);
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("1 runs: 1 PASS; 0 known, 0 unexpected"));
}

#[test]
fn an_unexpected_result_is_1_and_its_repeat_command_repeats_it() {
    let folder = folder(|scenario| {
        scenario.to_owned() + "\n[[expect]]\ndelivered = { to = \"alice\", messages = 9999 }\n"
    });
    let output = run_in(folder.path(), &["--seed", "7"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let told = text(&output.stdout);
    for word in ["requirement  ", "expected     9999", "actual       ", "layer        ", "    | "] {
        assert!(told.contains(word), "no `{word}` in {told}");
    }
    assert!(told.contains("seed         7"), "{told}");
    let repeat = told.lines().find_map(|line| line.trim().strip_prefix("repeat       rtcspec "));
    let repeat = repeat.expect("it says how to repeat it").replace('\'', "");
    let again_out = folder.path().join("again").to_string_lossy().into_owned();
    let again: Vec<&str> = repeat.split(' ').chain(["--out", &again_out]).collect();
    let again = rtcspec(&again);
    assert_eq!(again.status.code(), Some(1), "{repeat}");
    let findings = |told: &str| -> Vec<String> {
        let lines = told.lines().filter(|line| !line.starts_with("report:"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(findings(&text(&again.stdout)), findings(&told));
}

#[test]
fn an_expectation_that_no_longer_holds_is_1() {
    let folder = folder(str::to_owned);
    fs::create_dir(folder.path().join("expect")).unwrap();
    let known = "[[expect]]\ncase = \"nat/mine\"\nverdict = \"fail\"\nreason = \"r\"\n\
                 evidence = \"e\"\n";
    fs::write(folder.path().join("expect/reference.toml"), known).unwrap();
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("PASS (XPASS)"), "{told}");
}

#[test]
fn an_expectation_that_depends_on_the_seed_holds_with_either_verdict() {
    let folder = folder(str::to_owned);
    fs::create_dir(folder.path().join("expect")).unwrap();
    let known = "[[expect]]\ncase = \"nat/mine\"\nverdict = \"fail\"\nreason = \"r\"\n\
                 evidence = \"e\"\ndepends-on-seed = true\n";
    fs::write(folder.path().join("expect/reference.toml"), known).unwrap();
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let scenario = folder.path().join("nat/mine.toml");
    let worse = fs::read_to_string(&scenario).unwrap()
        + "\n[[expect]]\ndelivered = { to = \"alice\", messages = 9999 }\n";
    fs::write(scenario, worse).unwrap();
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("FAIL (known)"), "{}", text(&output.stdout));
}

#[test]
fn an_audit_rule_that_does_not_exist_is_2() {
    let folder = folder(str::to_owned);
    fs::create_dir(folder.path().join("expect")).unwrap();
    let file = folder.path().join("expect/reference.toml");
    let known = "[[audit]]\nrule = \"ice.priorities\"\nreason = \"r\"\nevidence = \"e\"\n";
    fs::write(&file, known).unwrap();
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("audit rule `ice.priorities`: there is no such rule"), "{told}");
}

#[test]
fn a_violation_of_an_audit_rule_that_is_not_accepted_is_1() {
    // In a folder without expectations nothing is accepted.
    let folder = folder(str::to_owned);
    let output = run_in(folder.path(), &["--peer", "rtc"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("audit rule ice.priority (RFC 8445 §7.1.1)"), "{told}");
    fs::create_dir(folder.path().join("expect")).unwrap();
    let rules = ["ice.priority", "ice.pacing", "ice.role-conflict"];
    let entry = |rule| format!("[[audit]]\nrule = \"{rule}\"\nreason = \"r\"\nevidence = \"e\"\n");
    let known: String = rules.map(entry).concat();
    fs::write(folder.path().join("expect/rtc.toml"), known).unwrap();
    let output = run_in(folder.path(), &["--peer", "rtc"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn wrong_usage_is_2_and_the_nearest_name_is_told() {
    for (arguments, words) in [
        (&["run", "--peer", "referense"][..], "did you mean `reference`?"),
        (&["run", "--peer", "chromum"], "did you mean `chromium`?"),
        (&["run", "--repeat", "0"], "it is a number from 1 on"),
        (&["run", "--jobs", "0"], "it is a number from 1 on"),
        (&["run", "--turn-user", "me"], "--turn-server <URL>"),
        (&["run", "--turn-password", "secret"], "`--turn-password` says something of a server"),
        (&["run", "--server-name", "coturn"], "`--server-name` says something of a server"),
        (&["run", "--shard", "3/2"], "write it like 1/4"),
        (&["run", "--today", "tomorrow"], "write it like 2027-03-01"),
        (&["oracle", "fullcone", "home"], "full-cone"),
        (&["lst"], "tip: a similar subcommand exists: 'list'"),
        (&["diff", "/nowhere/a", "/nowhere/b"], "read /nowhere/a"),
    ] {
        let output = rtcspec(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn an_implementation_that_nobody_has_is_2_with_the_line_and_the_near_name() {
    let folder = folder(|scenario| scenario.replacen("\"under-test\"", "\"undertest\"", 1));
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    let scenario = fs::read_to_string(folder.path().join("nat/mine.toml")).unwrap();
    let line = scenario.lines().position(|line| line.contains("undertest")).unwrap() + 1;
    let words =
        format!("nat/mine.toml:{line}: there is no implementation `undertest`; did you mean");
    assert!(told.contains(&words) && told.contains("`under-test`?"), "{told}");
}

#[test]
fn expectations_that_cannot_be_read_are_2_before_anything_is_played() {
    let folder = folder(str::to_owned);
    fs::create_dir_all(folder.path().join("expect/reference.toml")).unwrap();
    let output = run_in(folder.path(), &["--pcap"]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("read ") && told.contains("expect/reference.toml: "), "{told}");
    assert!(!folder.path().join("out").exists());
    fs::remove_dir(folder.path().join("expect/reference.toml")).unwrap();
    fs::write(folder.path().join("expect/reference.toml"), "[[expect]]\n").unwrap();
    let output = run_in(folder.path(), &["--pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_folder_for_reports_that_cannot_be_is_2_before_anything_is_played() {
    let folder = folder(str::to_owned);
    fs::write(folder.path().join("out"), "a file").unwrap();
    let output = run_in(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("write ") && text(&output.stdout).is_empty(), "{told}");
}

#[test]
fn a_run_that_cannot_begin_is_3() {
    // Two hosts, a gateway and a prefix with two addresses.
    let folder =
        folder(|scenario| scenario.to_owned() + "\n[net.lan]\nprefix = \"192.168.7.0/31\"\n");
    let output = run_in(folder.path(), &[]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("INCONCLUSIVE"), "{told}");
    assert!(told.contains("find a free address on net.lan"), "{told}");
}

#[test]
fn nothing_selected_is_4_and_the_nearest_name_is_told() {
    for (arguments, words) in [
        (&["run", "nat/open-symetric"][..], "did you mean `nat/open-symmetric"),
        (&["run", "nat/open-symetric", "--peer", "str0m"], "did you mean `nat/open-symmetric"),
        (
            &["run", "dc/empty-text", "nat/opn-open"],
            "by `nat/opn-open`; did you mean `nat/open-open",
        ),
        (&["explain", "nat/open-symetric@offerer"], "did you mean `nat/open-symmetric`?"),
        (&["explain", "unorderd"], "did you mean `dc/unordered`?"),
        (&["matrix", "--no-variants", "--cell", "EIM-EIF/EIM-ADX"], "no cell matches"),
        (&["run", "nat/open-open", "--peer", "reference", "--shard", "2/2"], "nothing is selected"),
    ] {
        let output = rtcspec(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {}", text(&output.stderr));
        let told = text(&output.stderr);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_5_but_a_reader_that_has_enough_is_no_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    let output = command.args(["list", "nats"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("write to standard output"), "{}", text(&output.stderr));
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    let mut child = command
        .args(["schema", "scenario"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}
