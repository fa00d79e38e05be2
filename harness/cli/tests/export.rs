//! `rtcspec export` as its users meet it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn corpus(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures");
    folder.join(name).to_string_lossy().into_owned()
}

fn rtcspec(arguments: &[&str]) -> Output {
    let binary = env!("CARGO_BIN_EXE_rtcspec");
    Command::new(binary).args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names of a folder's files.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What `rtcspec audit --format json` says, without names, addresses and words.
fn findings(file: &str) -> Vec<String> {
    let output = rtcspec(&["audit", file, "--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let connections = report["files"][0]["connections"].as_array().expect("connections");
    let all = connections.iter().flat_map(|one| one["findings"].as_array().expect("findings"));
    all.map(|one| format!("{} {} {} {}", one["rule"], one["level"], one["times"], one["frames"]))
        .collect()
}

#[test]
fn a_capture_becomes_one_that_may_be_handed_out() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, trips) in [
        ("nat-sym-pion-chromium-turn.pcap", true),
        ("firefox-aiortc-av.pcap", false),
        ("chromium-chromium-av.pcap", true),
        ("audit/stun.txid.breaks.pcapng", true),
    ] {
        let out = folder.path().join("mine.pcapng");
        let out = out.to_string_lossy();
        let output = rtcspec(&["export", &corpus(name), "--pseudonymise", "--out", &out]);
        let (told, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{told}");
        assert!(told.contains("mine.pcapng: ") && told.contains("replaced: "), "{told}");
        assert!(told.contains(", those of the original"), "{told}");
        assert_eq!(names(folder.path()), ["mine.answer.sdp", "mine.offer.sdp", "mine.pcapng"]);
        let (before, after) = (findings(&corpus(name)), findings(&out));
        assert_eq!(before, after, "{name}");
        assert_eq!(!before.is_empty(), trips, "{name}");
        let transcript = rtcspec(&["transcript", &out]);
        assert_eq!(transcript.status.code(), Some(0), "{name}");
        let words = text(&transcript.stdout);
        // Certificates of DTLS 1.3 are seen with keys only, and this one has none.
        let opaque = name == "chromium-chromium-av.pcap";
        assert_eq!(words.contains("cert="), !opaque, "{words}");
        assert!(!words.contains("hello from"), "{words}");
    }
}

#[test]
fn the_seed_decides_and_names_follow_the_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let capture = folder.path().join("call.pcap");
    for ending in ["pcap", "keys"] {
        let from = corpus(&format!("chromium-aiortc.{ending}"));
        fs::copy(from, capture.with_extension(ending)).expect("copied");
    }
    for (which, name) in [("offer", "offer-chromium"), ("answer", "answer-aiortc")] {
        let from = corpus(&format!("sdp/chromium-aiortc.{name}.sdp"));
        fs::copy(from, folder.path().join(format!("call.{which}.sdp"))).expect("copied");
    }
    let capture = capture.to_string_lossy();
    let run = |seed: &str| {
        let output = rtcspec(&["export", &capture, "--pseudonymise", "--seed", seed]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let read = |name: &str| fs::read(folder.path().join(name)).expect("written");
        ["call.export.pcapng", "call.export.offer.sdp", "call.export.answer.sdp"].map(read)
    };
    let (one, again, other) = (run("1"), run("1"), run("2"));
    assert_eq!(one, again);
    assert!(one.iter().zip(&other).all(|(one, other)| one != other));
    assert_eq!(
        findings(&capture),
        findings(&folder.path().join("call.export.pcapng").to_string_lossy())
    );
}

#[test]
fn signalling_with_times_becomes_an_rtcstats_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let sdp =
        |name: &str| fs::read_to_string(corpus(&format!("sdp/{name}.sdp"))).expect("it reads");
    let entry = |at: f64, ty: &str, kind: &str, sdp: String| serde_json::json!({ "timestamp": at, "type": ty, "value": { "type": kind, "sdp": sdp } });
    let log = [
        entry(1000.0, "setLocalDescription", "offer", sdp("chromium-aiortc.offer-chromium")),
        entry(1040.0, "setRemoteDescription", "answer", sdp("chromium-aiortc.answer-aiortc")),
        serde_json::json!({ "timestamp": 1050.0, "type": "icecandidate", "value": {
            "candidate": "candidate:1 1 udp 2122260223 10.9.8.7 5000 typ host", "sdpMid": "0",
        } }),
    ];
    let dump = folder.path().join("dump.json");
    let text_of_dump = serde_json::json!({ "PeerConnections": { "7-1": { "updateLog": log } } });
    fs::write(&dump, text_of_dump.to_string()).expect("written");
    let out = folder.path().join("mine.pcapng");
    let (dump, out) = (dump.to_string_lossy(), out.to_string_lossy());
    let capture = corpus("chromium-aiortc.pcap");
    let output = rtcspec(&["export", &capture, "--pseudonymise", "--sdp", &dump, "--out", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(names(folder.path()), ["dump.json", "mine.pcapng", "mine.rtcstats"]);
    let other = fs::read_to_string(folder.path().join("mine.rtcstats")).expect("it reads");
    assert!(!other.contains("10.9.8.7") && other.contains(" 5000 typ host"), "{other}");
}

#[test]
fn what_cannot_be_exported_is_said_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101].map(u32::to_le_bytes).concat();
    let (notes, empty) = (write("notes.txt", b"notes on a call\n"), write("a.pcap", &header));
    let (notes, empty) = (notes.to_string_lossy(), empty.to_string_lossy());
    let capture = corpus("chromium-aiortc.pcap");
    for (arguments, code, reason) in [
        (vec!["export", &capture], 2, "--pseudonymise"),
        (vec!["export", &notes, "--pseudonymise"], 2, "not a capture"),
        (vec!["export", "none.pcap", "--pseudonymise"], 2, "open none.pcap"),
        (vec!["export", &empty, "--pseudonymise"], 4, "it holds no packets"),
        (
            vec!["export", &empty, "--pseudonymise", "--out", &empty],
            2,
            "an export does not replace its capture",
        ),
    ] {
        let output = rtcspec(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(names(folder.path()), ["a.pcap", "notes.txt"]);
}

#[test]
fn a_damaged_capture_is_exported_as_far_as_it_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = fs::read(corpus("pion-aiortc.pcap")).expect("it reads");
    file.truncate(file.len() * 2 / 3);
    let middle = file.len() / 2;
    file[middle..middle + 40].fill(0xff);
    let (capture, out) = (folder.path().join("a.pcap"), folder.path().join("b.pcapng"));
    fs::write(&capture, &file).expect("written");
    let (capture, out) = (capture.to_string_lossy(), out.to_string_lossy());
    let output = rtcspec(&["export", &capture, "--pseudonymise", "--out", &out]);
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{told}{said}");
    assert!(said.contains("a.pcap: ") && said.contains("frame "), "{said}");
    assert_eq!(findings(&capture), findings(&out));
}
