//! `rtcspec transcript`.

use std::path::Path;

use rtcspec_capture::Capture;
use rtcspec_capture::conversations::{Conversations, conversations};
use rtcspec_trace::watch::unopened;
use rtcspec_trace::{Transcript, printable};

use crate::args::TranscriptOptions;
use crate::capture;
use crate::exit::{Exit, Failure, Outcome};

pub(crate) fn transcript(options: &TranscriptOptions) -> Outcome {
    let file = &options.capture.file;
    let mut capture = capture::opened(file, &options.capture.options)?;
    let found = conversations(&mut capture, &capture::title(file));
    capture::say_problems(file, &capture);
    if found.sessions.is_empty() {
        return Err(Failure { exit: Exit::Nothing, message: nothing(file, &capture) });
    }
    found.remarks.iter().for_each(|remark| eprintln!("note: {}", printable(remark)));
    print(&found, &capture);
    Ok(Exit::AsExpected)
}

fn print(found: &Conversations, capture: &Capture) {
    for (nth, session) in found.sessions.iter().enumerate() {
        let transcript = rtcspec_trace::value(session, "seen");
        if nth > 0 {
            println!();
        }
        print!("{transcript}");
        if let Some(hint) = hint(&transcript, capture) {
            eprintln!("note: {}: {hint}", session.title);
        }
        for line in unopened(session).lines() {
            eprintln!("note: {}: {line}", session.title);
        }
    }
}

/// What would open what stayed closed.
fn hint(transcript: &Transcript, capture: &Capture) -> Option<String> {
    let closed = transcript.facts.iter().find(|fact| fact.contains("NOT-DECRYPTED"))?;
    let count = closed.split("; ").nth(1).unwrap_or(closed);
    let why = match capture.keys.lines().len() {
        0 => "there is no key log: give one with --keys, or put it beside the capture as NAME.keys",
        _ => "the key log has no secret for it",
    };
    Some(format!("{count}: {why}"))
}

fn nothing(file: &Path, capture: &Capture) -> String {
    let (file, summary) = (file.display(), capture.frames.summary());
    let what = match summary.frames {
        0 => "it holds no packets".to_owned(),
        _ => format!("neither connectivity checks nor DTLS in it: {summary}"),
    };
    format!("{file}: no connection found; {what}")
}
