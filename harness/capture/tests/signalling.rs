//! Signalling from every kind of file, and what lies beside a capture.

mod build;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rtcspec_capture::signalling::{Dialogue, Signalling, SignallingError};
use rtcspec_capture::{Capture, Given, OpenError, open};
use rtcspec_trace::{Party, SignalBody};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    fs::read(folder.join(name)).expect("a sample")
}

fn dialogues(name: &str, bytes: &[u8]) -> Vec<Dialogue> {
    let mut signalling = Signalling::default();
    signalling.add(name, bytes).expect("signalling");
    signalling.dialogues()
}

/// Who says what, with the beginning of what is said.
fn words(dialogue: &Dialogue) -> Vec<String> {
    let one = |signal: &rtcspec_trace::Signal| {
        let (from, at) = (signal.from.letter(), signal.sent.as_millis());
        match &signal.body {
            SignalBody::Description { kind, sdp } => {
                format!("{from} @{at} {kind} {} {}", sdp.len(), sdp.lines().count())
            }
            SignalBody::Candidate { candidate, mid, ufrag } => {
                let head = candidate.split(' ').next().unwrap_or_default();
                format!("{from} @{at} {head} {mid:?} {ufrag:?}")
            }
        }
    };
    dialogue.signals.iter().map(one).collect()
}

#[test]
fn a_dump_of_an_older_browser_is_read() {
    let found = dialogues("old.internals.json", &sample("old.internals.json"));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].began), ("old.internals.json#1234-1", None));
    assert_eq!(
        words(&found[0]),
        [
            "A @0 offer 458 17",
            "A @0 candidate:134647514 Some(\"0\") None",
            "B @0 answer 457 17",
            "B @0 candidate:875917003 Some(\"0\") None",
        ]
    );
    let SignalBody::Candidate { candidate, .. } = &found[0].signals[1].body else { panic!() };
    assert!(candidate.ends_with("network-cost 999"), "{candidate}");
}

#[test]
fn a_dump_of_a_newer_browser_is_read() {
    let found = dialogues("new.internals.json", &sample("new.internals.json"));
    assert_eq!(found.len(), 1, "the other connection signalled nothing");
    assert_eq!(found[0].began, Some(1_778_229_282_213));
    assert_eq!(
        words(&found[0]),
        [
            "A @0 offer 458 17",
            "B @10 answer 457 17",
            "B @20 candidate:875917003 Some(\"0\") Some(\"Cd2/\")",
            "A @30 candidate:134647514 Some(\"0\") Some(\"Ab1+\")",
        ]
    );
}

#[test]
fn an_rtcstats_file_is_read_with_its_sections_put_back() {
    let found = dialogues("call.rtcstats", &sample("call.rtcstats"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "call.rtcstats#PC_0");
    assert_eq!(
        words(&found[0]),
        [
            "A @0 offer 458 17",
            "A @5 candidate:134647514 Some(\"0\") Some(\"Ab1+\")",
            "B @46 answer 457 17",
            "B @48 candidate:875917003 Some(\"0\") None",
        ]
    );
    let offer = fs::read_to_string(corpus().join("sdp/chromium-chromium.offer-chromium.sdp"));
    let SignalBody::Description { sdp, .. } = &found[0].signals[0].body else { panic!() };
    assert_eq!(*sdp, offer.expect("an offer"));
}

#[test]
fn a_compressed_dump_is_the_same_dump() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&sample("call.rtcstats")).expect("written");
    let packed = packed.finish().expect("packed");
    assert_eq!(dialogues("x", &packed), dialogues("x", &sample("call.rtcstats")));
}

#[test]
fn descriptions_alone_are_one_dialogue_offers_first() {
    let mut signalling = Signalling::default();
    let text = |setup: &str| format!("v=0\r\nm=application 9 x y\r\na=setup:{setup}\r\n");
    signalling.add("b.sdp", text("active").as_bytes()).expect("SDP");
    signalling.add("a.sdp", text("actpass").as_bytes()).expect("SDP");
    let json = br#"{"type": "offer", "sdp": "v=0\r\n"}"#;
    signalling.add("again.json", json.as_slice()).expect("SDP");
    let found = signalling.dialogues();
    let parties: Vec<Party> = found[0].signals.iter().map(|signal| signal.from).collect();
    assert_eq!(parties, [Party::A, Party::B, Party::A]);
}

