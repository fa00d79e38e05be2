//! The binary as its users meet it.

use std::path::Path;
use std::process::{Command, Output};

fn rtcspec(arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_rtcspec");
    Command::new(binary).args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn digest(folder: &Path) -> String {
    let report = std::fs::read_to_string(folder.join("report.json")).expect("a report was written");
    let line = report.lines().find(|line| line.contains("\"digest\"")).expect("it has a digest");
    line.to_owned()
}

#[test]
fn a_run_writes_reports_and_the_same_seed_gives_the_same_digest() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, seed: &str| {
        let out = folder.path().join(name);
        let out_text = out.to_string_lossy().into_owned();
        let arguments = ["run", "nat/", "--peer", "reference", "--seed", seed, "--out", &out_text];
        let output = rtcspec(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        out
    };
    let (first, second, other) = (run("a", "5"), run("b", "5"), run("c", "6"));
    assert_eq!(digest(&first), digest(&second));
    assert_ne!(digest(&first), digest(&other));
    for file in ["junit.xml", "index.html"] {
        assert!(first.join(file).exists(), "{file}");
    }
    let transcripts = std::fs::read_dir(first.join("transcripts")).unwrap().count();
    assert!(transcripts >= 15, "{transcripts} transcripts");
}

#[test]
fn nothing_selected_is_exit_4_and_an_unknown_peer_exit_2() {
    let nothing = rtcspec(&["run", "no-such-scenario"]);
    assert_eq!(nothing.status.code(), Some(4));
    assert!(text(&nothing.stderr).contains("nothing is selected"));
    let unknown = rtcspec(&["run", "--peer", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there is no peer `nobody`; built in are reference"));
}

#[test]
fn a_wrong_scenario_file_is_exit_2_and_points_at_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("nat");
    std::fs::create_dir(&layer).unwrap();
    std::fs::write(layer.join("bad.toml"), "schema = 1\nnam = \"x\"\n").unwrap();
    let output = rtcspec(&["run", "--scenarios", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("unknown field `nam`"), "{told}");
    assert!(told.contains("nat/bad.toml:2"), "{told}");
    assert!(told.contains("did you mean `name`?"), "{told}");
}

#[test]
fn the_oracle_answers_for_two_edges() {
    let output = rtcspec(&["oracle", "home", "symmetric"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("home against symmetric: relay"));
    let wrong = rtcspec(&["oracle", "fullcone", "home"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("full-cone"));
}

#[test]
fn one_cell_of_the_matrix_agrees_with_the_oracle() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    let cell =
        ["--no-variants", "--cell", "EIM-APDF/APDM-APDF", "--peer", "reference", "--out", &out];
    let output = rtcspec(&[&["matrix"], &cell[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("1 runs: 1 PASS"));
}

#[test]
fn a_transcript_compared_with_itself_is_identical() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    let run = rtcspec(&["run", "nat/open-open", "--peer", "reference", "--out", &out]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    let transcripts = folder.path().join("transcripts");
    let entry = std::fs::read_dir(transcripts).unwrap().next().unwrap().unwrap();
    let path = entry.path().to_string_lossy().into_owned();
    assert_eq!(rtcspec(&["diff", &path, &path]).status.code(), Some(0));
}

#[test]
fn a_nat_preset_is_listed_with_its_parameters_and_explained_with_what_it_turns_out_to_be() {
    let listed = text(&rtcspec(&["list", "nats"]).stdout);
    assert!(listed.contains("ports block of 256 (1024 to 65535, 120s hold-down)"), "{listed}");
    let explained = rtcspec(&["explain", "nat:linux"]);
    assert_eq!(explained.status.code(), Some(0));
    let told = text(&explained.stdout);
    for line in [
        "  mapping               address-and-port-dependent",
        "  mapping endpoint-independent (address-and-port-dependent when ports collide)",
        "  preserves ports and shares them between hosts",
        "  120 s refreshed from both sides",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let unknown = rtcspec(&["explain", "nat:cone"]);
    assert_eq!(unknown.status.code(), Some(4));
    assert!(text(&unknown.stderr).contains("there is no NAT preset `cone`; there are full-cone"));
}

#[test]
fn the_measured_class_of_every_nat_stands_beside_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    let arguments =
        ["run", "nat/full-cone-symmetric", "--peer", "reference", "--out", &out, "--seed", "3"];
    assert_eq!(rtcspec(&arguments).status.code(), Some(0));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let line = "nat.home: mapping endpoint-independent, filtering endpoint-independent, ";
    assert!(report.contains(line), "{report}");
}

#[test]
fn cases_are_listed_explained_and_run_with_their_role_in_the_id() {
    let list = text(&rtcspec(&["list", "cases"]).stdout);
    assert!(list.lines().count() >= 40, "{list}");
    assert!(list.contains("stun/attributes-after-integrity"), "{list}");

    let told = text(&rtcspec(&["explain", "sctp/limit-zero-loss"]).stdout);
    for part in ["RFC 3758 §3.5", "needs: pr-sctp", "sctp/limit-zero-loss@offerer", "[[expect]]"] {
        assert!(told.contains(part), "{part}: {told}");
    }

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    let filter = "stun/attributes-after-integrity@answerer";
    let run = rtcspec(&["run", filter, "--peer", "reference", "--repeat", "3", "--out", &out]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    assert!(text(&run.stdout).contains("3 runs: 3 PASS"), "{}", text(&run.stdout));
    for file in ["report.json", "junit.xml"] {
        let report = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(report.contains(filter), "{file}");
    }
    assert!(folder.path().join("index.html").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("transcripts")).unwrap().count(), 3);
}

#[test]
fn ids_of_runs_are_explained_as_tables_print_them() {
    for (id, words) in [
        ("nat/full-cone-symmetric@offerer", "[nat.home]"),
        ("sctp/limit-zero-loss@answerer", "RFC 3758 §3.5"),
        ("stun-server/binding@udp", "clauses: RFC 8489"),
    ] {
        let explained = rtcspec(&["explain", id]);
        assert_eq!(explained.status.code(), Some(0), "{id}: {}", text(&explained.stderr));
        assert!(text(&explained.stdout).contains(words), "{id}: {}", text(&explained.stdout));
    }
}

#[test]
fn a_run_of_a_process_is_repeated_by_the_option_that_brought_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    let binary = env!("CARGO_BIN_EXE_rtcspec");
    let serve = format!("exec '{binary}' adapter serve str0m --seed 1");
    let filter = "dc/empty-text@answerer";
    let run = rtcspec(&["run", filter, "--peer-cmd", &serve, "--quiet", "--out", &out]);
    let Ok(report) = std::fs::read_to_string(folder.path().join("report.json")) else {
        // Where there are no hosts for processes, there is no report.
        assert_ne!(run.status.code(), Some(0), "{}", text(&run.stderr));
        return;
    };
    let quoted = serve.replace('\'', r"'\\''");
    let repeat = format!("rtcspec run '{filter}' --peer-cmd '{quoted}' --seed ");
    assert!(report.contains(&repeat), "{repeat}\n{report:.600}");
}

#[test]
fn what_a_case_finds_names_the_duty_and_the_command_that_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_string_lossy().into_owned();
    // No expectation stands in this folder, so what is known of the peer is not known here.
    let own = tempfile::tempdir().unwrap();
    let none = own.path().to_string_lossy().into_owned();
    let filter = "stun/bad-fingerprint@answerer";
    let run = ["run", filter, "--peer", "str0m", "--scenarios", &none, "--out", &out];
    let output = rtcspec(&run);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for part in
        ["RFC 8489 §6.3", "a success response", "rtcspec run 'stun/bad-fingerprint@answerer'"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
}
