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
