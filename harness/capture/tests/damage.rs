//! Damaged files: what is before the damage is read, and after it whatever makes sense.

#[path = "../examples/mangle/disguise.rs"]
mod disguise;
#[path = "../examples/mangle/mutate.rs"]
mod mutate;
#[path = "../examples/mangle/through.rs"]
mod through;

mod build;

use std::fs;
use std::path::Path;

use build::Order::{Big, Little};
use build::*;
use mutate::{Mutations, outcome};
use rtcspec_capture::net::Frames;
use rtcspec_capture::read::{Damage, Problems};
use through::{Beside, Through, through};

fn datagram(text: &str) -> Vec<u8> {
    ipv4(false, 17, 0, &udp(text.as_bytes()))
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let captures = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "pcap"));
    captures.map(|path| fs::read(path).expect("a capture")).collect()
}

/// Payloads as text, and problems.
fn read(file: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut frames = Frames::new(file).expect("a capture");
    let mut found = Vec::new();
    frames.for_each(|frame| {
        found.push(format!(
            "{} {}",
            frame.seen.number,
            String::from_utf8_lossy(frame.seen.payload)
        ));
    });
    (found, frames.problems().first().iter().map(ToString::to_string).collect())
}

/// A classic file with these payloads.
fn classic(texts: &[&str]) -> Vec<u8> {
    let mut file = pcap(Little, false, 101);
    for (at, text) in texts.iter().enumerate() {
        let packet = datagram(text);
        file.extend(record(Little, 1000 + at as u32, 7, &packet, packet.len()));
    }
    file
}

/// A pcapng file with these payloads.
fn sections(texts: &[&str]) -> Vec<u8> {
    let mut file = [section(Big), interface(Big, 101, 0, &[])].concat();
    for (at, text) in texts.iter().enumerate() {
        file.extend(enhanced(Big, 0, at as u64, &datagram(text), ""));
    }
    file
}

#[test]
fn a_file_cut_short_gives_what_is_before() {
    let file = classic(&["one", "two"]);
    let (found, problems) = read(&file[..file.len() - 1]);
    assert_eq!(found, ["1 one"]);
    let said = "at byte 71, frame 2: the file ends within a packet: 46 of 47 bytes; \
                nothing after it can be read";
    assert_eq!(problems, [said]);
    let (found, problems) = read(&file[..24 + 47 + 5]);
    assert_eq!(found, ["1 one"]);
    assert!(problems[0].contains("within a record header: 5 of 16 bytes"), "{problems:?}");
    let file = sections(&["one", "two"]);
    let (found, problems) = read(&file[..file.len() - 1]);
    assert_eq!(found, ["1 one"]);
    assert!(problems[0].contains("within a block: 63 of 64 bytes"), "{problems:?}");
}

#[test]
fn a_classic_file_is_read_on_after_a_length_that_cannot_be() {
    let mut file = classic(&["one", "two", "three", "four"]);
    file[24 + 47 + 11] = 0xff;
    let (found, problems) = read(&file);
    assert_eq!(found, ["1 one", "2 three", "3 four"]);
    let said =
        "at byte 71, frame 2: a packet claims a length of 4278190111 bytes; 47 bytes left out";
    assert_eq!(problems, [said]);
}

#[test]
fn a_classic_file_is_read_on_after_a_length_beyond_its_end() {
    let mut file = classic(&["one", "two", "three", "four"]);
    file[24 + 47 + 9] = 0xff;
    let (found, problems) = read(&file);
    assert_eq!(found, ["1 one", "2 three", "3 four"]);
    assert!(problems[0].contains("the file ends within a packet"), "{problems:?}");
    assert!(problems[0].ends_with("; 47 bytes left out"), "{problems:?}");
}

#[test]
fn zeros_are_no_packets() {
    let file = [classic(&["one"]), vec![0; 1000], classic(&["two"])[24..].to_vec()].concat();
    let (found, problems) = read(&file);
    assert_eq!(found, ["1 one", "2 two"]);
    assert_eq!(problems, ["at byte 71, frame 2: a record is malformed; 1000 bytes left out"]);
}

