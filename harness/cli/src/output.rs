//! What a command leaves: words on standard output, reports, transcripts, captures.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rtcspec_suite::report::{Report, brief, html, json, junit};

use crate::exit::Failure;

/// Writes to standard output. A reader that has read enough is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Where the page is; the last line of a command that writes one.
pub(crate) fn place(folder: &Path) -> String {
    format!("report: {}\n", folder.join("index.html").display())
}

/// Writes `report.json`, `junit.xml`, `summary.md`, `index.html` and one transcript per run.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    let transcripts = folder.join("transcripts");
    if transcripts.exists() {
        fs::remove_dir_all(&transcripts).map_err(|error| cannot(&transcripts, &error))?;
    }
    fs::create_dir_all(&transcripts).map_err(|error| cannot(&transcripts, &error))?;
    save(&folder.join("report.json"), &json(report).map_err(Failure::internal)?)?;
    save(&folder.join("junit.xml"), &junit(report).map_err(Failure::internal)?)?;
    save(&folder.join("summary.md"), &brief(report))?;
    save(&folder.join("index.html"), &html(report).map_err(Failure::internal)?)?;
    for result in report.results.iter().filter(|result| !result.transcript.is_empty()) {
        let name = file_name(&result.id, &result.peers, result.seed);
        save(&transcripts.join(format!("{name}.txt")), &result.transcript)?;
    }
    Ok(())
}

/// A file name for a run: its id with everything but letters, digits, dots and dashes replaced.
pub(crate) fn file_name(id: &str, peers: &[String], seed: u64) -> String {
    let plain = |text: &str| -> String {
        text.chars()
            .map(|c| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' })
            .collect()
    };
    format!("{}.{}.{seed}", plain(id), plain(&peers.join("+")))
}

/// Writes files into folders that may not be there yet.
pub(crate) fn save_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    for (path, bytes) in files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
        }
        fs::write(path, bytes).map_err(|error| cannot(path, &error))?;
    }
    Ok(())
}

/// Writes a file.
pub(crate) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("write {}: {error}", path.display()))
}
