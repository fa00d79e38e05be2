//! `rtcspec run --peer-offer-url` and `--peer-whip`: servers without an adapter.

mod server;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::{fs, net};

use serde_json::Value;
use server::{CERTIFICATE, Manners, Server};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

/// Runs go by the wall's clock and share this machine's addresses: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn run(out: &Path, arguments: &[&str]) -> (Output, Value) {
    let mut command = Command::new(RTCSPEC);
    let output = command.arg("run").args(arguments).arg("--out").arg(out).output();
    let output = output.expect("the binary runs");
    let report = fs::read(out.join("report.json")).ok();
    (output, report.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default())
}

/// A scenario that is given up soon, as nothing comes of it.
fn short(folder: &Path, from: &str, to: &str) -> String {
    let path = folder.join("short.toml");
    let text = format!(
        r#"
        schema = 1
        name   = "Given up soon"
        tests  = ["RFC 8831 §6.6"]
        limit  = "6s"

        [peer.alice]
        on   = "wan"
        runs = "reference"
        role = "offerer"

        [peer.bob]
        on   = "wan"
        runs = "under-test"

        [[do]]
        connect = ["alice", "bob"]

        [[do]]
        after = "open"
        send  = {{ from = "{from}", messages = 3, text = "said" }}

        [[expect]]
        delivered = {{ to = "{to}", messages = 3 }}
        "#
    );
    fs::write(&path, text).expect("there is room");
    path.to_str().expect("it is text").to_owned()
}

/// Verdict and words of a run.
fn verdict(report: &Value, id: &str) -> (String, String) {
    let results = report["results"].as_array().expect("there are results");
    let found = results.iter().find(|result| result["id"] == id);
    let found = found.unwrap_or_else(|| panic!("{id} is not in {results:?}"));
    (found["verdict"].as_str().unwrap_or_default().to_owned(), found["findings"].to_string())
}

/// A machine that does something else meanwhile makes a peer late, which looks like silence: three
/// attempts.
fn in_quiet(attempt: impl Fn() -> Result<(), String>) {
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let failures: Vec<String> = (0..3).map_while(|_| attempt().err()).collect();
    failures.iter().for_each(|failure| eprintln!("an attempt failed: {failure}"));
    assert!(failures.len() < 3, "no attempt of three succeeded");
}

fn all_are(report: &Value, wanted: &[(&str, &str)]) -> Result<(), String> {
    for (id, word) in wanted {
        let (verdict, words) = verdict(report, id);
        if verdict != *word {
            return Err(format!("{id} is {verdict}, not {word}: {words}"));
        }
    }
    Ok(())
}

#[test]
fn a_server_that_echoes_is_tested_without_an_adapter_and_plays_again() {
    in_quiet(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let server = Server::start(Manners { echo: true, ..Manners::default() });
        let url = format!("mine@1.0=http://{}/offer", server.address);
        let filters = ["dc/empty-text", "dc/message-256k", "sctp/init-tag", "nat/open-open"];
        let arguments = [&filters[..], &["sctp/duplicate-data", "--peer-offer-url", &url]].concat();
        let (output, report) = run(folder.path(), &arguments);
        all_are(
            &report,
            &[
                ("dc/empty-text@answerer", "PASS"),
                ("dc/message-256k@answerer", "PASS"),
                ("sctp/init-tag@answerer", "PASS"),
                ("sctp/init-tag@offerer", "UNSUPPORTED"),
                ("nat/open-open@answerer", "UNSUPPORTED"),
                ("sctp/duplicate-data@answerer", "UNSUPPORTED"),
            ],
        )?;
        assert_eq!(report["participants"][0]["name"], "mine");
        assert_eq!(report["participants"][0]["version"], "1.0");
        let repeat = report["results"][0]["repeat"].as_str().expect("a command");
        let words =
            format!("rtcspec run 'dc/empty-text@answerer' --peer-offer-url '{url}' --seed ");
        assert!(repeat.starts_with(&words), "{repeat}");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let records = fs::read_dir(folder.path().join("records")).expect("runs were recorded");
        let records: Vec<_> = records.map(|file| file.expect("it can be listed").path()).collect();
        let again = Command::new(RTCSPEC).arg("rerun").args(records).output();
        let again = again.expect("the binary runs");
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
        Ok(())
    });
}

#[test]
fn who_promises_an_echo_and_gives_none_fails() {
    in_quiet(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let server = Server::start(Manners::default());
        let url = format!("http://{}/offer", server.address);
        let scenario = short(folder.path(), "bob", "alice");
        let (output, report) =
            run(folder.path(), &["--scenarios", &scenario, "--peer-offer-url", &url]);
        let (verdict, words) = verdict(&report, "short@answerer");
        if verdict == "INCONCLUSIVE" {
            return Err(words);
        }
        assert_eq!(verdict, "FAIL", "{words}");
        assert!(words.contains("arrive at alice"), "{words}");
        assert_eq!(output.status.code(), Some(1));
        Ok(())
    });
}

