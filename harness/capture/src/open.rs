//! A capture with all that lies beside it.

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rtcspec_trace::Signal;

use crate::keys::KeyLog;
use crate::net::Frames;
use crate::read::{Item, NotACapture, Records};
use crate::reading::Progress;
use crate::signalling::{Dialogue, Signalling, SignallingError};
use crate::views;

/// Bytes of a key log that are read.
const MAX_KEY_LOG: u64 = 64 << 20;
/// What a key log beside `NAME.pcap` may be called after `NAME.`.
const KEY_ENDINGS: [&str; 5] = ["keys", "keylog", "sslkeylog", "sslkeylogfile", "keys.txt"];
/// What a key log of all captures of a folder may be called.
const KEY_NAMES: [&str; 4] =
    ["sslkeylog.log", "sslkeylog.txt", "sslkeylogfile.log", "sslkeylogfile.txt"];
/// How the name of a dump beside `NAME.pcap` may end.
const DUMP_ENDINGS: [&str; 6] = [
    ".rtcstats",
    ".rtcstats.gz",
    ".internals.json",
    ".internals.json.gz",
    ".webrtc-internals.json",
    ".webrtc-internals.json.gz",
];

/// Files that belong to a capture, in addition to those beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Key logs.
    pub keys: Vec<PathBuf>,
    /// SDP, webrtc-internals dumps, rtcstats files. If there are any, none is looked for.
    pub signalling: Vec<PathBuf>,
}

/// Why a capture could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be opened or read.
    #[error("open {}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no capture.
    #[error("{}: {error}", path.display())]
    NotACapture {
        /// Which.
        path: PathBuf,
        /// Why.
        error: NotACapture,
    },
    /// A file given as signalling is none.
    #[error("{}: {error}", path.display())]
    Signalling {
        /// Which.
        path: PathBuf,
        /// Why.
        error: SignallingError,
    },
}

/// A capture, opened: its frames are yet to be read.
#[derive(Debug)]
pub struct Capture {
    /// The frames.
    pub frames: Frames<'static>,
    /// Secrets given and found beside it; those inside come with [`crate::net::Step::Secrets`].
    pub keys: KeyLog,
    /// What was signalled, of one or several connections.
    pub dialogues: Vec<Dialogue>,
    /// Length of the file in bytes.
    pub length: u64,
    /// The files beside it that were taken in.
    pub beside: Vec<PathBuf>,
    /// What was found beside it and could not be taken in, in words.
    pub remarks: Vec<String>,
    /// Whether packets are in it several times, because several interfaces on their way saw them.
    pub several_views: bool,
    /// When the first packet was seen, and how long after it the last one.
    span: Option<(u64, Duration)>,
    pub(crate) progress: Progress,
}

/// Opens a capture, with the key logs and signalling that are given or lie beside it by name:
/// `NAME.keys` or `NAME.keylog`, `NAME.offer*.sdp` and `NAME.answer*.sdp` in the same folder or in
/// `sdp` below it, `NAME.internals.json`, `NAME.rtcstats`.
///
/// # Errors
/// The capture or a given file cannot be opened, or is not what it should be.
pub fn open(path: &Path, given: &Given) -> Result<Capture, OpenError> {
    let file = file(path)?;
    let length = file.metadata().map_or(0, |known| known.len());
    let frames = Frames::new(file)
        .map_err(|error| OpenError::NotACapture { path: path.to_owned(), error })?;
    let several_views = views::several(self::file(path)?);
    let mut capture = Capture { length, several_views, ..Capture::from(frames) };
    for path in &given.keys {
        capture.add_keys(path)?;
    }
    let mut signalling = Signalling::default();
    for path in &given.signalling {
        let added = signalling.add(&name_of(path), self::file(path)?);
        added.map_err(|error| OpenError::Signalling { path: path.clone(), error })?;
    }
    capture.look_beside(path, given, &mut signalling);
    capture.dialogues = signalling.dialogues();
    // It takes reading all of the file, and nothing else wants to know.
    if capture.dialogues.iter().any(|dialogue| dialogue.began.is_some()) {
        capture.span = span(self::file(path)?);
    }
    Ok(capture)
}

/// When the first packet was seen, in nanoseconds since 1970, and how long after it the last one.
fn span(file: impl io::Read) -> Option<(u64, Duration)> {
    let mut records = Records::new(file).ok()?;
    let mut times: Option<(u64, u64)> = None;
    while let Some(item) = records.next_item() {
        if let Item::Packet(record) = item {
            let (_, last) = times.get_or_insert((record.nanos, record.nanos));
            *last = record.nanos.max(*last);
        }
    }
    times.map(|(first, last)| (first, Duration::from_nanos(last - first)))
}

