//! The committed corpus: seeds by format, crashes by target, and what campaigns grew.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::case::{self, Case};
use crate::finding::Verdict;
use crate::target::Target;

/// Longest input read from a pack.
const MOST: u64 = 1 << 20;

/// An input with the file it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The inputs of a target in a corpus folder, in the order of their names: its seeds
/// (`seeds/FOLDER`), what once broke it (`crashes/TARGET`), and what campaigns added
/// (`grown/TARGET.zip`).
///
/// # Errors
/// A folder or pack that is there cannot be read.
pub fn of(target: &Target, corpus: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = seeds(target, corpus)?;
    entries.extend(packed(&pack(target, corpus))?);
    Ok(entries)
}

/// The part of a target's corpus that no campaign made: seeds and what once broke it.
///
/// # Errors
/// A folder that is there cannot be read, or there are seeds and none in a folder of this target's.
pub fn seeds(target: &Target, corpus: &Path) -> io::Result<Vec<Entry>> {
    let all = corpus.join("seeds");
    let mut entries = Vec::new();
    for folder in target.seeds.iter().map(|folder| all.join(folder)) {
        let seeds = inputs(&folder)?;
        // Whoever has no corpus at all begins with nothing.
        if seeds.is_empty() && all.is_dir() {
            let what = format!("there are no seeds in {}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        entries.extend(seeds);
    }
    entries.extend(inputs(&corpus.join("crashes").join(target.name))?);
    Ok(entries)
}

/// The file with what campaigns of a target added.
#[must_use]
pub fn pack(target: &Target, corpus: &Path) -> PathBuf {
    corpus.join("grown").join(format!("{}.zip", target.name))
}

/// The name of an input: the head of its SHA-256.
#[must_use]
pub fn name(input: &[u8]) -> String {
    Sha256::digest(input)
        .iter()
        .take(8)
        .fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

fn packed(pack: &Path) -> io::Result<Vec<Entry>> {
    if !pack.is_file() {
        return Ok(Vec::new());
    }
    let mut archive = ZipArchive::new(Cursor::new(fs::read(pack)?))?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index)?;
        let path = pack.join(file.name()?.as_ref());
        let mut bytes = Vec::new();
        // As long as it turns out to be, whatever it claims.
        file.take(MOST).read_to_end(&mut bytes)?;
        entries.push(Entry { path, bytes });
    }
    Ok(entries)
}

/// Adds inputs to a target's pack: those, old and new, the shortest first, that show something to its
/// `body` which no seed and no input before them shows. Says how many are in the pack then. The same
/// inputs give the same file.
///
/// # Errors
/// A file cannot be read or written.
pub fn grow(
    target: &Target,
    body: impl Fn(&mut Case<'_>) -> Verdict,
    corpus: &Path,
    new: &[Vec<u8>],
) -> io::Result<usize> {
    let mut shown = BTreeSet::new();
    for entry in seeds(target, corpus)? {
        shows_more(&body, &entry.bytes, &mut shown);
    }
    let path = pack(target, corpus);
    let mut inputs: Vec<Vec<u8>> = packed(&path)?.into_iter().map(|entry| entry.bytes).collect();
    inputs.extend_from_slice(new);
    inputs.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    inputs.retain(|input| shows_more(&body, input, &mut shown));
    // Git packs it, and no compressor's version decides its bytes.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for input in &inputs {
        writer.start_file(name(input), options)?;
        writer.write_all(input)?;
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, writer.finish()?.into_inner())?;
    Ok(inputs.len())
}

/// True if an input breaks nothing and shows what is not in `shown` yet, which is added.
fn shows_more(
    body: &impl Fn(&mut Case<'_>) -> Verdict,
    input: &[u8],
    shown: &mut BTreeSet<u64>,
) -> bool {
    let mut case = Case::new(input);
    if case::run(body, &mut case).is_err() {
        return false;
    }
    let before = shown.len();
    shown.extend(case.features());
    shown.len() > before
}

/// The files of a folder that are inputs, in the order of their names; none of a folder that is not
/// there.
fn inputs(folder: &Path) -> io::Result<Vec<Entry>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.retain(|path| path.is_file() && !is_about(path));
    paths.sort();
    let read = |path: PathBuf| Ok(Entry { bytes: fs::read(&path)?, path });
    paths.into_iter().map(read).collect()
}

/// True for lists of origins and notes, which stand beside inputs.
fn is_about(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "tsv" || ending == "md")
}
