//! Transcripts of the corpus: every capture gives one, and some are reviewed as snapshots.

use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_capture::conversations::{Conversations, conversations};
use rtcspec_capture::{Given, open};
use rtcspec_trace::{Party, Profile, Session, Transcript};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn read(name: &str) -> Conversations {
    let mut capture =
        open(&folder().join(format!("{name}.pcap")), &Given::default()).expect("open");
    assert_eq!(capture.remarks, [""; 0], "{name}");
    conversations(&mut capture, name)
}

/// The only connection of a capture.
fn session(name: &str) -> Session {
    let mut found = read(name);
    assert_eq!(found.sessions.len(), 1, "{name}");
    found.sessions.remove(0)
}

fn text(name: &str) -> String {
    rtcspec_trace::transcript(&session(name), "seen")
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the corpus").flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".pcap").map(str::to_owned)).collect();
    names.sort();
    names
}

#[test]
fn every_capture_is_one_connection_that_reads_as_its_record_says() {
    for name in names() {
        let session = session(&name);
        assert_eq!((session.title.as_str(), session.profile), (name.as_str(), Profile::Loose));
        assert_eq!(session.peers.len(), 2, "{name}");
        assert_eq!(session.signals.len(), 2, "{name}");
        assert_eq!(session.signals[0].from, Party::A, "{name}");
        let text = rtcspec_trace::transcript(&session, "seen");
        let parsed: Transcript = text.parse().expect("a transcript");
        assert_eq!(parsed.to_string(), text, "{name}");
        let sections: Vec<&str> =
            parsed.sections.iter().map(|section| section.name.as_str()).collect();
        for section in ["signal", "ice.check", "dtls"] {
            assert!(sections.contains(&section), "{name}: {sections:?}");
        }
        let record = fs::read_to_string(folder().join(format!("{name}.txt"))).expect("a record");
        let has_keys = !record.contains("key log lines: none") && !name.ends_with("FAIL");
        assert_eq!(sections.contains(&"dc"), has_keys, "{name}: {sections:?}");
        assert_eq!(sections.contains(&"rtp"), name.ends_with("-av"), "{name}: {sections:?}");
        assert_eq!(sections.contains(&"turn"), name.ends_with("-turn"), "{name}: {sections:?}");
        if !name.ends_with("FAIL") {
            let version = if record.contains("DTLS 1.3") { "1.3" } else { "1.2" };
            let fact = format!("dtls  {version}");
            assert!(parsed.facts.iter().any(|line| line.starts_with(&fact)), "{name}");
        }
        let direct = !name.ends_with("-turn");
        let path = if direct { "path  A: direct, h0>h0" } else { "path  A: relayed" };
        assert!(
            parsed.facts.iter().any(|fact| fact.starts_with(path)),
            "{name}: {:?}",
            parsed.facts
        );
    }
}

#[test]
fn a_nat_before_the_observer_shows_in_what_its_peer_is_told() {
    let session = session("nat-sym-pion-chromium-turn");
    assert_eq!(session.nats.len(), 1);
    assert_eq!(
        (session.nats[0].name.as_str(), session.nats[0].words.as_str()),
        ("natA", "map=varies")
    );
    assert_eq!(session.peers[0].behind, ["natA"]);
}

#[test]
fn two_connections_of_one_file_are_two_sessions() {
    let both: Vec<u8> = ["pion-pion", "firefox-firefox"]
        .iter()
        .flat_map(|name| fs::read(folder().join(format!("{name}.pcap"))).expect("a capture"))
        .collect();
    let folder_of_both = tempfile::tempdir().expect("a folder");
    let path = folder_of_both.path().join("both.pcap");
    fs::write(&path, both).expect("written");
    let sdp = |name: &str| folder().join("sdp").join(name);
    let given = Given {
        keys: vec![folder().join("pion-pion.keys"), folder().join("firefox-firefox.keys")],
        signalling: vec![
            sdp("firefox-firefox.offer-firefox.sdp"),
            sdp("firefox-firefox.answer-firefox.sdp"),
        ],
    };
    let mut capture = open(&path, &given).expect("a capture");
    let found = conversations(&mut capture, "both");
    let titles: Vec<&str> = found.sessions.iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["both", "both#2"]);
    let [pion, firefox] = &found.sessions[..] else { panic!("{titles:?}") };
    assert_eq!((pion.signals.len(), firefox.signals.len()), (0, 2));
    assert!(rtcspec_trace::transcript(pion, "seen").contains("hello from pion"));
    assert!(rtcspec_trace::transcript(firefox, "seen").contains("hello from firefox"));
    assert_eq!(found.remarks, [""; 0]);
}

#[test]
fn signalling_of_another_connection_is_left_out_and_said() {
    let sdp = |name: &str| folder().join("sdp").join(name);
    let given = Given {
        keys: Vec::new(),
        signalling: vec![sdp("pion-pion.offer-pion.sdp"), sdp("pion-pion.answer-pion.sdp")],
    };
    let mut capture = open(&folder().join("chromium-aiortc.pcap"), &given).expect("a capture");
    let found = conversations(&mut capture, "x");
    assert_eq!(found.sessions[0].signals, []);
    let said = "pion-pion.offer-pion.sdp: none of its ufrags is in the capture";
    assert_eq!(found.remarks, [said]);
}

#[test]
fn a_capture_without_signalling_has_its_sides_from_the_roles() {
    let path = folder().join("chromium-aiortc.pcap");
    let empty = tempfile::tempdir().expect("a folder");
    let copy = empty.path().join("alone.pcap");
    fs::copy(path, &copy).expect("copied");
    let mut capture = open(&copy, &Given::default()).expect("a capture");
    let found = conversations(&mut capture, "alone");
    let text = rtcspec_trace::transcript(&found.sessions[0], "seen");
    assert!(text.contains("r   A>B   chk h0>h0  x1 controlling USE-CANDIDATE"), "{text}");
    assert!(text.contains("NOT-DECRYPTED"), "{text}");
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn transcripts_read_as_reviewed() {
    settings().bind(|| {
        for name in [
            "chromium-aiortc",
            "firefox-firefox",
            "nat-sym-pion-chromium-turn",
            "chromium-aiortc-av",
            "gst-aiortc-FAIL",
            "ndc-pion-FAIL",
        ] {
            insta::assert_snapshot!(name, text(name));
        }
    });
}

#[test]
fn media_without_keys_is_named_and_not_called_malformed() {
    let told = text("chromium-chromium-av");
    assert!(told.contains(" rtcp  ") && told.contains(" rtp  "), "{told}");
    assert!(!told.contains("MALFORMED"), "{told}");
}
