//! What a run leaves behind, as those who read it meet it.

mod pattern;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn rtcspec(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rtcspec")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs with reports in a folder and gives the folder.
fn reports(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let out = folder.join(name);
    let out_text = out.to_string_lossy().into_owned();
    let output = rtcspec(&[arguments, &["--out", &out_text]].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    out
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a report was written");
    serde_json::from_str(&text).expect("it is JSON")
}

fn ids(report: &Value) -> Vec<String> {
    let results = report["results"].as_array().expect("it lists results");
    let id = |run: &Value| format!("{} {} {}", run["id"], run["implementation"], run["seed"]);
    results.iter().map(id).collect()
}

fn committed_schema() -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    json(&root.join("reports/schema/report.schema.json"))
}

#[test]
fn the_committed_schema_is_the_one_the_types_give() {
    let printed: Value = serde_json::from_slice(&rtcspec(&["schema", "report"]).stdout).unwrap();
    let how = "rtcspec schema report > reports/schema/report.schema.json";
    assert_eq!(committed_schema(), printed, "bring it up to date: {how}");
}

#[test]
fn reports_of_runs_and_of_the_matrix_obey_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let schema = committed_schema();
    // A pass, a known failure and an implementation that cannot.
    let runs = ["run", "dc/empty-text", "ice/lite", "--peer", "str0m", "--peer", "reference"];
    let cells = ["matrix", "--peer", "reference"];
    for (name, arguments) in [("runs", &runs[..]), ("cells", &cells[..])] {
        let out = reports(folder.path(), name, arguments);
        let report = json(&out.join("report.json"));
        let wrong = schema::violations(&schema, &report);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        for (place, value) in
            [("verdict", Value::from("FINE")), ("seed", "1".into()), ("x", 1.into())]
        {
            let mut broken = report.clone();
            broken["results"][0][place] = value;
            assert_eq!(schema::violations(&schema, &broken).len(), 1, "{place}");
        }
    }
}

#[test]
fn every_built_in_scenario_obeys_the_schema_of_scenarios() {
    let schema: Value = serde_json::from_slice(&rtcspec(&["schema", "scenario"]).stdout).unwrap();
    let wrong = |text: &str| {
        let file: toml::Table = text.parse().expect("it is TOML");
        schema::violations(&schema, &serde_json::to_value(file).expect("it is JSON too"))
    };
    for (id, text) in rtcspec_scenarios::SCENARIOS {
        assert_eq!(wrong(text), Vec::<String>::new(), "{id}");
    }
    let least = "schema = 1\nname = \"n\"\ntests = []\nlimit = \"20s\"\n[peer]\n[link.alice]\n";
    assert_eq!(wrong(least), Vec::<String>::new());
    for loss in ["5%", "0.5%"] {
        assert_eq!(wrong(&format!("{least}loss = \"{loss}\"\n")), Vec::<String>::new());
    }
    for line in ["loss = \"5\"", "loss = { ever = 2 }", "loss = { in_bad = \"5%\" }", "delay = 20"]
    {
        assert_eq!(wrong(&format!("{least}{line}\n")).len(), 1, "{line}");
    }
}

#[test]
fn one_seed_gives_one_report_and_one_set_of_transcripts() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "nat/open", "dc/unordered", "--seed", "11", "--repeat", "2"];
    let first = reports(folder.path(), "first", &[&arguments[..], &["--jobs", "1"]].concat());
    let second = reports(folder.path(), "second", &[&arguments[..], &["--jobs", "3"]].concat());
    for file in ["report.json", "junit.xml", "index.html"] {
        let read = |out: &Path| fs::read_to_string(out.join(file)).unwrap();
        assert_eq!(read(&first), read(&second), "{file}");
    }
    let other =
        reports(folder.path(), "other", &["run", "nat/open", "dc/unordered", "--seed", "12"]);
    let digest = |out: &Path| json(&out.join("report.json"))["digest"].clone();
    assert_ne!(digest(&first), digest(&other));
}

#[test]
fn shards_are_a_partition_of_all_runs() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let common = ["run", "ice/", "--peer", "reference", "--peer", "str0m"];
        let out = reports(folder.path(), name, &[&common[..], more].concat());
        ids(&json(&out.join("report.json")))
    };
    let whole = run("whole", &[]);
    let mut parts: Vec<String> = ["1/3", "2/3", "3/3"]
        .iter()
        .flat_map(|shard| run(&shard.replace('/', "-"), &["--shard", shard]))
        .collect();
    assert!(parts.len() > 20);
    parts.sort();
    let mut sorted = whole;
    sorted.sort();
    assert_eq!(parts, sorted);
}

#[test]
fn an_id_selects_its_run_and_no_other_that_contains_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, filter: &str| {
        let out = reports(folder.path(), name, &["run", filter, "--peer", "reference"]);
        ids(&json(&out.join("report.json"))).len()
    };
    assert_eq!(run("id", "dc/max-retransmits-0"), 1);
    assert_eq!(run("part", "max-retransmits"), 2);
    assert_eq!(run("glob", "dc/max-*"), 3);
}

#[test]
fn captures_are_written_on_request_and_open_as_pcapng() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "nat/open-open", "--peer", "reference", "--pcap"];
    let out = reports(folder.path(), "out", &arguments);
    let files = fs::read_dir(out.join("captures")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let [capture, signalling] = &files[..] else {
        panic!("a capture and its signalling: {files:?}")
    };
    assert_eq!(signalling.with_extension("pcapng"), *capture);
    let audit = rtcspec(&["audit", &capture.to_string_lossy()]);
    let told = text(&audit.stdout);
    assert!(told.contains("1 connection\n") && told.contains("channels acknowledged"), "{told}");
    let bytes = fs::read(capture).unwrap();
    assert!(bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]), "a section header block");
    let key_log = b"CLIENT_";
    assert!(bytes.windows(key_log.len()).any(|window| window == key_log), "the keys are in it");
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    let out = reports(folder.path(), "out", &["run", "nat/open-open", "--peer", "reference"]);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    for foreign in ["http://", "https://", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("href=\"#run-0\"") && page.contains("id=\"run-0\""));
}

#[test]
fn a_grid_of_the_page_leads_to_the_runs_of_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let out = reports(folder.path(), "out", &["matrix", "--peer", "reference", "--no-variants"]);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert_eq!(page.matches("<td class=\"").count(), 14 * 14);
    let report = json(&out.join("report.json"));
    let anchors = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    let anchors: std::collections::BTreeSet<&str> = anchors.collect();
    assert_eq!(anchors.len(), report["results"].as_array().unwrap().len());
    assert!(anchors.iter().all(|anchor| page.contains(&format!("id=\"{anchor}\""))));
}

#[test]
fn the_matrix_of_all_pairs_ends_as_expected_in_the_cells_that_differ() {
    let folder = tempfile::tempdir().unwrap();
    // One of the three known to differ, in all nine pairs; and one that agrees.
    let cells = ["matrix", "--no-variants", "--cell", "matrix/APDM-ADF/APDM-*"];
    let out = reports(folder.path(), "out", &cells);
    let report = json(&out.join("report.json"));
    let results = report["results"].as_array().expect("it lists results");
    assert_eq!(results.len(), 27);
    let known = results.iter().filter(|run| run["standing"] == "XFAIL");
    let known: Vec<&str> = known.filter_map(|run| run["id"].as_str()).collect();
    assert!(known.iter().all(|id| id.contains("@str0m-")), "{known:?}");
    assert_eq!(known.len(), 3);
}
