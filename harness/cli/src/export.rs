//! `rtcspec export`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rtcspec_audit::report::FileReport;
use rtcspec_capture::export::{ExportError, Exported, pseudonymise};
use rtcspec_capture::{Capture, Given, open};
use rtcspec_suite::audit::{audit_capture, differences};

use crate::args::ExportOptions;
use crate::capture::{self, spinner};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::save;

pub(crate) fn export(options: &ExportOptions) -> Outcome {
    let path = &options.capture.file;
    let out = options.out.clone().unwrap_or_else(|| path.with_extension("export.pcapng"));
    let said = |words: &dyn std::fmt::Display| format!("{}: {words}", path.display());
    if same_file(path, &out) {
        return Err(Failure::usage(said(&"an export does not replace its capture")));
    }
    let capture = capture::opened(path, &options.capture.options)?;
    capture.remarks.iter().for_each(|remark| eprintln!("note: {}", said(remark)));
    let Capture { keys, dialogues, .. } = capture;
    let source = File::open(path).map_err(|error| Failure::usage(said(&error)))?;
    let bar = spinner();
    bar.set_message("replacing");
    bar.enable_steady_tick(Duration::from_millis(100));
    let exported = pseudonymise(source, keys, &dialogues, options.seed);
    bar.finish_and_clear();
    let exported = exported.map_err(|error| match error {
        ExportError::NotACapture(_) => Failure::usage(said(&error)),
        _ => Failure { exit: Exit::Nothing, message: said(&error) },
    })?;
    exported.problems.iter().for_each(|problem| eprintln!("note: {}", said(problem)));
    let files = write(&exported, &out)?;
    print!("{}: {}", out.display(), exported.told);
    files.iter().for_each(|file| println!("signalling: {}", file.display()));
    compare(options, &out, files)
}

/// Whether a path names the capture itself, however it is written.
fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Writes capture and signalling; gives the files of the latter. `rtcspec audit` and
/// `rtcspec transcript` find them by name.
fn write(exported: &Exported, out: &Path) -> Result<Vec<PathBuf>, Failure> {
    fs::write(out, &exported.file)
        .map_err(|error| Failure::usage(format!("write {}: {error}", out.display())))?;
    let mut files = Vec::new();
    for (ending, text) in &exported.signalling {
        let path = out.with_extension(ending);
        save(&path, text)?;
        files.push(path);
    }
    Ok(files)
}

/// Audits both: what is promised is checked each time.
fn compare(options: &ExportOptions, out: &Path, signalling: Vec<PathBuf>) -> Outcome {
    let before = capture::opened(&options.capture.file, &options.capture.options)?;
    let before = audit_capture("", before);
    let given = Given { keys: Vec::new(), signalling };
    let capture = open(out, &given).map_err(|error| Failure::internal(error.to_string()))?;
    let after = audit_capture("", capture);
    let differences = differences(&before, &after);
    if differences.is_empty() {
        println!("audit: {} findings, those of the original", count(&after));
        return Ok(Exit::AsExpected);
    }
    println!("audit: {} findings, {} in the original", count(&after), count(&before));
    differences.iter().for_each(|line| println!("  {line}"));
    Ok(Exit::Unexpected)
}

fn count(report: &FileReport) -> usize {
    report.connections.iter().map(|connection| connection.findings.len()).sum()
}
