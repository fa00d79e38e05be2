//! `rtcspec adapter`: processes as peers, with the real binary at both ends.

use std::process::{Command, Output};

fn lint(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rtcspec"))
        .args(["adapter", "lint"])
        .args(arguments)
        .output()
        .expect("the binary runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, told)
}

/// An adapter in a few lines of shell: the script sees each request as `$line`, its number as `$id`.
fn shell(body: &str) -> String {
    format!(
        "while read -r line; do id=${{line##*\\\"id\\\":}}; id=${{id%%[,\\}}]*}}; case $line in \
         *hello*) echo \"{{\\\"id\\\":$id,\\\"ok\\\":{{\\\"adapter\\\":1,\\\"impl\\\":\\\"sh\\\",\
         \\\"version\\\":\\\"1\\\",\\\"features\\\":[]}}}}\";; {body} esac; done"
    )
}

#[test]
fn every_built_in_stack_is_a_clean_adapter_over_real_sockets() {
    for peer in ["reference", "rtc", "str0m"] {
        let (output, told) = lint(&[peer]);
        assert_eq!(output.status.code(), Some(0), "{told}");
        for check in ["session", "label", "bytes", "large", "text", "restart", "close", "end"] {
            assert!(told.contains(&format!("ok       {check} ")), "{check}: {told}");
        }
    }
}

#[test]
fn an_adapter_that_drops_what_it_does_not_know_is_broken() {
    let body = "*) echo \"{\\\"id\\\":$id,\\\"ok\\\":{}}\";;";
    let (output, told) = lint(&["--", "sh", "-c", &shell(body)]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for id in ["unknown-op", "unknown-key", "relay-policy"] {
        assert!(told.contains(&format!("BROKEN   {id} ")), "{id}: {told}");
    }
    assert!(told.contains("tested in vain"), "{told}");
    assert!(told.contains("see PEERCTL.md, §5"), "{told}");
}

#[test]
fn an_adapter_that_crashes_is_told_with_its_last_words() {
    let body = "*) echo out of luck >&2; exit 3;;";
    let (output, told) = lint(&["--", "sh", "-c", &shell(body)]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("exit status: 3"), "{told}");
    assert!(told.contains("out of luck"), "{told}");
}

#[test]
fn an_adapter_that_cannot_run_here_is_3() {
    let (output, _) = lint(&["--", "/no/such/adapter"]);
    assert_eq!(output.status.code(), Some(3));
    let (output, _) = lint(&["--", "sh", "-c", "exit 127"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot run here (exit code 127)"), "{told}");
}

#[test]
fn the_report_is_json_on_request() {
    let body = "*) echo \"{\\\"id\\\":$id,\\\"unsupported\\\":\\\"all\\\"}\";;";
    let (_, told) = lint(&["--format", "json", "--", "sh", "-c", &shell(body)]);
    assert!(told.contains(r#""implementation": "sh 1""#), "{told}");
    assert!(told.contains(r#""outcome": "broken""#), "{told}");
}

/// An adapter in a folder of its own, in Python's standard library: it knows `hello`.
struct Mine {
    place: tempfile::TempDir,
}

const MANIFEST: &str = r#"
name = "mine"
implementation = "mine"
version = "1"
start = ["python3", "{folder}/adapter.py"]
environment = { GREETING = "{folder}/greeting" }
files = ["../shared/greeting"]
"#;

impl Mine {
    fn new(manifest: &str) -> Self {
        let place = tempfile::tempdir().expect("a place");
        let write = |name: &str, text: &str| {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        write("mine/adapter.toml", manifest);
        write(
            "shared/greeting",
            r#"{"adapter": 1, "impl": "mine", "version": "1", "features": []}"#,
        );
        write(
            "mine/adapter.py",
            "import json, os, sys\n\
             for line in sys.stdin:\n\
             \x20   request = json.loads(line)\n\
             \x20   if request['op'] == 'hello':\n\
             \x20       reply = {'ok': json.load(open(os.environ['GREETING']))}\n\
             \x20   else:\n\
             \x20       reply = {'unsupported': request['op']}\n\
             \x20   print(json.dumps({'id': request['id'], **reply}), flush=True)\n",
        );
        Self { place }
    }

    fn adapter(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_rtcspec"))
            .arg("adapter")
            .args(arguments)
            .current_dir(self.place.path())
            .output()
            .expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn an_adapter_is_set_up_listed_and_linted_by_its_name() {
    let install = "[install]\nenvironment = { WORD = \"built in {folder}\" }\n\
                   run = [[\"sh\", \"-c\", \"echo $WORD > built\"]]\n";
    let mine = Mine::new(&format!("{MANIFEST}{install}"));
    let (code, told, wrong) = mine.adapter(&["setup", "mine", "--into", "there"]);
    assert_eq!(code, Some(0), "{told}{wrong}");
    assert!(told.contains("$ sh -c 'echo $WORD > built'"), "{told}");
    assert!(told.contains("mine 1 is set up in "), "{told}");
    let built = std::fs::read_to_string(mine.place.path().join("there/mine/built"));
    let built = built.expect("the command ran in the folder");
    assert!(built.starts_with("built in /") && built.ends_with("there/mine\n"), "{built}");

    let (_, told, _) = mine.adapter(&["list", "--from", "there"]);
    assert!(told.lines().any(|line| line.starts_with("mine 1 ") && line.contains("there/mine")));
    assert!(told.contains("rtcspec adapter setup aiortc"), "{told}");

    let (_, told, _) = mine.adapter(&["lint", "mine", "--adapters", "there"]);
    assert!(told.contains("mine 1"), "{told}");
    let (code, _, wrong) = mine.adapter(&["lint", "aiortc", "--from", "there"]);
    assert_eq!(code, Some(3), "{wrong}");
    assert!(wrong.contains("`rtcspec adapter setup aiortc`"), "{wrong}");
}

#[test]
fn an_adapter_that_is_another_version_is_set_up_and_told() {
    let mine = Mine::new(&MANIFEST.replace("version = \"1\"", "version = \"2\""));
    let (code, told, _) = mine.adapter(&["setup", "mine"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("it is mine 1, and its adapter.toml says mine 2"), "{told}");
    assert!(mine.place.path().join("target/adapters/mine/adapter.toml").exists());
}

#[test]
fn a_command_that_fails_shows_its_last_lines_and_leaves_nothing_set_up() {
    let install = "[install]\nrun = [[\"sh\", \"-c\", \"seq 100; echo no luck >&2; exit 7\"]]\n";
    let mine = Mine::new(&format!("{MANIFEST}{install}"));
    let (code, _, wrong) = mine.adapter(&["setup", "mine"]);
    assert_eq!(code, Some(3), "{wrong}");
    assert!(wrong.contains("exit status: 7"), "{wrong}");
    assert!(wrong.contains("\n  72\n") && wrong.contains("\n  no luck\n"), "{wrong}");
    assert!(!wrong.contains("\n  71\n"), "{wrong}");
    assert!(!mine.place.path().join("target/adapters/mine/adapter.toml").exists());
}

#[test]
fn a_key_nobody_knows_and_a_name_nobody_knows_are_2() {
    let mine = Mine::new(&format!("{MANIFEST}colour = \"red\"\n"));
    let (code, _, wrong) = mine.adapter(&["setup", "mine"]);
    assert_eq!(code, Some(2), "{wrong}");
    assert!(wrong.contains("mine/adapter.toml") && wrong.contains("line 8, column 1"), "{wrong}");
    assert!(wrong.contains("unknown field `colour`"), "{wrong}");
    let (code, _, wrong) = mine.adapter(&["setup", "aiorct"]);
    assert_eq!(code, Some(2), "{wrong}");
    assert!(wrong.contains("did you mean `aiortc`?"), "{wrong}");
}
