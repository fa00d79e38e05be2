//! `rtcspec fuzz differ`, as a user calls it.
#![cfg(feature = "differ")]

use std::path::Path;
use std::process::{Command, Output};

fn differ(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
    command.args(["fuzz", "differ"]).args(arguments).current_dir(root);
    command.output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn known_classes_are_counted_and_the_same_seed_gives_the_same_counts() {
    let one = differ(&["rtp", "--count", "3000", "--seed", "4"]);
    let text = said(&one);
    assert_eq!(one.status.code(), Some(0), "{text}{}", complained(&one));
    assert!(text.contains("0 not in the ledger; with rtp-types, rtc-rtp"), "{text}");
    assert!(text.lines().any(|line| line.ends_with("rtc-rtp accepts: version")), "{text}");
    let again = said(&differ(&["rtp", "--count", "3000", "--seed", "4"]));
    let classes = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(classes(&text), classes(&again));
}

#[test]
fn a_class_that_the_ledger_lacks_fails_with_input_accounts_and_its_line() {
    let empty = tempfile::tempdir().expect("a folder");
    let folder = empty.path().to_str().expect("a path");
    let new = differ(&["rtp", "--count", "3000", "--ledger", folder]);
    let text = said(&new);
    assert_eq!(new.status.code(), Some(1), "{text}");
    let at = text.lines().position(|line| line.ends_with("rtc-rtp accepts: version"));
    let told: Vec<&str> = text.lines().skip(at.expect("it is met")).take(5).collect();
    assert!(told[0].starts_with("  NEW"), "{told:?}");
    assert!(told[1].contains("rtcspec      refuses: read an RTP packet of version 0"), "{told:?}");
    let line =
        r#"[version] { parser = "rtc-rtp", kind = "accepts", hex = "000000000000000000000000"#;
    assert!(told[4].contains(line), "{told:?}");
}

#[test]
fn a_parser_in_another_process_is_compared_by_the_fields_that_it_tells() {
    let empty = tempfile::tempdir().expect("a folder");
    let folder = empty.path().to_str().expect("a path");
    // It refuses everything.
    let refuses = r#"echo '{"parser":"shell","tells":[]}'; while read -r line; do echo '{"refused":"no"}'; done"#;
    let run = differ(&["rtcp", "--count", "50", "--ledger", folder, "--parser-cmd", refuses]);
    let text = said(&run);
    assert_eq!(run.status.code(), Some(1), "{text}{}", complained(&run));
    assert!(text.contains("with shell") && text.contains("shell refuses: "), "{text}");
    let dies = r#"echo '{"parser":"shell","tells":[]}'; read -r line; echo '{"refused":"no"}'"#;
    let run = differ(&["rtcp", "--count", "50", "--ledger", folder, "--parser-cmd", dies]);
    assert_eq!(run.status.code(), Some(3), "{}", said(&run));
    assert!(complained(&run).contains("the parser: it ended"), "{}", complained(&run));
}

#[test]
fn a_format_nobody_has_is_wrong_usage() {
    let wrong = differ(&["stum"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(complained(&wrong).contains("no format is called stum"), "{}", complained(&wrong));
}
