//! `pcapng_file`: any bytes, as a capture; the transcripts of what is in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use rtcspec_capture::Capture;
use rtcspec_capture::conversations::conversations;
use rtcspec_capture::net::{Frame, Step};
use rtcspec_trace::Transcript;

use super::{Plant, Target};
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;

/// Holds reading of pcap, pcapng and logs of packets, and transcripts of them.
pub const FILE: Target = Target {
    name: "pcapng_file",
    about: "captures: any file, cut or in company, gives the same frames and transcripts",
    seeds: &["capture-file"],
    dictionary: mutate::pcapng::dictionary,
    mutate: mutate::pcapng::mutate,
    body: |case| body(case, read),
    situations: &[
        "no capture",
        "pcap",
        "pcapng",
        "log",
        "frames",
        "problem",
        "transcript",
        "secrets",
        "cut",
        "two files",
    ],
    plants: PLANTS,
};

/// Buffers of readers are of fixed sizes; a log's line, and a frame, become a value.
const BUDGET: Budget = Budget {
    bytes: 24 << 20,
    bytes_each: 2048,
    time: std::time::Duration::from_millis(20),
    time_each: std::time::Duration::from_micros(20),
};

/// What is read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reading {
    format: String,
    packets: usize,
    /// A hash of each frame: what it carries, between whom.
    frames: Vec<u64>,
    secrets: usize,
    problems: usize,
    /// After damage, reading went on where something looked like a block again.
    resumed: bool,
}

type Read = fn(&[u8]) -> Option<Reading>;

fn read(file: &[u8]) -> Option<Reading> {
    let mut capture = Capture::read(file.to_vec()).ok()?;
    let mut reading = Reading { format: capture.frames.format(), ..Reading::default() };
    loop {
        let mut sink = |frame: Frame<'_>| reading.frames.push(hash(&frame));
        match capture.frames.step(&mut sink) {
            Step::Packet => reading.packets += 1,
            Step::Secrets(_) => reading.secrets += 1,
            Step::End => break,
        }
    }
    reading.problems = capture.problems().len();
    let found = capture.frames.problems().first();
    reading.resumed = found.iter().any(|problem| problem.skipped.is_some_and(|bytes| bytes > 0));
    Some(reading)
}

fn hash(frame: &Frame<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let seen = &frame.seen;
    (seen.source, seen.destination, seen.payload, frame.missing).hash(&mut hasher);
    hasher.finish()
}

fn body(case: &mut Case<'_>, read: Read) -> Verdict {
    let input = case.input;
    let reading = case.within(BUDGET, input.len(), || read(input))?;
    if case.is_thorough() {
        hold(Oracle::Determinism, read(input) == reading, || "two readings differ")?;
    }
    let Some(reading) = reading else {
        case.reach("no capture");
        return Ok(());
    };
    note(case, &reading);
    hold(Oracle::Model, reading.frames.len() <= 64 + input.len() * 40, || {
        format!("{} frames in {} bytes", reading.frames.len(), input.len())
    })?;
    if case.is_thorough() {
        cut(case, read, &reading)?;
        in_company(case, read, &reading)?;
        foreign_block(input, read, &reading)?;
    }
    transcripts(case, input)
}

fn note(case: &mut Case<'_>, reading: &Reading) {
    case.reach(match reading.format.as_str() {
        format if format.starts_with("pcapng") => "pcapng",
        format if format.starts_with("pcap") => "pcap",
        _ => "log",
    });
    if !reading.frames.is_empty() {
        case.reach("frames");
    }
    if reading.problems > 0 {
        case.reach("problem");
    }
    if reading.secrets > 0 {
        case.reach("secrets");
    }
    case.see(&(&reading.format, reading.frames.len().min(8), reading.problems.min(4)));
}

/// Of a file that was cut, what comes before is read as before; of the last packet a piece.
fn cut(case: &mut Case<'_>, read: Read, whole: &Reading) -> Verdict {
    let input = case.input;
    // Two bytes begin a compressed file, whose end says whether it is whole.
    if input.starts_with(&[0x1f, 0x8b]) || whole.frames.len() < 2 || whole.problems > 0 {
        return Ok(());
    }
    let piece = read(&input[..input.len() * 3 / 4]);
    // In the piece of a block that was cut there may be what looks like blocks.
    let Some(piece) = piece.filter(|piece| !piece.resumed) else { return Ok(()) };
    case.reach("cut");
    let sure = piece.frames.len().saturating_sub(1);
    hold(Oracle::Truncation, whole.frames.starts_with(&piece.frames[..sure]), || {
        format!("{} frames of the whole, {} others of a piece", whole.frames.len(), sure)
    })
}

/// Captures one after the other are one capture.
fn in_company(case: &mut Case<'_>, read: Read, whole: &Reading) -> Verdict {
    let is_pcapng = case.input.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    if !is_pcapng || whole.problems > 0 || whole.frames.is_empty() {
        return Ok(());
    }
    case.reach("two files");
    let both = read(&case.input.repeat(2)).unwrap_or_default();
    let twice = whole.frames.repeat(2);
    hold(Oracle::Metamorphic, both.packets == 2 * whole.packets, || {
        format!("{} packets, {} of the file twice", whole.packets, both.packets)
    })?;
    // Fragments and streams of the first may go on in the second.
    let held = both.frames.starts_with(&whole.frames) && both.frames.len() <= twice.len();
    let same = both.frames.len() < twice.len() || both.frames == twice;
    hold(Oracle::Metamorphic, held && same, || {
        format!("{} frames, {} of the file twice", whole.frames.len(), both.frames.len())
    })
}

