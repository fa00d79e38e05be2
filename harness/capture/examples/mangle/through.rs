//! Everything that is done with a capture, done with a damaged one.

use std::sync::Arc;

use rtcspec_audit::Auditor;
use rtcspec_capture::Capture;
use rtcspec_capture::conversations::conversations;
use rtcspec_capture::keys::KeyLog;
use rtcspec_capture::seeds::Cutter;
use rtcspec_capture::signalling::Dialogue;
use rtcspec_trace::watch::{Observer, Unopeneds, vantage};
use rtcspec_trace::{Party, Session, ladder, transcript};

/// What lies beside the captures that were damaged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) keys: KeyLog,
    pub(crate) dialogues: Vec<Vec<Dialogue>>,
}

/// What came of it, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Through {
    pub(crate) sessions: u64,
    pub(crate) lines: u64,
    pub(crate) findings: u64,
    pub(crate) seeds: u64,
}

impl std::ops::AddAssign for Through {
    fn add_assign(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.lines += other.lines;
        self.findings += other.findings;
        self.seeds += other.seeds;
    }
}

/// Reads a file into transcripts, ladders, seeds and audits; `nth` says whose signalling it has.
pub(crate) fn through(file: &[u8], nth: usize, beside: &Beside) -> Through {
    let dialogues = beside.dialogues.get(nth % beside.dialogues.len().max(1));
    let opened = || {
        let file: Arc<[u8]> = file.into();
        let mut capture = Capture::read(file.to_vec()).ok()?;
        capture.keys.clone_from(&beside.keys);
        capture.dialogues = dialogues.cloned().unwrap_or_default();
        Some(capture)
    };
    let mut through = Through::default();
    let Some(mut capture) = opened() else { return through };
    let several_views = capture.several_views;
    let found = conversations(&mut capture, "mangled");
    for session in &found.sessions {
        through.sessions += 1;
        through.lines += transcript(session, "seen").lines().count() as u64;
        through.lines += ladder(session).len() as u64;
        if several_views {
            through.findings +=
                [Party::A, Party::B].map(|side| audited(session, side)).iter().sum::<u64>();
        }
    }
    if !several_views {
        through.findings += opened().map_or(0, watched);
    }
    let mut cutter = Cutter::default();
    if let Some(mut capture) = opened() {
        cutter.cut(&mut capture, "mangled");
    }
    through.seeds = cutter.seeds().len() as u64;
    through
}

fn watched(mut capture: Capture) -> u64 {
    let mut observer = capture.observer();
    observer.secrets(&capture.keys.text());
    let (mut auditor, mut closed) = (Auditor::new(), Unopeneds::default());
    for signal in capture.dialogues.iter().flat_map(|dialogue| &dialogue.signals) {
        auditor.signal(0, signal);
    }
    capture.watch(&mut observer, &mut |event| {
        auditor.event(event);
        closed.hear(event);
    });
    let report = auditor.finish("mangled", capture.frames.summary().frames);
    let findings = report.connections.iter().map(|one| one.findings.len() as u64);
    findings.sum::<u64>() + closed.lines().len() as u64
}

fn audited(session: &Session, side: Party) -> u64 {
    let (mut observer, mut auditor) = (Observer::new(), Auditor::new());
    session.secrets.iter().for_each(|lines| observer.secrets(lines));
    for signal in &session.signals {
        observer.signal(0, signal);
        auditor.signal(0, signal);
    }
    let mut frames = 0;
    for seen in vantage(session, side) {
        frames += 1;
        observer.seen(&seen, &mut |event| auditor.event(event));
    }
    let report = auditor.finish("mangled", frames);
    report.connections.iter().map(|one| one.findings.len() as u64).sum()
}
