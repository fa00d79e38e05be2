//! Reads captures that are damaged at random: `--count 100000 --seed 1 [--from FOLDER]`.
//!
//! Every file must end in a report or an error; a panic ends this program with the number of the
//! file, from which the same seed makes it again.

mod mutate;

use std::path::PathBuf;
use std::process::ExitCode;

use mutate::{Mutations, outcome};

struct Options {
    count: u64,
    seed: u64,
    from: PathBuf,
}

fn options() -> Result<Options, String> {
    let from = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/captures"));
    let mut options = Options { count: 100_000, seed: 1, from };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{word} {value}: {error}"));
        match word.as_str() {
            "--count" => options.count = number()?,
            "--seed" => options.seed = number()?,
            "--from" => options.from = value.into(),
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(options)
}

fn captures(options: &Options) -> Result<Vec<Vec<u8>>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", options.from.display());
    let entries = std::fs::read_dir(&options.from).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let captures = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "pcap"));
    captures.map(|path| std::fs::read(path).map_err(failed)).collect()
}

fn run(options: &Options) -> Result<(), String> {
    let mut mutations = Mutations::new(captures(options)?, options.seed);
    let (mut refused, mut frames, mut datagrams, mut problems, mut bytes) = (0, 0, 0, 0, 0);
    for number in 0..options.count {
        let file = mutations.next_file();
        bytes += file.len();
        match std::panic::catch_unwind(|| outcome(&file)) {
            Ok(Ok(found)) => {
                frames += found.frames;
                datagrams += found.datagrams;
                problems += found.problems;
            }
            Ok(Err(_)) => refused += 1,
            Err(_) => return Err(format!("file {number} of seed {} panics", options.seed)),
        }
    }
    println!("{} files of {bytes} bytes: {refused} refused, {frames} frames", options.count);
    println!("{datagrams} datagrams or stream pieces, {problems} problems, no panic");
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
