//! `rtcspec adapter`: processes as peers, with the real binary at both ends.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

fn lint(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(RTCSPEC)
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
fn an_adapter_that_dials_out_sees_the_end_of_its_input() {
    let words = ["--dials-out", "--", RTCSPEC, "adapter", "serve", "reference"];
    let (output, told) = lint(&words);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("ok       end "), "{told}");
}

/// Passes all on to another adapter but `state`, which it does not know.
const STATELESS: &str = r#"
import json, subprocess, sys
stack = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
for line in sys.stdin.buffer:
    try:
        request = json.loads(line)
    except ValueError:
        request = {}
    if request.get("op") == "state":
        print(json.dumps({"id": request["id"], "unsupported": "state"}), flush=True)
    else:
        stack.stdin.write(line)
        stack.stdin.flush()
stack.stdin.close()
sys.exit(stack.wait())
"#;

#[test]
fn an_adapter_may_leave_states_to_unsupported() {
    let words = ["--", "python3", "-c", STATELESS, RTCSPEC, "adapter", "serve", "reference"];
    let (output, told) = lint(&words);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for line in ["skipped  state ", "ok       close "] {
        assert!(told.contains(line), "{line}: {told}");
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

/// Writes a file and the folders above it.
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

impl Mine {
    fn new(manifest: &str) -> Self {
        let place = tempfile::tempdir().expect("a place");
        let write = |name: &str, text: &str| write(&place.path().join(name), text);
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

    /// A program that comes before those of the system.
    fn program(&self, name: &str, script: &str) {
        let path = self.place.path().join("bin").join(name);
        write(&path, &format!("#!/bin/sh\n{script}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("a program");
    }

    fn adapter(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new(RTCSPEC)
            .arg("adapter")
            .args(arguments)
            .current_dir(self.place.path())
            .env("PATH", format!("{}:{path}", self.place.path().join("bin").display()))
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
fn an_adapter_that_does_not_say_who_it_is_is_not_set_up() {
    let silent = MANIFEST.replace("\"python3\", \"{folder}/adapter.py\"", "\"false\"");
    let mine = Mine::new(&silent);
    let (code, told, wrong) = mine.adapter(&["setup", "mine"]);
    assert_eq!(code, Some(3), "{told}{wrong}");
    assert!(!mine.place.path().join("target/adapters/mine/adapter.toml").exists());
}

#[test]
fn debian_packages_are_installed_if_neither_they_nor_their_programs_are_there() {
    let install = "[install]\napt = [\"nodejs\", \"rtcspec-none\"]\n";
    let mine = Mine::new(&format!("{MANIFEST}{install}"));
    mine.program("dpkg-query", "exit 1");
    mine.program("node", "exit 0");
    mine.program("apt-get", "echo \"$DEBIAN_FRONTEND $*\" >>apt.log");
    mine.program("sudo", "shift; exec \"$@\"");
    let (code, told, wrong) = mine.adapter(&["setup", "mine"]);
    assert_eq!(code, Some(0), "{told}{wrong}");
    let is_root = std::fs::metadata("/proc/self").expect("this process").uid() == 0;
    let before = if is_root { "" } else { "sudo -n env DEBIAN_FRONTEND=noninteractive " };
    let words = "install -y -q --no-install-recommends rtcspec-none";
    assert!(told.contains(&format!("$ {before}apt-get {words}\n")), "{told}");
    let log = std::fs::read_to_string(mine.place.path().join("target/adapters/mine/apt.log"));
    let lines = format!("noninteractive update -q\nnoninteractive {words}\n");
    assert_eq!(log.expect("apt-get ran"), lines);
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

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters").join(name)
}

/// A Janus that listens and breaks down at the first offer.
const BROKEN_JANUS: &str = r#"#!/usr/bin/env python3
import http.server, json, os, re, sys
if "--help" in sys.argv:
    sys.exit(print("Janus version: 1102 (1.1.2)"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        if b"jsep" in self.rfile.read(int(self.headers["Content-Length"])):
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"janus": "success", "data": {"id": 1}}).encode())
settings = open(sys.argv[sys.argv.index("-F") + 1] + "/janus.transport.http.jcfg").read()
port = int(re.search(r"port = (\d+)", settings).group(1))
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"#;

#[test]
fn a_janus_that_crashes_is_an_adapter_that_crashes() {
    let place = tempfile::tempdir().expect("a place");
    let program = place.path().join("janus");
    write(&program, BROKEN_JANUS);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let script = format!("PATH='{}':$PATH exec python3 \"$0\"", place.path().display());
    let adapter = ours("janus/adapter.py");
    let (output, told) = lint(&["--", "sh", "-c", &script, adapter.to_str().expect("plain")]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("exit status: 1") && told.contains("janus ended with 3"), "{told}");
}

/// What stands for aiortc: a connection whose channels are open as soon as they are made.
const AIORTC: &str = r#"
__version__ = "0"
class Emitter:
    def __init__(self, *_):
        self.handlers = {}
    def on(self, event, handler=None):
        if handler is None:
            return lambda given: self.on(event, given)
        self.handlers[event] = handler
class Channel(Emitter):
    readyState, id, label, protocol, ordered = "open", 100, "extra", "", True
    maxRetransmits = maxPacketLifeTime = None
class RTCPeerConnection(Emitter):
    def createDataChannel(self, _label, **_init):
        self.handlers["datachannel"](Channel())
        return Channel()
class RTCConfiguration:
    def __init__(self, iceServers):
        pass
RTCIceServer = RTCSessionDescription = None
"#;

/// What the adapter for aiortc says to requests that a stand-in of aiortc carries out.
fn aiortc(requests: &str) -> Vec<serde_json::Value> {
    let place = tempfile::tempdir().expect("a place");
    write(&place.path().join("aiortc/__init__.py"), AIORTC);
    write(&place.path().join("aiortc/rtcdtlstransport.py"), "RTCCertificate = None\n");
    write(&place.path().join("aiortc/sdp.py"), "candidate_from_sdp = None\n");
    let mut adapter = Command::new("python3")
        .arg(ours("aiortc/adapter.py"))
        .env("PYTHONPATH", place.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("SSLKEYLOGFILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is Python");
    // Dropped at once: the adapter ends with its input.
    let mut input = adapter.stdin.take().expect("it is piped");
    input.write_all(requests.as_bytes()).expect("it reads");
    drop(input);
    let output = adapter.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_channel_of_aiortc_that_is_open_when_it_is_made_says_so_once() {
    let said = aiortc(concat!(
        r#"{"id":1,"op":"new","pc":"a"}"#,
        "\n",
        r#"{"id":2,"op":"channel","pc":"a","dc":"a/1","label":"extra","init":{"negotiated":true}}"#,
        "\n"
    ));
    let events = said.iter().filter(|line| line["ev"].is_string());
    let events = events.map(|line| format!("{} {}", line["ev"], line["dc"]));
    let expected = ["\"channel\" \"a/r1\"", "\"open\" \"a/r1\"", "\"open\" \"a/1\""];
    assert_eq!(events.collect::<Vec<_>>(), expected);
}

/// What a script prints that has `adapter`, which is `core.js` over a stand-in of an implementation;
/// none without Node.
fn node(script: &str) -> Option<String> {
    let script = format!(
        "const {{ Adapter }} = require({:?});
         class RTCPeerConnection {{
           signalingState = 'stable';
           addIceCandidate(candidate) {{ console.log(JSON.stringify(candidate)); }}
           close() {{ this.signalingState = 'closed'; }}
         }}
         const write = (message) => {{
           if (message.ev) {{ console.log(JSON.stringify(message.candidate)); }}
         }};
         const hello = {{ impl: 'none', version: '0', features: [] }};
         const adapter = new Adapter({{ RTCPeerConnection, write, hello }});
         const turn = () => new Promise((resolve) => setImmediate(resolve));
         (async () => {{ {script} }})();",
        ours("javascript/core.js")
    );
    let Ok(output) = Command::new("node").args(["-e", &script]).output() else {
        eprintln!("SKIPPED on this machine: there is no node");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn connections_that_were_closed_are_forgotten_when_the_next_one_is_made() {
    let Some(told) = node(
        "for (let run = 1; run <= 100; run += 1) {
           adapter.request({ id: 1, op: 'new', pc: `${run}.a` });
           adapter.request({ id: 2, op: 'close', pc: `${run}.a` });
           await turn();
         }
         console.log(adapter.connections.size, adapter.queues.size);",
    ) else {
        return;
    };
    assert_eq!(told, "1 1\n");
}

#[test]
fn what_a_candidate_says_of_its_section_is_passed_on_as_it_is() {
    let Some(told) = node(
        "const candidate = { candidate: 'candidate:1', sdpMid: '', sdpMLineIndex: 0 };
         adapter.request({ id: 1, op: 'new', pc: 'a' });
         adapter.request({ id: 2, op: 'candidate', pc: 'a', candidate });
         await turn();
         adapter.connections.get('a').onicecandidate({ candidate });",
    ) else {
        return;
    };
    let line = r#"{"candidate":"candidate:1","sdpMid":"","sdpMLineIndex":0}"#;
    assert_eq!(told.lines().collect::<Vec<_>>(), [line, line]);
}
