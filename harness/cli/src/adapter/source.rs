//! Where the files of an adapter come from: this binary, or a folder of somebody's own.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use rtcspec_suite::manifest::{self, Manifest};

use super::files;
use crate::exit::Failure;
use crate::near;

include!(concat!(env!("OUT_DIR"), "/adapters.rs"));

/// An adapter that can be set up.
#[derive(Debug)]
pub(crate) struct Source {
    /// What its `adapter.toml` says.
    pub(crate) manifest: Manifest,
    /// Its files, by their paths in the folder it is set up in.
    pub(crate) files: Vec<(PathBuf, Cow<'static, [u8]>)>,
}

/// The adapter of this name, or in this folder if it is a path.
pub(crate) fn find(wanted: &Path) -> Result<Source, Failure> {
    if wanted.components().count() > 1 || wanted.join(manifest::FILE).exists() {
        return in_folder(wanted);
    }
    let name = wanted.to_string_lossy();
    if let Some(source) = carried(&name)? {
        return Ok(source);
    }
    let known = names();
    let hint = near::hint(&name, &known);
    let known = known.join(", ");
    Err(Failure::usage(format!("there is no adapter `{name}`{hint}; there are {known}")))
}

/// The adapters this binary carries.
pub(crate) fn all() -> Result<Vec<Source>, Failure> {
    names().into_iter().filter_map(|name| carried(name).transpose()).collect()
}

/// The name of an adapter is that of its folder.
pub(crate) fn names() -> Vec<&'static str> {
    let named = |path: &'static str| path.strip_suffix(manifest::FILE)?.strip_suffix('/');
    CARRIED.iter().filter_map(|(path, _)| named(path)).collect()
}

fn carried(name: &str) -> Result<Option<Source>, Failure> {
    let bytes = |path: &Path| {
        let (_, bytes) = CARRIED.iter().find(|(known, _)| Path::new(known) == path)?;
        Some(*bytes)
    };
    let folder = Path::new(name);
    let Some(text) = bytes(&folder.join(manifest::FILE)) else { return Ok(None) };
    let manifest = read(&folder.join(manifest::FILE), text)?;
    let mut files: Vec<(PathBuf, Cow<'static, [u8]>)> = Vec::new();
    for (path, bytes) in CARRIED {
        if let Ok(inner) = Path::new(path).strip_prefix(folder) {
            files.push((inner.to_owned(), Cow::Borrowed(bytes)));
        }
    }
    for further in &manifest.files {
        let path = plain(&folder.join(further));
        let found = bytes(&path).ok_or_else(|| cannot(&path, &io::ErrorKind::NotFound.into()))?;
        files.push((last(&path), Cow::Borrowed(found)));
    }
    Ok(Some(Source { manifest, files }))
}

fn in_folder(folder: &Path) -> Result<Source, Failure> {
    let load = |path: &Path| fs::read(path).map_err(|error| cannot(path, &error));
    let place = folder.join(manifest::FILE);
    let manifest = read(&place, &load(&place)?)?;
    let mut files = Vec::new();
    for path in files::below(folder).map_err(|error| cannot(folder, &error))? {
        let inner = path.strip_prefix(folder).unwrap_or(&path).to_owned();
        files.push((inner, Cow::Owned(load(&path)?)));
    }
    for further in &manifest.files {
        let path = folder.join(further);
        files.push((last(&path), Cow::Owned(load(&path)?)));
    }
    Ok(Source { manifest, files })
}

/// Reads an `adapter.toml`.
pub(crate) fn read(place: &Path, bytes: &[u8]) -> Result<Manifest, Failure> {
    let text = String::from_utf8_lossy(bytes);
    Manifest::read(&place.display().to_string(), &text)
        .map_err(|error| Failure::usage(error.to_string()))
}

/// The path without `..`, by its words alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

fn last(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

fn cannot(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{all, names};

    #[test]
    fn every_adapter_that_is_carried_reads_and_is_named_as_its_folder() {
        let names = names();
        assert!(names.contains(&"aiortc"), "{names:?}");
        let all = all().unwrap_or_else(|failure| panic!("{}", failure.message));
        let said: Vec<&str> = all.iter().map(|source| source.manifest.name.as_str()).collect();
        assert_eq!(said, names);
    }
}
