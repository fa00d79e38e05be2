//! `rtcspec audit` and `rtcspec rules` as their users meet them.

use std::process::{Command, Output};

fn rtcspec(arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_rtcspec");
    Command::new(binary).args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn capture(name: &str) -> String {
    format!("{}/../../corpus/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_clean_capture_is_exit_0_and_says_how_far_it_came() {
    let output = rtcspec(&["audit", &capture("aiortc-chromium.pcap")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    assert!(told.contains("came up: ICE nominated"), "{told}");
    assert!(told.contains("1 of 1 channels acknowledged"), "{told}");
    assert!(told.contains("0 violations"), "{told}");
}

#[test]
fn the_cause_of_a_failure_is_one_line() {
    let output =
        rtcspec(&["audit", &capture("gst-aiortc-FAIL.pcap"), &capture("ndc-pion-FAIL.pcap")]);
    let told = text(&output.stdout);
    assert!(told.contains("DTLS failed: alert 40 handshake_failure"), "{told}");
    assert!(told.contains("parameter 0x8001 Zero Checksum Acceptable"), "{told}");
}

#[test]
fn findings_at_the_level_asked_for_are_exit_1() {
    let path = capture("audit/stun.fingerprint.breaks.pcapng");
    let output = rtcspec(&["audit", &path]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("V stun.fingerprint by A, frame"), "{told}");
    assert!(told.contains("(RFC 8445 §7.2.4)"), "{told}");
    assert_eq!(rtcspec(&["audit", &path, "--rule", "dtls.*"]).status.code(), Some(0));
    let notes = capture("aiortc-chromium.pcap");
    assert_eq!(rtcspec(&["audit", &notes, "--fail-on", "N"]).status.code(), Some(1));
}

#[test]
fn machines_read_json_sarif_and_junit() {
    let path = capture("audit/sctp.checksum.breaks.pcapng");
    let of = |format: &str| text(&rtcspec(&["audit", &path, "--format", format]).stdout);
    let json: serde_json::Value = serde_json::from_str(&of("json")).expect("JSON");
    let finding = &json["files"][0]["connections"][0]["findings"][0];
    assert_eq!(
        (finding["rule"].as_str(), finding["level"].as_str()),
        (Some("sctp.checksum"), Some("V"))
    );
    assert!(finding["frames"][0].is_u64());
    let sarif: serde_json::Value = serde_json::from_str(&of("sarif")).expect("JSON");
    let driver = &sarif["runs"][0]["tool"]["driver"];
    assert_eq!(driver["rules"].as_array().map(Vec::len), Some(36));
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "sctp.checksum");
    let junit = of("junit");
    assert!(junit.contains("failures=\"1\""), "{junit}");
}

#[test]
fn rules_are_listed_and_explained() {
    let list = text(&rtcspec(&["rules", "list"]).stdout);
    assert_eq!(list.lines().count(), 36, "{list}");
    let show = text(&rtcspec(&["rules", "show", "turn.channel"]).stdout);
    assert!(show.contains("RFC 8656 §12"), "{show}");
    assert_eq!(text(&rtcspec(&["explain", "turn.channel"]).stdout), show);
    let unknown = rtcspec(&["rules", "show", "turn.chanel"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there is no rule `turn.chanel`"));
}

#[test]
fn wrong_files_and_rules_are_exit_2() {
    assert_eq!(rtcspec(&["audit", "no-such-file.pcap"]).status.code(), Some(2));
    let no_capture = rtcspec(&["audit", env!("CARGO_BIN_EXE_rtcspec")]);
    assert_eq!(no_capture.status.code(), Some(2), "{}", text(&no_capture.stderr));
    let path = capture("aiortc-chromium.pcap");
    assert_eq!(rtcspec(&["audit", &path, "--rule", "nothing.*"]).status.code(), Some(2));
}
