//! Every capture of the corpus is read whole, and holds what other tools say it holds.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rtcspec_capture::net::{Frame, Frames, Skipped};

/// Name; frames and bytes as `capinfos` counts them; UDP datagrams, ICMP, ARP and TCP as
/// `tshark -Y` does (Wireshark 4.0.17).
const CAPTURES: &[(&str, [u64; 6])] = &[
    ("aiortc-aiortc", [86, 35937, 86, 0, 0, 0]),
    ("aiortc-chromium", [87, 37133, 84, 1, 2, 0]),
    ("aiortc-gst", [90, 37422, 87, 0, 0, 0]),
    ("chromium-aiortc-av", [409, 96640, 404, 1, 4, 0]),
    ("chromium-aiortc", [93, 36606, 91, 0, 2, 0]),
    ("chromium-chromium-av", [450, 143241, 450, 0, 0, 0]),
    ("chromium-chromium", [87, 37249, 86, 1, 0, 0]),
    ("chromium-firefox", [86, 37112, 83, 1, 2, 0]),
    ("chromium-gst", [92, 37912, 87, 0, 0, 3]),
    ("firefox-aiortc-av", [495, 106764, 495, 0, 0, 0]),
    ("firefox-firefox", [80, 36689, 79, 1, 0, 0]),
    ("firefox-ndc", [77, 35767, 76, 1, 0, 0]),
    ("gst-aiortc-FAIL", [21, 3285, 19, 0, 0, 0]),
    ("nat-sym-aiortc-chromium-turn", [101, 38924, 97, 2, 2, 0]),
    ("nat-sym-chromium-aiortc-turn", [122, 41179, 117, 3, 2, 0]),
    ("nat-sym-pion-chromium-turn", [241, 65023, 236, 3, 2, 0]),
    ("ndc-pion-FAIL", [54, 8907, 49, 1, 4, 0]),
    ("pion-aiortc", [80, 35212, 80, 0, 0, 0]),
    ("pion-pion", [90, 36686, 89, 1, 0, 0]),
    ("pion-wrtc", [80, 35138, 78, 1, 0, 0]),
    ("werift-aiortc", [88, 35948, 88, 0, 0, 0]),
    ("werift-ndc", [83, 35936, 79, 0, 4, 0]),
    ("werift-pion", [81, 35036, 80, 1, 0, 0]),
    ("werift-werift", [89, 35520, 89, 0, 0, 0]),
    ("wrtc-aiortc", [89, 36271, 89, 0, 0, 0]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn count(file: impl std::io::Read) -> [u64; 6] {
    let mut frames = Frames::new(file).expect("a capture");
    let mut datagrams = 0;
    frames.for_each(|frame: Frame<'_>| datagrams += u64::from(frame.whole().is_some()));
    assert_eq!(frames.problems().first(), []);
    let summary = frames.summary();
    assert_eq!((summary.cut, summary.before_the_first, summary.lacking), (0, 0, 0));
    let skipped = |why| summary.skipped.get(&why).copied().unwrap_or_default();
    let (icmp, arp) = (skipped(Skipped::Icmp), skipped(Skipped::EtherType(0x0806)));
    assert_eq!(datagrams, summary.datagrams, "TCP that carries anything");
    [summary.frames, summary.bytes, datagrams, icmp, arp, summary.segments]
}

#[test]
fn every_capture_holds_what_other_tools_say() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .expect("the corpus")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".pcap").map(str::to_owned))
        .collect();
    found.sort();
    let mut known: Vec<&str> = CAPTURES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(found, known);
    for (name, expected) in CAPTURES {
        let file = fs::File::open(folder().join(format!("{name}.pcap"))).expect("a file");
        assert_eq!(count(file), *expected, "{name}");
    }
}

#[test]
fn a_compressed_capture_is_the_same_capture() {
    let (name, expected) = CAPTURES[0];
    let plain = fs::read(folder().join(format!("{name}.pcap"))).expect("a file");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&plain).expect("written");
    assert_eq!(count(packed.finish().expect("packed").as_slice()), expected);
}

#[test]
fn captures_one_after_the_other_are_one_capture() {
    let all: Vec<u8> = CAPTURES
        .iter()
        .flat_map(|(name, _)| fs::read(folder().join(format!("{name}.pcap"))).expect("a file"))
        .collect();
    let mut frames = Frames::new(all.as_slice()).expect("a capture");
    frames.for_each(|_| {});
    assert_eq!(frames.problems().first(), []);
    let expected: u64 = CAPTURES.iter().map(|(_, counts)| counts[0]).sum();
    assert_eq!(frames.summary().frames, expected);
}
