//! `adapter.toml`: how a foreign implementation is installed, started, and what it is.
//!
//! What it is: the format and nothing else; who carries it out is the command line.
//! `{folder}` in a command or a variable stands for the folder the adapter is set up in.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Name of the file, in the folder of its adapter.
pub const FILE: &str = "adapter.toml";

/// One adapter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// As in `--peer werift`: lower-case letters, digits and dashes.
    pub name: String,
    /// As `hello` says.
    pub implementation: String,
    /// As `hello` says.
    pub version: String,
    /// The program and its arguments.
    pub start: Vec<String>,
    /// Variables to start it with.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files from elsewhere, relative to the folder of this file, to be copied beside it.
    #[serde(default)]
    pub files: Vec<String>,
    /// How to install it, once its files are there.
    #[serde(default)]
    pub install: Install,
}

/// How to install an adapter; carried out in the order of these members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Install {
    /// Debian packages.
    pub apt: Vec<String>,
    /// npm packages, into `{folder}/node_modules`.
    pub npm: Vec<String>,
    /// Python packages, into the virtual environment `{folder}/venv`.
    pub pip: Vec<String>,
    /// Build `{folder}/Cargo.toml` into `{folder}/target`.
    pub cargo: bool,
    /// Commands to run in `{folder}`.
    pub run: Vec<Vec<String>>,
    /// Variables for all of these.
    pub environment: BTreeMap<String, String>,
}

/// Why an `adapter.toml` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {file}: {reason}")]
pub struct ManifestError {
    /// Which file.
    pub file: String,
    /// Why, with the line where there is one.
    pub reason: String,
}

impl Manifest {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ManifestError`] with the place of a key that nobody knows, or what is missing.
    pub fn read(file: &str, text: &str) -> Result<Self, ManifestError> {
        let error = |reason: String| ManifestError { file: file.to_owned(), reason };
        let manifest: Self = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        // It becomes the name of a folder.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if manifest.name.is_empty() || !manifest.name.chars().all(plain) {
            let name = &manifest.name;
            return Err(error(format!("`{name}` is no name: lower-case letters, digits, dashes")));
        }
        let commands = std::iter::once(&manifest.start).chain(&manifest.install.run);
        if commands.into_iter().any(Vec::is_empty) {
            return Err(error("a command has no words".to_owned()));
        }
        Ok(manifest)
    }
}

/// A word of a manifest, with `{folder}` replaced.
#[must_use]
pub fn filled(word: &str, folder: &Path) -> String {
    word.replace("{folder}", &folder.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"
        name = "mine"
        implementation = "mine"
        version = "1"
        start = ["python3", "{folder}/adapter.py"]
    "#;

    #[test]
    fn the_least_manifest_installs_nothing() {
        let manifest = Manifest::read("adapter.toml", LEAST).expect("it is complete");
        assert_eq!(manifest.install, Install::default());
        assert_eq!(filled(&manifest.start[1], Path::new("/a b")), "/a b/adapter.py");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (addition, words) in [
            ("[install]\nnmp = [\"werift\"]", "line 8, column 1"),
            ("[install]\nnmp = [\"werift\"]", "unknown field `nmp`"),
            ("colour = 1", "unknown field `colour`"),
            ("[install]\nrun = [[]]", "a command has no words"),
        ] {
            let text = format!("{LEAST}\n{addition}");
            let error = Manifest::read("mine/adapter.toml", &text).unwrap_err().to_string();
            assert!(error.contains(words), "{addition}: {error}");
            assert!(error.contains("mine/adapter.toml"), "{error}");
        }
        let elsewhere = LEAST.replacen("mine", "../mine", 1);
        assert!(Manifest::read("adapter.toml", &elsewhere).is_err());
    }
}
