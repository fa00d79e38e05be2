//! Captures as users of the binary meet them.

use std::collections::BTreeMap;
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

#[test]
fn a_capture_with_its_keys_and_descriptions_beside_it_gives_a_transcript() {
    let output = rtcspec(&["transcript", &corpus("chromium-aiortc.pcap")]);
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    assert!(told.starts_with("transcript 1   chromium-aiortc   profile=loose\n"), "{told}");
    assert!(told.contains("hello from chromium"), "{told}");
    assert!(told.contains("cert=A.fp:match"), "{told}");
}

#[test]
fn missing_keys_are_said_and_the_rest_is_told() {
    let output = rtcspec(&["transcript", &corpus("chromium-chromium.pcap")]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(said.contains("NOT-DECRYPTED: there is no key log: give one with --keys"), "{said}");
    let other = ["transcript", &corpus("pion-pion.pcap"), "--keys", &corpus("pion-wrtc.keys")];
    let said = text(&rtcspec(&other).stderr);
    assert!(said.contains("NOT-DECRYPTED: the key log has no secret for it"), "{said}");
    let flows: Vec<&str> = said.lines().filter(|line| line.contains(" > ")).collect();
    assert_eq!(flows.len(), 2, "one way and the other: {said}");
    for flow in flows {
        assert!(flow.contains(" DTLS records of epoch 1 stay closed from frame "), "{flow}");
        assert!(flow.ends_with(": no secret for this connection"), "{flow}");
    }
}

#[test]
fn what_gives_no_transcript_is_said_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path.to_string_lossy().into_owned()
    };
    let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101].map(u32::to_le_bytes).concat();
    for (file, code, reason) in [
        ("none.pcap".to_owned(), 2, "open none.pcap: No such file"),
        (write("a.bin", b"\0\x01"), 2, "a.bin: the file is no pcap, no pcapng and no log"),
        (write("a.json", b"{}"), 2, "a.json: the file is JSON and holds no packets"),
        (write("a.pcap", &header), 4, "a.pcap: no connection found; it holds no packets"),
        (
            write("a.txt", b"hello\n"),
            2,
            "a.txt: not a capture: it is text that begins with `hello`",
        ),
    ] {
        let output = rtcspec(&["transcript", &file]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(reason), "{said}");
    }
}

/// A session's SCTP packets as its DTLS client would have logged them.
fn log_of(name: &str) -> String {
    let text = fs::read_to_string(corpus(&format!("plaintext/{name}.sctp.txt"))).expect("packets");
    let packets = text.lines().filter(|line| !line.starts_with('#'));
    let mut log = String::from("[info] peer connection created\n");
    for (number, packet) in packets.enumerate() {
        let (role, hex) = packet.split_once(' ').expect("a role and bytes");
        let way = if role == "client" { 'O' } else { 'I' };
        let bytes: Vec<&str> = (0..hex.len() / 2).map(|at| &hex[2 * at..2 * at + 2]).collect();
        let (seconds, millis) = (number / 100, number % 100 * 10);
        let bytes = bytes.join(" ");
        log.push_str(&format!(
            "{way} 12:00:{seconds:02}.{millis:03} 0000 {bytes} # SCTP_PACKET x\n"
        ));
    }
    log
}

#[test]
fn a_log_of_sctp_gives_a_transcript_and_an_audit() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["firefox-firefox", "pion-wrtc", "werift-werift"] {
        let path = folder.path().join(format!("{name}.log"));
        fs::write(&path, log_of(name)).expect("written");
        let file = path.to_string_lossy();
        let output = rtcspec(&["transcript", &file]);
        let (told, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{name}");
        for part in ["== sctp", " INIT ", " INIT-ACK ", " open  ", "\"chat\"", " msg  "] {
            assert!(told.contains(part), "{name}: {part} is in:\n{told}");
        }
        for part in ["== ice", "== dtls", "TAG-", "MALFORMED"] {
            assert!(!told.contains(part), "{name}: {part} is not in:\n{told}");
        }
        let audit = rtcspec(&["audit", &file]);
        let found = text(&audit.stdout);
        assert_eq!(audit.status.code(), Some(0), "{name}: {found}");
        assert!(found.contains("came up: SCTP outside DTLS, SCTP up"), "{name}: {found}");
    }
}

#[test]
fn text_is_no_capture_for_any_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    fs::write(&path, "notes on a call\n").expect("written");
    let file = path.to_string_lossy();
    for arguments in [
        &["audit", &file][..],
        &["transcript", &file],
        &["nat-infer", &file],
        &["replay", &file, "--into", "reference"],
        &["minimise", &file, "--rule", "stun.fingerprint"],
    ] {
        let output = rtcspec(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(
            said.contains("not a capture: it is text that begins with `notes on a call`"),
            "{said}"
        );
    }
}

#[test]
fn a_damaged_capture_is_told_as_far_as_it_goes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.pcap");
    let whole = fs::read(corpus("pion-pion.pcap")).expect("a capture");
    fs::write(&path, &whole[..30_000]).expect("written");
    let output = rtcspec(&["transcript", &path.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(said.contains("at byte 29519, frame 76: the file ends within a packet"), "{said}");
    assert!(text(&output.stdout).contains("path  A: direct"));
}

/// Names and contents of all files below a folder.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        if entry.path().is_dir() {
            found.extend(tree(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).expect("a file"));
        }
    }
    found
}

#[test]
fn captures_are_cut_into_seeds_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().to_string_lossy().into_owned();
    let captures = ["firefox-aiortc-av.pcap", "nat-sym-pion-chromium-turn.pcap"].map(corpus);
    let arguments = ["seeds", &captures[0], &captures[1], "--into", &into];
    let output = rtcspec(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let first = tree(folder.path());
    assert_eq!(rtcspec(&arguments).status.code(), Some(0));
    assert_eq!(tree(folder.path()), first);
    for format in [
        "stun",
        "turn-channel-data",
        "dtls-record",
        "dtls-handshake",
        "sctp",
        "dcep",
        "rtp",
        "rtcp",
        "sdp",
        "candidate",
    ] {
        let list = fs::read_to_string(folder.path().join(format).join("provenance.tsv"));
        let list = list.unwrap_or_else(|error| panic!("{format}: {error}"));
        let lines: Vec<&str> = list.lines().skip(1).collect();
        let files = first.keys().filter(|path| path.starts_with(folder.path().join(format)));
        assert_eq!(lines.len() + 1, files.count(), "{format}");
        assert!(lines.iter().all(|line| line.split('\t').count() == 4), "{format}");
    }
    let name = |part: &str| first.keys().any(|path| path.to_string_lossy().contains(part));
    for part in ["binding-request-", "clienthello-", "init-", "open-", "offer-audiovideo"] {
        assert!(name(part), "{part}: {:?}", first.keys());
    }
}

#[test]
fn who_reads_no_further_is_no_reason_to_panic() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rtcspec"))
        .args(["transcript", &corpus("pion-pion.pcap")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(141));
}
