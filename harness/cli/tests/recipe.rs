//! The recipe for other people's CI: the script, and the steps of `action.yml` as a runner would take
//! them. There is no GitHub here: what `uses:` other actions is not run.
//!
//! Where the machine allows neither namespaces nor TUN devices, the tests say so and prove nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// A step of the action that runs something.
#[derive(Debug, Default)]
struct Step {
    environment: Vec<(String, String)>,
    script: String,
}

/// The inputs of the action with their defaults, and its steps. Reads no more YAML than is there.
fn action() -> (BTreeMap<String, String>, Vec<Step>) {
    let text = fs::read_to_string(root().join("action.yml")).expect("there is an action");
    let (head, steps) = text.split_once("  steps:\n").expect("it has steps");
    let mut inputs = BTreeMap::new();
    let mut input = "";
    let declared = head.split_once("inputs:\n").and_then(|(_, rest)| rest.split_once("outputs:\n"));
    for line in declared.expect("it has inputs and outputs").0.lines() {
        let (key, value) = line.trim().split_once(':').expect("a key");
        match line.len() - line.trim_start().len() {
            2 => input = key,
            _ if key == "default" => {
                inputs.insert(input.to_owned(), value.trim().trim_matches('"').to_owned());
            }
            _ => {}
        }
    }
    (inputs, steps.split("\n    - ").filter_map(step).collect())
}

fn step(text: &str) -> Option<Step> {
    let (head, body) = text.split_once("      run: |\n")?;
    let script = body.lines().map(|line| line.strip_prefix("        ").unwrap_or(line));
    let environment = head.split_once("      env:\n").map_or("", |(_, env)| env);
    let pair = |line: &str| {
        let (key, value) = line.trim().split_once(": ")?;
        Some((key.to_owned(), value.to_owned()))
    };
    Some(Step {
        environment: environment.lines().filter_map(pair).collect(),
        script: script.collect::<Vec<_>>().join("\n"),
    })
}

/// A runner with a home of its own, in which rtcspec is built already.
struct Runner {
    home: tempfile::TempDir,
}

