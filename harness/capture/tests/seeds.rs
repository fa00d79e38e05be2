//! Seeds: what is cut, and that the corpus holds what its lists say.

use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_capture::seeds::{Cutter, Format, Seed, write};
use rtcspec_capture::{Given, open};
use sha2::{Digest as _, Sha256};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus")
}

fn cut(names: &[&str]) -> Vec<Seed> {
    let mut cutter = Cutter::default();
    for name in names {
        let path = corpus().join("captures").join(name);
        cutter.cut(&mut open(&path, &Given::default()).expect("a capture"), name);
    }
    cutter.seeds()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn one_message_of_each_shape_with_the_frame_it_was_seen_in() {
    let seeds = cut(&["firefox-firefox.pcap"]);
    let frames: Vec<u64> =
        seeds.iter().filter(|seed| seed.format == Format::Dcep).map(|seed| seed.frame).collect();
    assert_eq!(frames.len(), 2, "an open and its acknowledgement");
    for seed in &seeds {
        assert_eq!(seed.sha256, sha256(&seed.bytes));
        assert_eq!(seed.frame == 0, [Format::Sdp, Format::Candidate].contains(&seed.format));
        assert!(seed.name.ends_with(&format!("-{}.{}", &seed.sha256[..8], seed.format.ending())));
    }
    let again = cut(&["firefox-firefox.pcap", "firefox-firefox.pcap"]);
    assert_eq!(again, seeds, "the same capture again has nothing new");
}

#[test]
fn what_is_in_the_folder_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&cut(&["pion-pion.pcap"]), folder.path()).expect("written");
    let list = folder.path().join("sdp/provenance.tsv");
    let first = fs::read_to_string(&list).expect("a list");
    write(&cut(&["firefox-firefox.pcap"]), folder.path()).expect("written");
    let second = fs::read_to_string(&list).expect("a list");
    assert!(second.len() > first.len());
    first.lines().for_each(|line| assert!(second.contains(line), "{line}"));
}

#[test]
fn the_corpus_holds_what_its_lists_say_and_is_small() {
    let mut total = 0;
    for format in Format::ALL {
        let folder = corpus().join("seeds").join(format.folder());
        let list = fs::read_to_string(folder.join("provenance.tsv")).expect("a list");
        let mut listed: Vec<String> = Vec::new();
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let &[name, hash, capture, frame] = fields.as_slice() else { panic!("{line}") };
            let bytes = fs::read(folder.join(name)).expect("a seed");
            assert_eq!(sha256(&bytes), hash, "{name}");
            assert!(corpus().join("captures").join(capture).exists(), "{capture}");
            assert!(frame.parse::<u64>().is_ok(), "{line}");
            total += bytes.len();
            listed.push(name.to_owned());
        }
        listed.push("provenance.tsv".to_owned());
        listed.sort();
        let entries = fs::read_dir(&folder).expect("a folder").flatten();
        let mut there: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        there.sort();
        assert_eq!(there, listed, "{}", format.folder());
    }
    assert!(total < 1_000_000, "{total} bytes");
}