#[test]
fn a_pcapng_file_is_read_on_after_a_bad_block() {
    let file = sections(&["one", "two", "three"]);
    let second = 28 + 20 + 64;
    for (at, what) in [
        (second + 7, "a block claims a length of"),
        (second + 5, "the file ends within a block"),
        (second + 63, "a block begins with length 64 and ends with"),
    ] {
        let mut file = file.clone();
        file[at] ^= 0x11;
        let (found, problems) = read(&file);
        assert_eq!(found, ["1 one", "2 three"], "{what}");
        assert!(problems[0].contains(what), "{problems:?}");
        assert!(problems[0].ends_with("; 64 bytes left out"), "{problems:?}");
    }
}

#[test]
fn a_packet_of_no_interface_is_counted_and_left_out() {
    let mut file = sections(&["one", "two", "three"]);
    file[28 + 20 + 64 + 11] = 9;
    let (found, problems) = read(&file);
    assert_eq!(found, ["1 one", "3 three"]);
    let said = "at byte 112, frame 2: a packet of interface 9, but the section describes 1; \
                64 bytes left out";
    assert_eq!(problems, [said]);
}

#[test]
fn files_spliced_into_each_other_are_read_on() {
    let (one, two) = (classic(&["one", "two"]), sections(&["three", "four"]));
    let whole = [one.clone(), two.clone(), one.clone()].concat();
    let (found, problems) = read(&whole);
    assert_eq!(found, ["1 one", "2 two", "3 three", "4 four", "5 one", "6 two"]);
    assert_eq!(problems, [""; 0]);
    // The first file lacks its last three bytes, which are taken from the second.
    let spliced = [&one[..one.len() - 3], &two[..], &one[..]].concat();
    let (found, problems) = read(&spliced);
    assert_eq!(found.last().map(String::as_str), Some("4 two"), "the section has lost its header");
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_time_without_sense_is_said_and_its_packet_kept() {
    let mut file = classic(&["one", "two"]);
    file[24 + 7] = 0x7f;
    let (found, problems) = read(&file);
    assert_eq!(found, ["1 one", "2 two"]);
    assert!(problems[0].contains("the fraction 2130706439"), "{problems:?}");
}

#[test]
fn problems_beyond_those_kept_are_counted() {
    let mut file = sections(&["x"; 300]);
    for packet in 0..300 {
        file[28 + 20 + packet * 64 + 11] = 9;
    }
    let mut frames = Frames::new(file.as_slice()).expect("a capture");
    frames.for_each(|_| {});
    assert_eq!(frames.problems().first().len(), Problems::KEPT);
    assert_eq!(frames.problems().count(), 300);
    assert!(matches!(frames.problems().first()[0].damage, Damage::UnknownInterface { .. }));
}

#[test]
fn every_capture_cut_anywhere_is_read_up_to_there() {
    for capture in corpus() {
        let whole = outcome(&capture).expect("a capture");
        let mut last = 0;
        for end in (24..capture.len()).step_by(97) {
            let found = outcome(&capture[..end]).expect("a header is there");
            assert!(found.frames >= last && found.frames <= whole.frames);
            assert!(found.problems <= 1);
            last = found.frames;
        }
    }
}

/// 5,000 files here; `cargo run -p rtcspec-capture --example mangle` reads 100,000.
#[test]
fn mangled_files_end_in_an_orderly_report() {
    let mut mutations = Mutations::new(corpus(), 1);
    for _ in 0..5_000 {
        let file = mutations.next_file();
        if let Ok(found) = outcome(&file) {
            assert!(
                found.offset <= file.len() as u64,
                "read to {} of {}",
                found.offset,
                file.len()
            );
            assert!(found.bytes <= file.len() as u64);
        }
    }
}

/// 400 files here; `cargo run -p rtcspec-capture --example mangle` takes 100,000 through.
#[test]
fn mangled_files_go_through_transcripts_audits_and_seeds() {
    let originals = corpus();
    let shapes = [disguise::as_any, disguise::as_streams].into_iter();
    let mut files: Vec<Vec<u8>> =
        shapes.flat_map(|shape| originals.iter().map(move |file| shape(file))).collect();
    files.extend(originals.iter().cloned());
    let mut mutations = Mutations::new(files, 7);
    mutations.add(originals.iter().map(|file| disguise::as_log(file)));
    let mut all = Through::default();
    for number in 0..400 {
        all += through(&mutations.next_file(), number, &Beside::default());
    }
    let Through { sessions, lines, findings, seeds } = all;
    assert!(sessions > 300 && lines > 10_000 && findings > 400 && seeds > 5_000, "{all:?}");
}