#[test]
fn what_is_no_signalling_is_said() {
    let mut signalling = Signalling::default();
    let mut add = |text: &str| signalling.add("x", text.as_bytes());
    assert!(matches!(add("hello"), Err(SignallingError::Unknown)));
    assert!(matches!(add(r#"{"a": 1}"#), Err(SignallingError::Unknown)));
    assert!(matches!(add(r#"{"PeerConnections": {}}"#), Err(SignallingError::Nothing)));
    assert!(matches!(add("RTCStatsDump\n{}\n"), Err(SignallingError::Nothing)));
    assert!(matches!(add("{"), Err(SignallingError::Json(_))));
    assert!(signalling.dialogues().is_empty());
}

#[test]
fn a_capture_is_opened_with_what_lies_beside_it() {
    let path = corpus().join("chromium-firefox.pcap");
    let mut capture = open(&path, &Given::default()).expect("a capture");
    assert_eq!(capture.keys.lines().len(), 5);
    assert_eq!(capture.remarks, [""; 0]);
    assert_eq!(capture.beside.len(), 3);
    assert_eq!(capture.dialogues.len(), 1);
    assert_eq!(words(&capture.dialogues[0]).len(), 2);
    assert_eq!(capture.length, 38_512);
    let mut last = Duration::ZERO;
    capture.frames.for_each(|frame| {
        assert!(frame.seen.at >= last);
        last = frame.seen.at;
    });
    assert_eq!(capture.frames.offset(), capture.length);
}

#[test]
fn what_cannot_be_opened_is_said_with_its_name() {
    let missing = open(&corpus().join("none.pcap"), &Given::default());
    let Err(OpenError::Io { path, .. }) = missing else { panic!("{missing:?}") };
    assert!(path.ends_with("none.pcap"));
    let text = open(&corpus().join("sdp/pion-pion.offer-pion.sdp"), &Given::default());
    let error = text.expect_err("a description is no log").to_string();
    assert!(error.contains("not a capture: it is text that begins with `v=0`"), "{error}");
    let given = Given { keys: Vec::new(), signalling: vec![corpus().join("README.md")] };
    let error = open(&corpus().join("pion-pion.pcap"), &given).expect_err("no signalling");
    assert!(error.to_string().contains("README.md: neither SDP"), "{error}");
}

#[test]
fn messages_have_the_time_of_the_capture_where_both_say_the_time_of_day() {
    let order = build::Order::Little;
    let packet = build::ipv4(false, 17, 0, &build::udp(b"x"));
    let record = |seconds: u32| build::record(order, seconds, 500_000, &packet, packet.len());
    let file = [build::pcap(order, false, 101), record(1_700_000_000), record(1_700_000_020)];
    let told = |began: u64| {
        let text = format!(
            "RTCStatsDump\n{{}}\n\
             [\"setLocalDescription\",\"1\",{{\"type\":\"offer\",\"sdp\":\"v=0\"}},{began}]\n\
             [\"setRemoteDescription\",\"1\",{{\"type\":\"answer\",\"sdp\":\"v=0\"}},9000]\n"
        );
        let mut capture = Capture::read(file.concat()).expect("a capture");
        capture.dialogues = dialogues("x.rtcstats", text.as_bytes());
        let sent = capture.signals().into_iter().map(|(session, signal)| (session, signal.sent));
        sent.collect::<Vec<_>>()
    };
    let at = |millis: u64| (0, Duration::from_millis(millis));
    assert_eq!(told(1_700_000_000_000), [at(0), at(8500)]);
    assert_eq!(told(1_700_000_002_000), [at(1500), at(10_500)]);
    // Another clock than the capture's, or none.
    assert_eq!(told(1_800_000_000_000), [at(0), at(0)]);
    assert_eq!(told(0), [at(0), at(0)]);
}
