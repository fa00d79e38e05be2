//! Logs of SCTP packets, as usrsctp, dcSCTP and Chromium print them: a transcript like that of the
//! session they were logged in, without what is around SCTP.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rtcspec_capture::conversations::{Conversations, conversations};
use rtcspec_capture::{Capture, Given, open};
use rtcspec_trace::watch::{Kind, Side};
use rtcspec_trace::{Session, transcript};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../corpus/captures/{name}.pcap"))
}

/// What A's stack would have logged of a session, for an association of this name.
fn log(name: &str, association: &str) -> String {
    let mut capture = open(&path(name), &Given::default()).expect("a capture");
    let mut observer = capture.observer();
    observer.secrets(&capture.keys.text());
    let mut text = String::new();
    capture.watch(&mut observer, &mut |event| {
        let Kind::Sctp(packet) = event.kind else { return };
        let way = if event.from == Side::A { 'O' } else { 'I' };
        let at = event.at.as_micros();
        let (seconds, micros) = (at / 1_000_000, at % 1_000_000);
        let _ = write!(text, "[dcsctp] {way} 12:00:{seconds:02}.{micros:06} 0000");
        for byte in packet.view.bytes() {
            let _ = write!(text, " {byte:02x}");
        }
        let _ = writeln!(text, " # SCTP_PACKET {association}");
    });
    assert!(!text.is_empty(), "{name}");
    text
}

fn told(log: String) -> Conversations {
    let mut capture = Capture::read(log.into_bytes()).expect("it is a log");
    let found = conversations(&mut capture, "log");
    assert_eq!(capture.problems(), Vec::<String>::new());
    assert_eq!(found.remarks, Vec::<String>::new());
    found
}

/// The lines of one section.
fn section(transcript: &str, name: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in transcript.lines() {
        if let Some(head) = line.strip_prefix("== ") {
            inside = head.split(' ').next() == Some(name);
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

fn only(found: &Conversations) -> &Session {
    let [session] = &found.sessions[..] else { panic!("one: {}", found.sessions.len()) };
    session
}

#[test]
fn a_log_says_of_sctp_and_channels_what_the_capture_says() {
    let mut compared = 0;
    for name in
        ["pion-aiortc", "aiortc-aiortc", "firefox-firefox", "chromium-firefox", "werift-ndc"]
    {
        let log = log(name, "DcSctpTransport0");
        // A of a log is who is seen first, who need not have offered.
        if !log.starts_with("[dcsctp] O") {
            continue;
        }
        let found = told(log);
        let of_log = transcript(only(&found), "seen");
        let mut capture = open(&path(name), &Given::default()).expect("a capture");
        let found = conversations(&mut capture, name);
        let of_capture = transcript(only(&found), "seen");
        assert!(!section(&of_log, "sctp").is_empty(), "{name}: {of_log}");
        assert_eq!(section(&of_log, "sctp"), section(&of_capture, "sctp"), "{name}");
        // Whether a stream's number is right depends on who was DTLS client.
        let channels = |told: &str| -> Vec<String> {
            let lines = section(told, "dc").into_iter();
            lines.map(|line| line.split(" parity=").next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(channels(&of_log), channels(&of_capture), "{name}");
        compared += 1;
    }
    assert!(compared >= 2, "{compared}");
}

#[test]
fn associations_of_one_log_are_told_apart() {
    let (one, other) =
        (log("pion-aiortc", "DcSctpTransport0"), log("werift-ndc", "DcSctpTransport1"));
    let mut lines: Vec<&str> = one.lines().chain(other.lines()).collect();
    lines.sort_by_key(|line| line.split(' ').nth(2));
    let found = told(lines.join("\n") + "\n");
    assert_eq!(found.sessions.len(), 2);
    for session in &found.sessions {
        let told = transcript(session, "seen");
        assert!(told.contains(" open ") && !told.contains("TAG-"), "{told}");
    }
}
