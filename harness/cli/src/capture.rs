//! Captures as commands open them, and what there is to say about them.

use std::io::IsTerminal as _;
use std::path::Path;

use rtcspec_capture::{Capture, Given, open};

use crate::args::CaptureOptions;
use crate::exit::Failure;

/// Opens a capture with what is given or lies beside it.
pub(crate) fn opened(file: &Path, options: &CaptureOptions) -> Result<Capture, Failure> {
    let given = Given { keys: options.keys.clone(), signalling: options.sdp.clone() };
    let capture = open(file, &given).map_err(|error| Failure::usage(error.to_string()))?;
    if std::io::stderr().is_terminal() {
        for path in &capture.beside {
            eprintln!("note: with {}", path.display());
        }
    }
    capture.remarks.iter().for_each(|remark| eprintln!("note: {remark}"));
    Ok(capture)
}

/// `NAME` of `NAME.pcap`.
pub(crate) fn title(file: &Path) -> String {
    let name =
        file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// Says what was wrong with a capture that was read.
pub(crate) fn say_problems(file: &Path, capture: &Capture) {
    let problems = capture.frames.problems();
    for problem in problems.first() {
        eprintln!("{}: {problem}", file.display());
    }
    let more = problems.count() - problems.first().len() as u64;
    if more > 0 {
        eprintln!("{}: {more} more problems", file.display());
    }
}