/// A block of an unknown type is passed over.
fn foreign_block(input: &[u8], read: Read, whole: &Reading) -> Verdict {
    let little = input.get(8..12) == Some(&[0x4d, 0x3c, 0x2b, 0x1a][..]);
    let length = input.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    let Some(length) = length.map(|length| length as usize) else { return Ok(()) };
    let first = input.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) && little;
    if !first || whole.problems > 0 || !(28..=input.len()).contains(&length) || length % 4 != 0 {
        return Ok(());
    }
    let block = [0xad, 0x0b, 0, 0, 16, 0, 0, 0, 1, 2, 3, 4, 16, 0, 0, 0];
    let longer = [&input[..length], &block, &input[length..]].concat();
    let frames = read(&longer).unwrap_or_default().frames;
    hold(Oracle::Metamorphic, frames == whole.frames, || {
        format!("{} frames, {} with a block of no known type", whole.frames.len(), frames.len())
    })
}

/// Transcripts are the same each time, and are read back as they were.
fn transcripts(case: &mut Case<'_>, input: &[u8]) -> Verdict {
    let made = || -> Vec<Transcript> {
        let Ok(mut capture) = Capture::read(input.to_vec()) else { return Vec::new() };
        let found = conversations(&mut capture, "fuzz");
        found.sessions.iter().map(|session| rtcspec_trace::value(session, "seen")).collect()
    };
    let transcripts = case.within(BUDGET, input.len(), made)?;
    if case.is_thorough() {
        hold(Oracle::Determinism, made() == transcripts, || "two transcripts differ")?;
    }
    for transcript in transcripts {
        case.reach("transcript");
        for section in &transcript.sections {
            case.see(&(&section.name, section.lines.len().min(6)));
        }
        let text = transcript.to_string();
        let again = text.parse::<Transcript>();
        let again = again.map_err(|error| Finding::new(Oracle::RoundTrip, error))?;
        hold(Oracle::RoundTrip, again == transcript, || {
            format!("{text:?} is read as {:?}", again.to_string())
        })?;
    }
    Ok(())
}

const PLANTS: &[Plant] = &[
    Plant {
        name: "pcapng-zero-length",
        source: "as SIPSorcery PR 1758 for chunks: a block of length 0 is gone past by 0 bytes",
        body: |case| body(case, zero_length),
    },
    Plant {
        name: "pcapng-captured-past-block",
        source: "the captured length is believed although the block is shorter",
        body: |case| body(case, captured_past_block),
    },
    Plant {
        name: "pcapng-claimed-allocated",
        source: "room is made for a block of the length that it claims",
        body: |case| body(case, claimed_allocated),
    },
    Plant {
        name: "pcapng-unknown-block-ends",
        source: "a block of an unknown type ends the file",
        body: |case| body(case, unknown_block_ends),
    },
    Plant {
        name: "pcapng-first-section-only",
        source: "a second section is not read",
        body: |case| body(case, first_section_only),
    },
];

/// Where blocks begin, their types and claimed lengths, in little-endian order.
fn blocks(file: &[u8]) -> impl Iterator<Item = (usize, u32, u32)> {
    let is_pcapng = file.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let mut at = if is_pcapng { 0 } else { file.len() };
    std::iter::from_fn(move || {
        let &[a, b, c, d, e, f, g, h] = file.get(at..)?.first_chunk()?;
        let (start, length) = (at, u32::from_le_bytes([e, f, g, h]));
        at = at.checked_add(length as usize)?;
        Some((start, u32::from_le_bytes([a, b, c, d]), length))
    })
}

fn zero_length(file: &[u8]) -> Option<Reading> {
    let many = blocks(file).take(10_000).count();
    assert!(many < 10_000, "an endless loop");
    read(file)
}

fn captured_past_block(file: &[u8]) -> Option<Reading> {
    for (at, kind, length) in blocks(file).take(10_000) {
        let end = at.saturating_add(length as usize).min(file.len());
        if let (6, Some(&[a, b, c, d])) = (kind, file.get(at + 20..at + 24)) {
            let captured = u32::from_le_bytes([a, b, c, d]) as usize;
            let _ = &file[at + 28..end][..captured];
        }
    }
    read(file)
}

fn claimed_allocated(file: &[u8]) -> Option<Reading> {
    for (_, _, length) in blocks(file).take(100) {
        std::hint::black_box(Vec::<u8>::with_capacity((length as usize).min(1 << 30)));
    }
    read(file)
}

fn unknown_block_ends(file: &[u8]) -> Option<Reading> {
    let known = [1, 2, 3, 4, 5, 6, 10, 0x0a0d_0d0a];
    let end = blocks(file).take(10_000).find(|(_, kind, _)| !known.contains(kind));
    read(&file[..end.map_or(file.len(), |(at, _, _)| at)])
}

fn first_section_only(file: &[u8]) -> Option<Reading> {
    let second = blocks(file).take(10_000).filter(|(_, kind, _)| *kind == 0x0a0d_0d0a).nth(1);
    read(&file[..second.map_or(file.len(), |(at, _, _)| at)])
}
