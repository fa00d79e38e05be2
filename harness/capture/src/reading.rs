//! The one loop over a capture, for whoever watches it.

use std::fmt;

use rtcspec_trace::watch::{Event, Observer};

use crate::Capture;
use crate::net::{Frame, Step};

/// Bytes between two reports of progress, as a power of two.
const STRIDE: u32 = 20;

/// What a capture gives while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A datagram, or bytes of a stream.
    Frame(Frame<'a>),
    /// Lines of an NSS key log that are in the file; they have joined [`Capture::keys`].
    Secrets(&'a str),
}

/// Who is told how far a file was read.
#[derive(Default)]
pub(crate) struct Progress {
    told: u64,
    tell: Option<Box<dyn FnMut(u64)>>,
}

impl Progress {
    fn at(&mut self, offset: u64) {
        if offset >> STRIDE != self.told {
            self.told = offset >> STRIDE;
            self.tell.iter_mut().for_each(|tell| tell(offset));
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("told", &self.told).finish_non_exhaustive()
    }
}

impl Capture {
    /// Has `tell` told, every MiB, how far the file was read.
    pub fn on_progress(&mut self, tell: impl FnMut(u64) + 'static) {
        self.progress.tell = Some(Box::new(tell));
    }

    /// An observer that was told the signalling, and no secrets.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let mut observer = Observer::new();
        for (session, dialogue) in (0..).zip(&self.dialogues) {
            dialogue.signals.iter().for_each(|signal| observer.signal(session, signal));
        }
        observer
    }

    /// Reads all that is left.
    pub fn each(&mut self, sink: &mut impl FnMut(Found<'_>)) {
        loop {
            match self.frames.step(&mut |frame| sink(Found::Frame(frame))) {
                Step::Packet => {}
                Step::Secrets(lines) => {
                    self.take_keys("secrets in the file", &lines);
                    sink(Found::Secrets(&String::from_utf8_lossy(&lines)));
                }
                Step::End => return,
            }
            self.progress.at(self.frames.offset());
        }
    }

    /// Has an observer watch all that is left, with the secrets that are in the file.
    pub fn watch(&mut self, observer: &mut Observer, hear: &mut impl FnMut(&Event<'_>)) {
        self.each(&mut |found| match found {
            Found::Frame(frame) => {
                if let Some(seen) = frame.whole() {
                    observer.seen(&seen, hear);
                }
            }
            Found::Secrets(lines) => observer.secrets(lines),
        });
    }

    /// What could not be taken in from beside it, and what was wrong with what was read so far; the
    /// first of many, and how many more there are.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let of_file = self.frames.problems();
        let mut problems = self.remarks.clone();
        problems.extend(of_file.first().iter().map(ToString::to_string));
        let more = of_file.count().saturating_sub(of_file.first().len() as u64);
        problems.extend((more > 0).then(|| format!("{more} more problems")));
        problems
    }
}
