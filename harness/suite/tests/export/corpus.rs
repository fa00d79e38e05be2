//! Captures of the corpus, and their exports, as files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rtcspec_capture::export::{Exported, pseudonymise};
use rtcspec_capture::{Capture, Given, open};

/// All captures: real sessions, and those made for each audit rule.
pub(crate) fn all() -> Vec<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures");
    let mut paths = Vec::new();
    for folder in [corpus.clone(), corpus.join("audit")] {
        let entries = fs::read_dir(folder).expect("the corpus is there").flatten();
        paths.extend(entries.map(|entry| entry.path()));
    }
    let endings = [".pcap", ".pcapng"];
    paths.retain(|path| endings.iter().any(|ending| name(path).ends_with(ending)));
    paths.sort();
    assert!(paths.len() >= 97, "{}", paths.len());
    paths
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn opened(path: &Path) -> Capture {
    opened_with(path, &Given::default())
}

pub(crate) fn opened_with(path: &Path, given: &Given) -> Capture {
    open(path, given).expect("the capture opens")
}

/// The export of a capture with what lies beside it.
pub(crate) fn exported(path: &Path, seed: u64) -> Exported {
    exported_with(path, &Given::default(), seed).expect("it is exported")
}

/// The export of a capture with other files.
pub(crate) fn exported_with(path: &Path, given: &Given, seed: u64) -> Option<Exported> {
    let Capture { keys, dialogues, .. } = open(path, given).ok()?;
    let file = File::open(path).expect("the capture opens");
    pseudonymise(file, keys, &dialogues, seed).ok()
}

/// Writes an export as the binary does; gives the capture's path.
pub(crate) fn written(exported: &Exported, folder: &Path) -> PathBuf {
    let path = folder.join("export.pcapng");
    fs::write(&path, &exported.file).expect("written");
    for (ending, text) in &exported.signalling {
        fs::write(folder.join(format!("export.{ending}")), text).expect("written");
    }
    path
}
