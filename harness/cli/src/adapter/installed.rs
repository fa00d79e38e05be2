//! Adapters that are set up: one folder each, with an `adapter.toml` since everything went well.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rtcspec_control::process::Launch;
use rtcspec_suite::manifest::{self, Manifest, filled};

use super::source;
use crate::exit::{Exit, Failure};

/// Where adapters are set up unless said otherwise.
pub(crate) const FOLDER: &str = "target/adapters";

/// How to start the adapter that is set up as `name` below `all`.
pub(crate) fn launch(name: &str, all: &Path) -> Result<Launch, Failure> {
    let folder = folder(name, all)?;
    let manifest = manifest(&folder)?.ok_or_else(|| Failure {
        exit: Exit::NotStarted,
        message: format!(
            "{name} is not set up in {}: `rtcspec adapter setup {name}`",
            all.display()
        ),
    })?;
    Ok(started(&manifest, &folder))
}

/// How the adapter in a folder is started, by what its manifest says.
pub(crate) fn started(manifest: &Manifest, folder: &Path) -> Launch {
    Launch {
        command: manifest.start.iter().map(|word| filled(word, folder).into()).collect(),
        environment: manifest
            .environment
            .iter()
            .map(|(key, value)| (key.into(), filled(value, folder).into()))
            .collect(),
        ..Launch::default()
    }
}

/// The private folder of an adapter, as an absolute path: the adapter may work elsewhere.
pub(crate) fn folder(name: &str, all: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(all.join(name))
        .map_err(|error| Failure::usage(format!("{}: {error}", all.display())))
}

/// What is set up in a folder, if anything is.
pub(crate) fn manifest(folder: &Path) -> Result<Option<Manifest>, Failure> {
    let place = folder.join(manifest::FILE);
    match fs::read(&place) {
        Ok(bytes) => source::read(&place, &bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("read {}: {error}", place.display()))),
    }
}

/// Everything that is set up below `all`, by name.
pub(crate) fn everything(all: &Path) -> Result<Vec<Manifest>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        found.extend(manifest(&entry.path())?);
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
