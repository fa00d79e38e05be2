//! Takes captures that are damaged at random through everything that is done with captures:
//! `--count 100000 --seed 1 [--from FOLDER] [--most-mib 200] [--most-seconds 20] [--first N]`.
//!
//! Every file must end in a report or an error. A panic ends this program with the number of the
//! file, from which the same seed makes it again (`--first N --count 1`); so does one that takes
//! longer than a file may, and a peak of memory (`VmHWM` of Linux) above the limit.

mod disguise;
mod mutate;
mod through;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mutate::{Mutations, outcome};
use rtcspec_capture::{Given, open};
use through::{Beside, Through, through};

struct Options {
    count: u64,
    first: u64,
    seed: u64,
    from: PathBuf,
    most_mib: u64,
    most_seconds: u64,
}

fn options() -> Result<Options, String> {
    let from = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/captures"));
    let (count, first, seed, most_mib, most_seconds) = (100_000, 0, 1, 200, 20);
    let mut options = Options { count, first, seed, from, most_mib, most_seconds };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{word} {value}: {error}"));
        match word.as_str() {
            "--count" => options.count = number()?,
            "--first" => options.first = number()?,
            "--seed" => options.seed = number()?,
            "--most-mib" => options.most_mib = number()?,
            "--most-seconds" => options.most_seconds = number()?,
            "--from" => options.from = value.into(),
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(options)
}

fn captures(folder: &Path) -> Result<(Vec<Vec<u8>>, Beside), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pcap"));
    let (mut files, mut beside) = (Vec::new(), Beside::default());
    for path in &paths {
        files.push(std::fs::read(path).map_err(failed)?);
        let capture = open(path, &Given::default()).map_err(|error| error.to_string())?;
        beside.keys.add(capture.keys.text().as_bytes());
        beside.dialogues.push(capture.dialogues);
    }
    Ok((files, beside))
}

/// The most memory this program had at once, in KiB; nothing where nobody tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn run(options: &Options) -> Result<(), String> {
    let (originals, beside) = captures(&options.from)?;
    let mut disguised = originals.clone();
    disguised.extend(originals.iter().map(|file| disguise::as_any(file)));
    disguised.extend(originals.iter().map(|file| disguise::as_streams(file)));
    let mut mutations = Mutations::new(disguised, options.seed);
    mutations.add(originals.iter().map(|file| disguise::as_log(file)));
    let (mut refused, mut frames, mut datagrams, mut problems, mut bytes) = (0, 0, 0, 0, 0);
    let (mut all, mut slowest) = (Through::default(), (Duration::ZERO, 0));
    for number in 0..options.first + options.count {
        let file = mutations.next_file();
        if number < options.first {
            continue;
        }
        let which = || format!("file {number} of seed {}", options.seed);
        bytes += file.len();
        #[expect(clippy::disallowed_methods, reason = "how long a file takes is what is measured")]
        let begin = Instant::now();
        let found = std::panic::catch_unwind(|| {
            let found = outcome(&file);
            (found, through(&file, number as usize, &beside))
        });
        match found {
            Ok((Ok(found), through)) => {
                frames += found.frames;
                datagrams += found.datagrams;
                problems += found.problems;
                all += through;
            }
            Ok((Err(_), _)) => refused += 1,
            Err(_) => return Err(format!("{} panics", which())),
        }
        let took = begin.elapsed();
        slowest = slowest.max((took, number));
        if took > Duration::from_secs(options.most_seconds) {
            return Err(format!("{} of {} bytes takes {took:?}", which(), file.len()));
        }
        if let Some(peak) = peak().filter(|peak| peak >> 10 > options.most_mib) {
            let (peak, most) = (peak >> 10, options.most_mib);
            return Err(format!("{peak} MiB were held at once, over {most}, by {}", which()));
        }
    }
    println!("{} files of {bytes} bytes: {refused} refused, {frames} frames", options.count);
    println!("{datagrams} datagrams or stream pieces, {problems} problems, no panic");
    let Through { sessions, lines, findings, seeds } = all;
    println!("{sessions} sessions, {lines} lines, {findings} findings, {seeds} seeds");
    let (took, number) = slowest;
    let peak = peak().map_or("?".to_owned(), |peak| (peak >> 10).to_string());
    println!("the slowest took {took:.1?} (file {number}); at most {peak} MiB were held");
    Ok(())
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mangle: {message}");
            ExitCode::FAILURE
        }
    }
}
