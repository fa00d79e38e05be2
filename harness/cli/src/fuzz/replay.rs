//! `rtcspec fuzz replay`, `rtcspec fuzz min` and `rtcspec fuzz grow`.

use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_fuzz::campaign;
use rtcspec_fuzz::case::{self, Case};
use rtcspec_fuzz::corpus::{self, Entry};
use rtcspec_fuzz::finding::Finding;
use rtcspec_fuzz::target::Target;

use super::args::{GrowOptions, MinOptions, ReplayOptions};
use super::watch::watched;
use crate::exit::{Exit, Failure, Outcome};

/// Executions to spend on making one input smaller.
pub(super) const MOST: usize = 20_000;

pub(super) fn replay(options: &ReplayOptions) -> Outcome {
    let names: Vec<String> = options.target.iter().cloned().collect();
    let (mut ran, mut broken) = (0, 0);
    for target in super::chosen(&names)? {
        let entries = match &options.files[..] {
            [] => super::inputs(target, &options.corpus.corpus)?,
            files => files.iter().map(|file| read(file)).collect::<Result<_, _>>()?,
        };
        for entry in &entries {
            if let Err(finding) = once(target, &entry.bytes) {
                broken += 1;
                println!("{} {}: {finding}", target.name, entry.path.display());
            }
        }
        ran += entries.len();
    }
    println!("{ran} inputs, {broken} broke an oracle");
    match (ran, broken) {
        (0, _) => Err(Failure { exit: Exit::Nothing, message: "no input there".to_owned() }),
        (_, 0) => Ok(Exit::AsExpected),
        _ => Ok(Exit::Unexpected),
    }
}

pub(super) fn minimise(options: &MinOptions) -> Outcome {
    let target = super::named(&options.target)?;
    let input = read(&options.file)?.bytes;
    let Err(finding) = once(target, &input) else {
        let what = format!("{} breaks no oracle of {}", options.file.display(), target.name);
        return Err(Failure { exit: Exit::Nothing, message: what });
    };
    let smaller = campaign::minimise(watched(target), &input, &finding.class(), MOST);
    let into = options.into.clone().unwrap_or_else(|| {
        let mut name = options.file.clone().into_os_string();
        name.push(".min");
        PathBuf::from(name)
    });
    fs::write(&into, &smaller)
        .map_err(|error| Failure::usage(format!("write {}: {error}", into.display())))?;
    println!("{finding}");
    println!("{} bytes of {} in {}", smaller.len(), input.len(), into.display());
    Ok(Exit::AsExpected)
}

pub(super) fn grow(options: &GrowOptions) -> Outcome {
    let target = super::named(&options.target)?;
    let folder = &options.corpus.corpus;
    let before = super::inputs(target, folder)?.len();
    let inputs: Vec<Vec<u8>> =
        options.files.iter().map(|file| Ok(read(file)?.bytes)).collect::<Result<_, Failure>>()?;
    corpus::grow(target, watched(target), folder, &inputs)
        .map_err(|error| Failure::usage(format!("add to the corpus: {error}")))?;
    let after = super::inputs(target, folder)?.len();
    println!("{} inputs of {} given: {before} before, {after} now", inputs.len(), target.name);
    Ok(Exit::AsExpected)
}

pub(super) fn once(target: &Target, input: &[u8]) -> Result<(), Finding> {
    case::run(watched(target), &mut Case::new(input))
}

pub(super) fn read(path: &Path) -> Result<Entry, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::usage(format!("read {}: {error}", path.display())))?;
    Ok(Entry { path: path.to_owned(), bytes })
}
