//! A matrix with a process that is killed and gone on with.
//!
//! Where the machine allows neither namespaces nor TUN devices, the tests say so and prove nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

/// A matrix of four cells, three of them with a process that notes each of its starts.
struct Matrix(tempfile::TempDir);

impl Matrix {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("there is room"))
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn command(&self, more: &[&str]) -> Command {
        let starts = self.0.path().join("starts");
        let serve = format!("exec '{RTCSPEC}' adapter serve str0m --seed 1");
        let process = format!("echo >>'{}'; {serve}", starts.display());
        let mut command = Command::new(RTCSPEC);
        command.args(["matrix", "--nats", "direct", "--jobs", "1", "--peer", "reference"]);
        command.args(["--peer-cmd", &process, "--pcap", "--out"]).arg(self.out()).args(more);
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        self.command(more).output().expect("the binary runs")
    }

    /// How often the process was started, the questions who it is among them.
    fn starts(&self) -> usize {
        let notes = fs::read_to_string(self.0.path().join("starts"));
        notes.unwrap_or_default().lines().count()
    }

    fn report(&self) -> String {
        fs::read_to_string(self.out().join("report.json")).expect("there is a report")
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default())).collect();
    files.sort();
    files
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What keeps this machine from having hosts, if anything does.
fn no_hosts(output: &Output) -> bool {
    let all = words(&output.stdout) + &words(&output.stderr);
    let reasons = ["make namespaces", "make a TUN device", "give the host a resolver"];
    let late = all.contains("the network keeps its time");
    let found = late || reasons.iter().any(|words| all.contains(words));
    if found {
        eprintln!("SKIPPED on this machine: no hosts for us, or it is too busy");
    }
    found
}

#[test]
fn a_matrix_that_has_ended_comes_again_from_its_records_to_the_same_bytes() {
    let matrix = Matrix::new();
    let whole = matrix.run(&[]);
    if no_hosts(&whole) {
        return;
    }
    let (report, records) = (matrix.report(), files(&matrix.out().join("records")));
    let captures = files(&matrix.out().join("captures"));
    assert_eq!((records.len(), captures.len()), (3, 8), "{}", words(&whole.stderr));
    let starts = matrix.starts();
    let again = matrix.run(&["--resume"]);
    assert_eq!(again.status.code(), whole.status.code(), "{}", words(&again.stderr));
    assert!(words(&again.stderr).contains("3 cells from their records"));
    assert_eq!(matrix.starts(), starts + 1, "only asked who it is");
    assert_eq!(matrix.report(), report);
    assert_eq!(files(&matrix.out().join("records")), records);
    assert_eq!(files(&matrix.out().join("captures")), captures);
    assert!(report.contains("captures/matrix_open_open_reference-str0m-process"), "{report:.400}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a process is killed in its own time")]
fn a_matrix_that_was_killed_goes_on_where_it_was() {
    let matrix = Matrix::new();
    let records = matrix.out().join("records");
    let mut child = matrix.command(&[]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while files(&records).is_empty() && child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no cell ends");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = files(&records);
    let rest = matrix.run(&["--resume"]);
    if no_hosts(&rest) || before.is_empty() {
        return;
    }
    let told = words(&rest.stderr);
    let kept = before.len();
    // The last one may have been cut off while it was written.
    let again = [kept, kept - 1].map(|kept| format!("{kept} cells from their records"));
    assert!(again.iter().any(|words| told.contains(words)), "{told}");
    let after = files(&records);
    assert_eq!(after.len(), 3);
    assert_eq!(after[0], before[0], "the first cell was not played again");
    assert_eq!(matrix.report().matches("\"id\": \"matrix/").count(), 4);
}
