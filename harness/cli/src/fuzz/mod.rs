//! `rtcspec fuzz`.

mod args;
mod campaign;
mod cover;
mod differ;
mod live;
mod llvm;
mod replay;
mod score;
mod session;
mod triage;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_fuzz::corpus;
use rtcspec_fuzz::finding::Finding;
use rtcspec_fuzz::target::{self, Target};

pub(crate) use args::FuzzOptions;
use args::{CorpusOptions, FuzzVerb};

use crate::exit::{Exit, Failure, Outcome};
use crate::near;

pub(crate) fn fuzz(options: &FuzzOptions) -> Outcome {
    watch::begin()?;
    match &options.verb {
        FuzzVerb::Run(options) if !watch::is_inside() => campaign::each_apart(options),
        FuzzVerb::Replay(_) | FuzzVerb::Min(_) | FuzzVerb::Grow(_) | FuzzVerb::Triage(_)
            if !watch::is_inside() =>
        {
            watch::apart(None, Path::new(args::FINDINGS), &std::env::temp_dir())
        }
        FuzzVerb::List(options) => list(options),
        FuzzVerb::Run(options) => campaign::run(options),
        FuzzVerb::Replay(options) => replay::replay(options),
        FuzzVerb::Min(options) => replay::minimise(options),
        FuzzVerb::Live(options) => live::live(options),
        FuzzVerb::Session(options) => session::session(options),
        FuzzVerb::Score(options) => score::score(options),
        FuzzVerb::Grow(options) => replay::grow(options),
        FuzzVerb::Cover(options) => cover::cover(options),
        FuzzVerb::Triage(options) => triage::triage(options),
        FuzzVerb::Differ(options) => differ::differ(options),
    }
}

fn list(options: &CorpusOptions) -> Outcome {
    for target in target::ALL {
        let (inputs, plants) = (inputs(target, &options.corpus)?.len(), target.plants.len());
        println!(
            "{:<16} {inputs:>5} inputs {plants:>3} planted bugs  {}",
            target.name, target.about
        );
    }
    Ok(Exit::AsExpected)
}

/// The targets of these names, or all.
fn chosen(names: &[String]) -> Result<Vec<&'static Target>, Failure> {
    if names.is_empty() {
        return Ok(target::ALL.iter().collect());
    }
    names.iter().map(|name| named(name)).collect()
}

fn named(name: &str) -> Result<&'static Target, Failure> {
    target::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = target::ALL.iter().map(|target| target.name).collect();
        let hint = near::hint(name, &known);
        Failure::usage(format!(
            "no fuzz target is called {name}{hint}; `rtcspec fuzz list` has all"
        ))
    })
}

/// A target's corpus.
fn inputs(target: &Target, folder: &Path) -> Result<Vec<corpus::Entry>, Failure> {
    corpus::of(target, folder).map_err(|error| unreadable(target, folder, &error))
}

/// Its bytes alone.
fn bytes(target: &Target, folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    Ok(inputs(target, folder)?.into_iter().map(|entry| entry.bytes).collect())
}

/// The bytes of the inputs that no campaign made.
fn seeds(target: &Target, folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let entries =
        corpus::seeds(target, folder).map_err(|error| unreadable(target, folder, &error))?;
    Ok(entries.into_iter().map(|entry| entry.bytes).collect())
}

fn unreadable(target: &Target, folder: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("read the corpus of {} in {}: {error}", target.name, folder.display()))
}

/// The file of an input that breaks something, among the findings in a folder.
fn place(folder: &Path, finding: &Finding, input: &[u8]) -> PathBuf {
    folder.join(format!("{}-{}.bin", finding.oracle.name(), corpus::name(input)))
}

/// Writes an input, and beside it what is to be said of it.
fn save(path: &Path, input: &[u8], about: &str) -> Result<(), Failure> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
        .and_then(|()| fs::write(path, input))
        .and_then(|()| fs::write(path.with_extension("txt"), about))
        .map_err(|error| Failure::usage(format!("write {}: {error}", path.display())))
}

/// Takes back what [`save`] wrote.
fn discard(path: &Path) {
    for path in [path.to_owned(), path.with_extension("txt")] {
        let _ = fs::remove_file(path);
    }
}

/// As much of a text as a line has room for.
fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(200).collect();
    if chars.next().is_none() { head } else { format!("{head}...") }
}