#[test]
fn whip_is_judged_by_what_the_wire_shows_and_its_session_is_ended() {
    in_quiet(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let server = Server::start(Manners { whip: true, redirects: true, ..Manners::default() });
        let url = format!("http://{}/first", server.address);
        let (_, report) = run(folder.path(), &["sctp/init-tag@answerer", "--peer-whip", &url]);
        all_are(&report, &[("sctp/init-tag@answerer", "INFO")])?;
        let (_, words) = verdict(&report, "sctp/init-tag@answerer");
        assert!(words.contains("nobody can make it say something"), "{words}");
        assert!(words.contains("arrive at tested"), "{words}");
        assert_eq!(server.ended.load(Ordering::Relaxed), 1);
        Ok(())
    });
}

#[test]
fn a_server_behind_tls_is_asked_if_somebody_vouches_for_it() {
    in_quiet(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let server = Server::start(Manners { whip: true, tls: true, ..Manners::default() });
        // A name that may be ::1 first, where nobody listens.
        let url = format!("https://localhost:{}/whip", server.address.port());
        let asked = ["sctp/init-tag@answerer", "--peer-whip", &url];
        let (_, report) = run(folder.path(), &[&asked[..], &["--https-ca", CERTIFICATE]].concat());
        all_are(&report, &[("sctp/init-tag@answerer", "INFO")])?;
        assert_eq!(server.ended.load(Ordering::Relaxed), 1);
        let (output, report) = run(folder.path(), &asked);
        let (word, words) = verdict(&report, "sctp/init-tag@answerer");
        assert_eq!((word.as_str(), output.status.code()), ("INCONCLUSIVE", Some(3)), "{words}");
        assert!(words.contains("certificate"), "{words}");
        Ok(())
    });
    let folder = tempfile::tempdir().expect("there is room");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").expect("there is room");
    let empty = empty.to_str().expect("it is text");
    let (output, _) = run(
        folder.path(),
        &["sctp/init-tag", "--peer-whip", "https://127.0.0.1:9/whip", "--https-ca", empty],
    );
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("empty.pem: no certificate in it"), "{words}");
}

#[test]
fn what_a_whip_server_does_not_keep_of_its_contract_is_told() {
    in_quiet(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let manners = Manners { whip: true, no_location: true, ..Manners::default() };
        let server = Server::start(manners);
        let url = format!("http://{}/whip", server.address);
        let scenario = short(folder.path(), "alice", "bob");
        let (_, report) = run(folder.path(), &["--scenarios", &scenario, "--peer-whip", &url]);
        let (verdict, words) = verdict(&report, "short@answerer");
        if verdict == "INCONCLUSIVE" {
            return Err(words);
        }
        assert_eq!(verdict, "FAIL", "{words}");
        assert!(words.contains("RFC 9725 §4.2") && words.contains("Location"), "{words}");
        Ok(())
    });
}

#[test]
fn who_takes_no_data_who_fails_and_who_is_not_there_are_told_apart() {
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().expect("there is room");
    // A hostile side excuses errors, and they are told all the same.
    for (manners, verdict_due, told) in [
        (Manners { refuses: true, ..Manners::default() }, "UNSUPPORTED", "no media in it"),
        (Manners { fails: true, ..Manners::default() }, "FAIL", "Server Error: out of cheese"),
    ] {
        let server = Server::start(Manners { whip: true, ..manners });
        let url = format!("http://{}/whip", server.address);
        let (_, report) = run(folder.path(), &["sctp/init-tag@answerer", "--peer-whip", &url]);
        let (word, words) = verdict(&report, "sctp/init-tag@answerer");
        assert_eq!(word, verdict_due, "{words}");
        assert!(words.contains(told), "{words}");
        // Nobody waits for what cannot come any more: milliseconds of the run.
        let elapsed = report["results"][0]["elapsed"].as_f64();
        assert!(elapsed.is_some_and(|elapsed| elapsed < 10_000.0), "{elapsed:?}");
    }
    let nobody = net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/offer", nobody.local_addr().expect("it has one"));
    drop(nobody);
    let (output, report) =
        run(folder.path(), &["sctp/init-tag@answerer", "--peer-offer-url", &url]);
    let (word, words) = verdict(&report, "sctp/init-tag@answerer");
    assert_eq!((word.as_str(), output.status.code()), ("INCONCLUSIVE", Some(3)), "{words}");
    assert!(words.contains("refused"), "{words}");
}

#[test]
fn urls_that_cannot_be_asked_are_wrong_usage() {
    let folder = tempfile::tempdir().expect("there is room");
    for (url, told) in [
        ("ws://127.0.0.1/whip", "only `http://` and `https://`"),
        ("x=ftp://127.0.0.1/", "only `http://`"),
        ("http://", "empty host"),
        ("127.0.0.1:8080", "write it like"),
    ] {
        let (output, _) = run(folder.path(), &["sctp/init-tag", "--peer-whip", url]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {words}");
        assert!(words.contains(told), "{url}: {words}");
    }
}
