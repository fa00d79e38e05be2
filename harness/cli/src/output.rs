//! Files a run leaves: reports, transcripts, captures.

use std::fs;
use std::path::Path;

use rtcspec_suite::report::{Report, html, json, junit};

use crate::exit::Failure;

/// Writes `report.json`, `junit.xml`, `index.html` and one transcript per run.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    let transcripts = folder.join("transcripts");
    if transcripts.exists() {
        fs::remove_dir_all(&transcripts).map_err(|error| cannot(&transcripts, &error))?;
    }
    fs::create_dir_all(&transcripts).map_err(|error| cannot(&transcripts, &error))?;
    save(&folder.join("report.json"), &json(report).map_err(Failure::internal)?)?;
    save(&folder.join("junit.xml"), &junit(report).map_err(Failure::internal)?)?;
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

/// Writes a file.
pub(crate) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("write {}: {error}", path.display()))
}
