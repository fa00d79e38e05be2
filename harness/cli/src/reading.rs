//! Opening captures for the commands that read them, with a bar for big ones.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rtcspec_capture::{Capture, Given, open};
use rtcspec_suite::captured::session;
use rtcspec_trace::Session;

use crate::exit::Failure;

/// Files below this size are read faster than a bar is seen.
const WORTH_A_BAR: u64 = 16 << 20;

/// A capture and what belongs to it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reading {
    /// Capture: pcap, pcapng, a log of SCTP packets, gzip of each
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Key log; `NAME.keys` and the like beside `NAME.pcap` unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// SDP, webrtc-internals dump or rtcstats file; what lies beside the capture unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) sdp: Vec<PathBuf>,
}

impl Reading {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Capture, Failure> {
        let given = Given { keys: self.keys.clone(), signalling: self.sdp.clone() };
        open(&self.file, &given).map_err(|error| Failure::usage(error.to_string()))
    }

    /// Opens it and reads all of it. What is wrong with it is told.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let capture = self.open()?;
        let bar = bar(capture.length);
        let read = session(&self.title(), capture, &mut |offset| bar.set_position(offset));
        bar.finish_and_clear();
        let (session, problems) =
            read.map_err(|error| Failure::usage(format!("{}: {error}", self.file.display())))?;
        problems.iter().for_each(|problem| eprintln!("rtcspec: {problem}"));
        Ok(session)
    }

    /// Its file's name without folders and endings.
    fn title(&self) -> String {
        let name = self.name();
        name.split_once(".pcap").map_or(name.as_str(), |(stem, _)| stem).to_owned()
    }

    /// Its file's name without folders.
    pub(crate) fn name(&self) -> String {
        name(&self.file)
    }
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A bar on a terminal, for files that take a while.
pub(crate) fn bar(length: u64) -> ProgressBar {
    if length < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
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
