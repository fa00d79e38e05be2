//! Captures as commands open them, and what there is to say about them.

use std::io::IsTerminal as _;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use rtcspec_capture::{Capture, Given, open};
use rtcspec_trace::printable;

use crate::args::CaptureOptions;
use crate::exit::Failure;

/// Files below this size are read faster than a bar is seen.
const WORTH_A_BAR: u64 = 16 << 20;

/// Opens a capture with what is given or lies beside it. A bar shows how far it is read.
pub(crate) fn opened(file: &Path, options: &CaptureOptions) -> Result<Capture, Failure> {
    let given = Given { keys: options.keys.clone(), signalling: options.sdp.clone() };
    let mut capture = open(file, &given).map_err(|error| Failure::usage(error.to_string()))?;
    if std::io::stderr().is_terminal() {
        for path in &capture.beside {
            eprintln!("note: with {}", path.display());
        }
        if capture.length >= WORTH_A_BAR {
            let bar = bar(capture.length);
            capture.on_progress(move |offset| bar.set_position(offset));
        }
    }
    Ok(capture)
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr())
        .with_finish(ProgressFinish::AndClear);
    match ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// A line on a terminal, for work whose end nobody knows.
pub(crate) fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}

/// A file's name without folders.
pub(crate) fn name(file: &Path) -> String {
    file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// `NAME` of `NAME.pcap`.
pub(crate) fn title(file: &Path) -> String {
    let name = name(file);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// Says what was wrong with a capture that was read, and with what lies beside it.
pub(crate) fn say_problems(file: &Path, capture: &Capture) {
    for problem in capture.problems() {
        eprintln!("note: {}: {}", file.display(), printable(&problem));
    }
}