impl Runner {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("there is room");
        let built = home.path().join(".cache/rtcspec/release");
        fs::create_dir_all(&built).expect("a folder");
        symlink(RTCSPEC, built.join("rtcspec")).expect("a link");
        let runner = Self { home };
        // What needs the rights of root on a real runner changes nothing here.
        runner.program("sudo", "cat >/dev/null");
        // There is nothing left to build.
        runner.program("cargo", "exit 0");
        runner
    }

    /// A program that comes before those of the system.
    fn program(&self, name: &str, script: &str) {
        let path = self.file(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn command(&self, words: &[&str]) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .current_dir(self.home.path())
            .env_remove("CARGO_TARGET_DIR")
            .env("HOME", self.home.path())
            .env("PATH", format!("{}:{path}", self.home.path().display()))
            .env("GITHUB_ACTION_PATH", root());
        for name in ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY"] {
            command.env(name, self.file(name));
        }
        command
    }

    /// Takes the steps one after the other, as long as they succeed; gives the last one's output.
    fn take(&self, given: &[(&str, &str)]) -> Output {
        let (mut inputs, steps) = action();
        for (name, value) in given {
            assert!(inputs.insert((*name).to_owned(), (*value).to_owned()).is_some(), "{name}");
        }
        let mut last = None;
        for step in steps {
            let mut command =
                self.command(&["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]);
            command.arg(&step.script).stdin(std::process::Stdio::null());
            let kept = self.read("GITHUB_ENV");
            command.envs(kept.lines().filter_map(|line| line.split_once('=')));
            for (key, value) in &step.environment {
                let name = value.strip_prefix("${{ inputs.").and_then(|v| v.strip_suffix(" }}"));
                command.env(key, &inputs[name.expect("values are inputs")]);
            }
            let output = command.output().expect("bash runs");
            let failed = !output.status.success();
            last = Some(output);
            if failed {
                break;
            }
        }
        last.expect("there are steps")
    }
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What keeps this machine from having hosts, if anything does.
fn no_hosts(told: &str) -> bool {
    let reasons = ["make namespaces", "make a TUN device", "give the host a resolver"];
    let late = told.contains("the network keeps its time");
    let found = late || reasons.iter().any(|words| told.contains(words));
    if found {
        eprintln!("SKIPPED on this machine: no hosts for us, or it is too busy");
    }
    found
}

fn serve() -> String {
    format!("exec '{RTCSPEC}' adapter serve str0m --seed 1")
}

#[test]
fn the_steps_of_the_action_leave_reports_and_a_summary() {
    let runner = Runner::new();
    let serve = serve();
    let given = [("peer-cmd", serve.as_str()), ("filters", "nat/open-open dc/protocol")];
    let output = runner.take(&given);
    let told = words(&output);
    if no_hosts(&told) {
        return;
    }
    assert!(output.status.success(), "{told}");
    let outputs = runner.read("GITHUB_OUTPUT");
    let keys = ["image=", "digest="].map(|key| outputs.lines().any(|line| line.starts_with(key)));
    assert_eq!(keys, [true; 2], "keys for the cache: {outputs}");
    assert!(runner.read("GITHUB_ENV").contains(".cache/rtcspec/release/rtcspec"));
    let summary = runner.read("GITHUB_STEP_SUMMARY");
    assert!(summary.starts_with("## rtcspec\n\n* str0m-process "), "{summary}");
    assert!(summary.contains("4 runs: 4 PASS"), "{summary}");
    assert!(runner.read("rtcspec-report/junit.xml").contains("<testsuites"));
    for name in ["index.html", "report.json", "records", "captures"] {
        assert!(runner.file("rtcspec-report").join(name).exists(), "{name}");
    }
}

#[test]
fn an_adapter_that_does_not_start_fails_the_action() {
    let runner = Runner::new();
    let output = runner.take(&[("peer-cmd", "exec /no/such/adapter")]);
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    assert!(words(&output).contains("/no/such/adapter"));
}

#[test]
fn an_action_without_anybody_to_test_is_refused_at_once() {
    let runner = Runner::new();
    let output = runner.take(&[("filters", "dc/protocol")]);
    assert_eq!(output.status.code(), Some(2), "{}", words(&output));
    assert!(words(&output).contains("give peer-cmd, or peer"), "{}", words(&output));
    assert_eq!(runner.read("GITHUB_OUTPUT"), "");
}

#[test]
fn a_build_that_fails_ends_the_action() {
    let runner = Runner::new();
    runner.program("cargo", "exit 101");
    let output = runner.take(&[("peer-cmd", "true")]);
    assert_eq!(output.status.code(), Some(101), "{}", words(&output));
    assert_eq!(runner.read("GITHUB_ENV"), "");
}

#[test]
fn a_peer_of_another_version_is_run_all_the_same_and_told() {
    let runner = Runner::new();
    let manifest = format!(
        "name = 'mine'\nimplementation = 'str0m'\nversion = '0'\n\
         start = ['{RTCSPEC}', 'adapter', 'serve', 'str0m', '--seed', '1']\n"
    );
    fs::create_dir(runner.file("mine")).expect("a folder");
    fs::write(runner.file("mine/adapter.toml"), manifest).expect("a file");
    let output = runner.take(&[("peer", "mine"), ("filters", "dc/protocol")]);
    let told = words(&output);
    assert!(told.contains("::warning title=rtcspec::mine is not the version"), "{told}");
    if no_hosts(&told) {
        return;
    }
    assert!(output.status.success(), "{told}");
    assert!(runner.read("GITHUB_STEP_SUMMARY").contains("2 runs: 2 PASS"), "{told}");
}

#[test]
fn the_script_selects_something_quick_and_passes_options_on() {
    let runner = Runner::new();
    let script = root().join("recipe/run.sh");
    let run = |words: &[&str]| {
        let mut all = vec![script.to_str().expect("a plain path")];
        all.extend(words);
        let mut command = runner.command(&all);
        command.env("RTCSPEC", RTCSPEC).env("RTCSPEC_OUT", runner.file("out"));
        command
    };
    let output = run(&["--peer", "reference", "--quiet"]).output().expect("bash runs");
    let told = words(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("runs: ") && !told.contains("0 runs"), "{told}");
    let mut one = run(&["--peer", "str0m"]);
    let output = one.env("RTCSPEC_FILTERS", "dc/utf8*").output().expect("bash runs");
    assert!(words(&output).contains("2 runs: 2 PASS"), "{}", words(&output));
    let mut several = run(&["--peer", "str0m"]);
    let output = several.env("RTCSPEC_FILTERS", "dc/utf8*\n\ndc/protocol\n").output();
    let told = words(&output.expect("bash runs"));
    assert!(told.contains("4 runs: 4 PASS"), "{told}");
    // Of somebody's own scenarios it takes all, and nothing besides.
    let own = runner.file("own/mine");
    fs::create_dir_all(&own).expect("a folder");
    let mut built_in = rtcspec_scenarios::SCENARIOS.iter();
    let (_, text) = built_in.find(|(id, _)| *id == "sctp/tsn-wrap").expect("it is built in");
    fs::write(own.join("wrap.toml"), text).expect("a file");
    let own = runner.file("own").display().to_string();
    let output = run(&["--peer", "reference", "--scenarios", &own]).output().expect("bash runs");
    assert!(words(&output).contains("1 runs: 1 PASS"), "{}", words(&output));
}