impl Capture {
    /// A capture in memory, with nothing beside it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(file: Vec<u8>) -> Result<Self, NotACapture> {
        let file: Arc<[u8]> = file.into();
        let several_views = views::several(Cursor::new(Arc::clone(&file)));
        let span = span(Cursor::new(Arc::clone(&file)));
        Ok(Self { several_views, span, ..Self::from(Frames::new(Cursor::new(file))?) })
    }
}

/// Frames with nothing beside them.
impl From<Frames<'static>> for Capture {
    fn from(frames: Frames<'static>) -> Self {
        Self {
            frames,
            keys: KeyLog::default(),
            dialogues: Vec::new(),
            length: 0,
            beside: Vec::new(),
            remarks: Vec::new(),
            several_views: false,
            span: None,
            progress: Progress::default(),
        }
    }
}

impl Capture {
    fn add_keys(&mut self, path: &Path) -> Result<(), OpenError> {
        let bytes = read(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        self.take_keys(&name_of(path), &bytes);
        Ok(())
    }

    /// Takes lines of a key log in, and remarks on those that hold no secret though they should.
    pub(crate) fn take_keys(&mut self, name: &str, lines: &[u8]) {
        let before = self.keys.problems().len();
        self.keys.add(lines);
        let said = self.keys.problems().iter().skip(before);
        self.remarks.extend(said.map(|problem| format!("{name}: {problem}")));
    }

    /// What was signalled, by session as [`Self::observer`] numbers them, in the order of the
    /// capture's time: at once, where signalling and capture do not both say the time of day.
    #[must_use]
    pub fn signals(&self) -> Vec<(u32, Signal)> {
        let (began, lasted) =
            self.span.map_or((None, Duration::ZERO), |(began, lasted)| (Some(began), lasted));
        let mut all = Vec::new();
        for (session, dialogue) in (0..).zip(&self.dialogues) {
            all.extend(dialogue.timed(began, lasted).into_iter().map(|signal| (session, signal)));
        }
        all.sort_by_key(|(_, signal)| signal.sent);
        all
    }

    fn look_beside(&mut self, path: &Path, given: &Given, signalling: &mut Signalling) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let stem = stem(&name_of(path));
        if given.keys.is_empty() {
            for path in names(folder).into_iter().filter(|name| is_key_log(name, &stem)) {
                let path = folder.join(path);
                match self.add_keys(&path) {
                    Ok(()) => self.beside.push(path),
                    Err(error) => self.remarks.push(error.to_string()),
                }
            }
        }
        if !given.signalling.is_empty() {
            return;
        }
        for folder in [folder.to_owned(), folder.join("sdp")] {
            for name in names(&folder).into_iter().filter(|name| is_signalling(name, &stem)) {
                let path = folder.join(&name);
                let added = file(&path).map_err(|error| error.to_string()).and_then(|file| {
                    signalling.add(&name, file).map_err(|error| format!("{name}: {error}"))
                });
                match added {
                    Ok(()) => self.beside.push(path),
                    Err(remark) => self.remarks.push(remark),
                }
            }
        }
    }
}

fn file(path: &Path) -> Result<File, OpenError> {
    File::open(path).map_err(|error| OpenError::Io { path: path.to_owned(), error })
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_KEY_LOG).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// `NAME` of `NAME.pcap`, `NAME.pcapng.gz`, `NAME.log`.
fn stem(name: &str) -> String {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// Names of a folder's files, sorted; none if it is no folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn is_key_log(name: &str, stem: &str) -> bool {
    let own = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
    let common = name.to_ascii_lowercase();
    own.is_some_and(|ending| KEY_ENDINGS.contains(&ending)) || KEY_NAMES.contains(&common.as_str())
}

fn is_signalling(name: &str, stem: &str) -> bool {
    let Some(rest) = name.strip_prefix(stem).filter(|rest| rest.starts_with('.')) else {
        return false;
    };
    let sdp = [".offer", ".answer"].iter().any(|start| rest.starts_with(start));
    (sdp && rest.ends_with(".sdp")) || DUMP_ENDINGS.contains(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_a_capture_belong_to_it_by_name() {
        assert_eq!(stem("a.b.pcapng.gz"), "a.b");
        assert!(is_key_log("call.keys", "call") && is_key_log("SSLKEYLOGFILE.txt", "call"));
        assert!(!is_key_log("call-2.keys", "call") && !is_key_log("call.pcap", "call"));
        assert!(is_signalling("call.offer-chromium.sdp", "call"));
        assert!(is_signalling("call.answer.sdp", "call"));
        assert!(is_signalling("call.internals.json", "call"));
        assert!(!is_signalling("call-2.offer.sdp", "call") && !is_signalling("call.sdp", "call"));
    }
}
