//! `rtcspec run --turn-server`, `--stun-server`: the real binary against a server on loopback.

#[path = "../../servers/tests/live/mod.rs"]
mod live;

use std::process::{Command, Output};

use live::Live;

fn run(out: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rtcspec"))
        .arg("run")
        .args(arguments)
        .args(["--out".as_ref(), out.as_os_str()])
        .output()
        .expect("the binary runs")
}

const ALICE: [&str; 4] = ["--turn-user", "alice", "--turn-password", "secret"];

#[test]
fn a_turn_server_is_examined_and_reported_as_peers_are() {
    let live = Live::start(|config| config, None);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("turn:{}", live.address);
    let arguments = ["turn-server/allocate", "turn-server/stale*", "--turn-server", &url];
    let output = run(folder.path(), &[&arguments[..], &ALICE].concat());
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("2 runs: 2 PASS"), "{told}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["participants"][0]["name"], "rtcspec");
    assert_eq!(report["results"][0]["id"], "turn-server/allocate@udp");
    let transcript = report["results"][0]["transcript"].as_str().unwrap();
    assert!(transcript.contains("Allocate error 401"), "{transcript}");
    assert!(!report.to_string().contains("secret"), "the password is nobody's business");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("turn-server/stale-nonce@udp"), "{junit}");
}

#[test]
fn what_a_server_breaks_fails_the_run() {
    let clear = |mut config: rtcspec_net::services::turn::Config| {
        config.forbidden.clear();
        config
    };
    let live = Live::start(clear, None);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("turn:{}?transport=tcp", live.address);
    let arguments = ["turn-server/own-addresses", "--turn-server", &url];
    let output = run(folder.path(), &[&arguments[..], &ALICE].concat());
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("CVE-2020-26262"), "{told}");
}

#[test]
fn a_stun_server_is_held_to_the_stun_cases_only() {
    let live = Live::start(|config| config, None);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("stun:{}", live.address);
    let output = run(folder.path(), &["--quiet", "--stun-server", &url]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("9 runs: 9 PASS"), "{told}");
}

#[test]
fn what_cannot_be_examined_is_said_with_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let error = |code: i32, word: &str, arguments: &[&str]| {
        let output = run(folder.path(), arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(word), "{told}");
    };
    error(2, "--turn-user", &["--turn-server", "turn:127.0.0.1"]);
    // Nobody speaks TLS at its port.
    error(3, "turns:127.0.0.1", &[&["--turn-server", "turns:127.0.0.1"][..], &ALICE].concat());
    error(2, "stun", &["--stun-server", "turn:127.0.0.1"]);
    error(4, "server-cases", &["nonsense", "--stun-server", "stun:127.0.0.1"]);
    // Somebody who does not answer.
    let deaf = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("stun:{}", deaf.local_addr().unwrap());
    error(3, "no answer", &["--stun-server", &url]);
}
