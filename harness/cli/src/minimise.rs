//! `rtcspec minimise`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rtcspec_audit::registry;
use rtcspec_suite::minimise::{Beside, Minimised, minimise};
use rtcspec_trace::{Party, SignalBody};

use crate::args::MinimiseOptions;
use crate::capture::{self, spinner};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::save;

pub(crate) fn minimise_capture(options: &MinimiseOptions) -> Outcome {
    let rule = options.rule.as_str();
    if registry::find(rule).is_none() {
        let message =
            format!("there is no rule `{rule}`; `rtcspec rules list` shows what there is");
        return Err(Failure::usage(message));
    }
    let path = &options.capture.file;
    let capture = capture::opened(path, &options.capture.options)?;
    let beside = Beside { keys: capture.keys, dialogues: capture.dialogues };
    let said = |words: &dyn std::fmt::Display| format!("{}: {words}", path.display());
    let source = File::open(path).map_err(|error| Failure::usage(said(&error)))?;
    let bar = spinner();
    let signalling = beside.dialogues.clone();
    let minimised = minimise(source, beside, rule, &mut |left, trials| {
        bar.set_message(format!("{left} packets left, {trials} files tried"));
        bar.tick();
    })
    .map_err(|error| Failure { exit: Exit::Nothing, message: said(&error) })?;
    bar.finish_and_clear();
    let into = options.into.clone().unwrap_or_else(|| default_name(path, rule));
    fs::write(&into, &minimised.file)
        .map_err(|error| Failure::usage(format!("write {}: {error}", into.display())))?;
    tell(&minimised, rule, &into);
    for (kind, sdp) in descriptions(&signalling) {
        let beside = into.with_extension(format!("{kind}.sdp"));
        save(&beside, &sdp)?;
        println!("signalling: {}", beside.display());
    }
    Ok(Exit::AsExpected)
}

fn tell(minimised: &Minimised, rule: &str, into: &Path) {
    let Minimised { kept, of, trials, others, .. } = minimised;
    println!("{rule}: {kept} of {of} packets, after {trials} trials: {}", into.display());
    if !others.is_empty() {
        let others = others.iter().copied().collect::<Vec<_>>().join(", ");
        println!("  it also trips {others}; nothing smaller avoids that");
    }
}

/// `call.stun.rto.pcapng` beside `call.pcap`.
fn default_name(path: &Path, rule: &str) -> PathBuf {
    path.with_extension(format!("{rule}.pcapng"))
}

/// The first offer and the first answer, for the rules that want them. `rtcspec audit` finds them
/// beside the capture by name.
fn descriptions(
    dialogues: &[rtcspec_capture::signalling::Dialogue],
) -> Vec<(&'static str, String)> {
    let Some(dialogue) = dialogues.first() else { return Vec::new() };
    let of = |party: Party, word: &'static str| {
        let found = dialogue.signals.iter().find_map(|signal| match &signal.body {
            SignalBody::Description { kind, sdp } if signal.from == party && kind == word => {
                Some(sdp.clone())
            }
            _ => None,
        });
        found.map(|sdp| (word, sdp))
    };
    [of(Party::A, "offer"), of(Party::B, "answer")].into_iter().flatten().collect()
}
