//! `rtcspec replay`.

use std::fs;

use rtcspec_adapter_reference::Reference;
use rtcspec_capture::conversations::conversations;
use rtcspec_suite::replay::{Replay, Report};
use rtcspec_suite::verdict::Verdict;
use rtcspec_trace::Party;

use crate::args::{ReplayOptions, RoleOption};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::save;
use crate::{capture, players, pool};

pub(crate) fn replay(options: &ReplayOptions) -> Outcome {
    let into = players::chosen(&players::all(), std::slice::from_ref(&options.into))?;
    let Some(into) = into.first() else {
        return Err(Failure::internal("a peer was chosen and is not there"));
    };
    let file = &options.capture.file;
    let mut capture = capture::opened(file, &options.capture.options)?;
    let found = conversations(&mut capture, &capture::title(file));
    capture::say_problems(file, &capture);
    let tested = match options.role {
        RoleOption::Offerer => Party::A,
        RoleOption::Answerer => Party::B,
    };
    let replay = Replay::of(&found.sessions, tested).map_err(|error| Failure {
        exit: Exit::Nothing,
        message: format!("{}: {error}", file.display()),
    })?;
    if let Some(path) = &options.emit {
        save(path, &replay.scenario.text)?;
    }
    let seed = options.seed.unwrap_or(replay.scenario.file.seed);
    let mut played = pool::run_all(&[()], Some(1), "replay", |()| {
        into.prepare_thread(seed);
        replay.play(&Reference, &**into, seed)
    });
    let played = played.pop().ok_or_else(|| Failure::internal("the replay gave no result"))?;
    let replayed = played.map_err(|panic| Failure::internal(format!("replay: {}", panic.0)))?;
    print!("{}", Report { replay: &replay, replayed: &replayed });
    if let Some(folder) = &options.transcripts {
        fs::create_dir_all(folder)
            .map_err(|error| Failure::usage(format!("write {}: {error}", folder.display())))?;
        save(&folder.join("capture.txt"), &replay.transcript.to_string())?;
        save(&folder.join("replay.txt"), &replayed.transcript.to_string())?;
        println!("transcripts: {}", folder.display());
    }
    Ok(match replayed.played.verdict {
        Verdict::Inconclusive | Verdict::Unsupported => Exit::NotStarted,
        _ if replayed.short.is_some() => Exit::Unexpected,
        _ => Exit::AsExpected,
    })
}
