//! Which files of a folder belong to an adapter; the build script asks as well.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// What installing an adapter in its own folder leaves there.
const LEFT_BY_INSTALLING: [&str; 4] = ["__pycache__", "node_modules", "target", "venv"];

/// All files below a folder, in order, but for those that installing left.
pub(crate) fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            files.push(path);
        } else if !LEFT_BY_INSTALLING.iter().any(|name| path.ends_with(name)) {
            files.extend(below(&path)?);
        }
    }
    files.sort();
    Ok(files)
}
