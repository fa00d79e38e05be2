//! What a command leaves: words on standard output, reports, transcripts, captures.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rtcspec_suite::report::{Report, brief, html, json, junit};
use rtcspec_suite::verdict::RunResult;
use serde_json::Value;

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

/// Sees that a folder can be written to, before anything is done that is to be kept there.
pub(crate) fn prepare(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join(".rtcspec");
    save_all(&[(probe.clone(), Vec::new())])?;
    fs::remove_file(&probe).map_err(|error| cannot(&probe, &error))
}

/// Writes `report.json`, `junit.xml`, `summary.md`, `index.html` and one transcript per run.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    let transcripts = folder.join("transcripts");
    forget(folder, report)?;
    fs::create_dir_all(&transcripts).map_err(|error| cannot(&transcripts, &error))?;
    save(&folder.join("report.json"), &json(report).map_err(Failure::internal)?)?;
    save(&folder.join("junit.xml"), &junit(report).map_err(Failure::internal)?)?;
    save(&folder.join("summary.md"), &brief(report))?;
    save(&folder.join("index.html"), &html(report).map_err(Failure::internal)?)?;
    for result in report.results.iter().filter(|result| !result.transcript.is_empty()) {
        save(&folder.join(transcript(result)), &result.transcript)?;
    }
    Ok(())
}

fn transcript(result: &RunResult) -> String {
    format!("transcripts/{}.txt", file_name(&result.id, &result.peers, result.seed))
}

/// Removes what belongs to the report that is there, and not to this one; whatever else is in the
/// folder is not ours. Records of cells stay, since `rtcspec matrix --resume` goes on with them.
fn forget(folder: &Path, report: &Report) -> Result<(), Failure> {
    let files = |result: &RunResult| {
        let told = (!result.transcript.is_empty()).then(|| transcript(result));
        result.files.iter().cloned().chain(told).collect::<Vec<_>>()
    };
    let kept: BTreeSet<String> = report.results.iter().flat_map(files).collect();
    for (id, name) in runs_of(&folder.join("report.json")) {
        let mut files = vec![format!("transcripts/{name}.txt")];
        files.extend(["pcapng", "rtcstats"].map(|ending| format!("captures/{name}.{ending}")));
        files.extend((!id.starts_with("matrix")).then(|| format!("records/{name}.jsonl")));
        for file in files.iter().filter(|file| !kept.contains(*file)) {
            let path = folder.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot(&path, &error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The runs of a report, with what their files are called; none of what is no report.
fn runs_of(report: &Path) -> Vec<(String, String)> {
    let Ok(text) = fs::read_to_string(report) else { return Vec::new() };
    let report: Value = serde_json::from_str(&text).unwrap_or_default();
    let run = |run: &Value| {
        let id = run["id"].as_str()?.to_owned();
        let peers = run["peers"].as_array()?.iter().filter_map(Value::as_str);
        let peers: Vec<String> = peers.map(str::to_owned).collect();
        let name = file_name(&id, &peers, run["seed"].as_u64()?);
        Some((id, name))
    };
    report["results"].as_array().into_iter().flatten().filter_map(run).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_report_before_are_removed() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = |name: &str| folder.path().join(name);
        let old = file_name("dc/old", &["alice=x".to_owned()], 1);
        let cell = file_name("matrix/open/open@x-y", &["alice=x".to_owned()], 1);
        let before = r#"{"results": [
            {"id": "dc/old", "peers": ["alice=x"], "seed": 1},
            {"id": "matrix/open/open@x-y", "peers": ["alice=x"], "seed": 1},
            {"id": "../../mine", "peers": [], "seed": 1}, 7]}"#;
        let mine = ["transcripts/mine.txt", "captures/mine.pcapng", "mine.txt"];
        let gone = [
            format!("transcripts/{old}.txt"),
            format!("captures/{old}.pcapng"),
            format!("captures/{old}.rtcstats"),
            format!("records/{old}.jsonl"),
        ];
        let stays = format!("records/{cell}.jsonl");
        let all = mine.iter().map(|name| (*name).to_owned()).chain(gone.clone());
        let all = all.chain([stays.clone()]);
        let mut files: Vec<_> = all.map(|name| (path(&name), b"text".to_vec())).collect();
        files.push((path("report.json"), before.as_bytes().to_vec()));
        save_all(&files).unwrap_or_else(|failure| panic!("{}", failure.message));
        let report = Report::new(None, Vec::new(), Vec::new(), Vec::new(), Vec::new());
        forget(folder.path(), &report).unwrap_or_else(|failure| panic!("{}", failure.message));
        assert!(gone.iter().all(|name| !path(name).exists()));
        assert!(mine.iter().all(|name| path(name).exists()) && path(&stays).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_is_told_before_anything_is_done() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("file");
        fs::write(&file, "text").expect("it can be written");
        let failure = prepare(&file.join("out")).expect_err("a file is no folder");
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        assert!(prepare(&folder.path().join("new/out")).is_ok());
        assert_eq!(fs::read_dir(folder.path().join("new/out")).expect("a folder").count(), 0);
    }
}
