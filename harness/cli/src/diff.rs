//! `rtcspec diff`.

use std::fs;
use std::path::Path;

use rtcspec_trace::printable;

use crate::args::DiffOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

pub(crate) fn diff(options: &DiffOptions) -> Outcome {
    let before = transcript(&options.before)?;
    let after = transcript(&options.after)?;
    let diff = rtcspec_trace::diff(&before, &after);
    // What is compared may be no transcript at all.
    let text = diff.to_string();
    let lines: Vec<_> = text.lines().map(printable).collect();
    output::say(&format!("{}\n\n", lines.join("\n")))?;
    Ok(if diff.is_identical() { Exit::AsExpected } else { Exit::Unexpected })
}

/// A transcript file, or the transcript inside an insta snapshot.
fn transcript(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("read {}: {error}", path.display())))?;
    let body = match text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
        Some((_, body)) => body.to_owned(),
        None => text,
    };
    if body.starts_with("transcript 1") {
        return Ok(body);
    }
    Err(Failure::usage(format!(
        "{} is no transcript: its first line does not begin with `transcript 1`",
        path.display()
    )))
}
