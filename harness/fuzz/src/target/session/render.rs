//! The scenario file of a plan.

use std::fmt::Write as _;

use rtcspec_suite::scenario::{Edit, TamperLayer};

use super::compile::{Inject, Plan, Tamper, Verb};
use super::improvise::{Improviser, templates};

/// The file, with the edits that were made up so far.
pub(super) fn render(plan: &Plan, improvised: Option<&Improviser>) -> String {
    let mut text = plan.head.clone();
    for (index, step) in plan.steps.iter().enumerate() {
        let _ = write!(text, "\n[[do]]\nat     = \"{}ms\"\n", step.at);
        let _ = match &step.inject {
            None => writeln!(text, "{}", step.verb),
            Some(inject) => {
                let edits = improvised.and_then(|improvised| improvised.injected.get(&index));
                writeln!(text, "inject = {}", injection(inject, edits.map_or(&[], Vec::as_slice)))
            }
        };
    }
    for (index, tamper) in plan.tampers.iter().enumerate() {
        let edits = improvised.and_then(|improvised| improvised.tampered.get(&index));
        text.push_str(&tampering(tamper, edits.map_or(&[], Vec::as_slice)));
    }
    for expectation in &plan.expectations {
        let _ = write!(text, "\n[[expect]]\n{expectation}\n");
    }
    text
}

fn tampering(tamper: &Tamper, edits: &[Edit]) -> String {
    let Tamper { layer, nth, verb } = tamper;
    let verb = match verb {
        Verb::Drop => "drop  = true".to_owned(),
        Verb::Duplicate => "duplicate = true".to_owned(),
        Verb::Delay { millis } => format!("delay = \"{millis}ms\""),
        Verb::Mutate { repair, .. } => {
            format!("edit  = {}\nrepair = {repair}", list(edits, *layer))
        }
    };
    format!(
        "\n[[tamper]]\nby    = \"hostile\"\nlayer = {:?}\nnth   = {nth}\n{verb}\n",
        layer.word()
    )
}

fn injection(inject: &Inject, edits: &[Edit]) -> String {
    let mut words =
        vec!["by = \"hostile\"".to_owned(), format!("layer = {:?}", inject.layer.word())];
    words.push(match inject.copy {
        Some(nth) => format!("copy = {nth}"),
        None => {
            let templates = templates(inject.layer);
            let template = templates[usize::from(inject.seed) % templates.len()];
            format!("bytes = {:?}", hex(template))
        }
    });
    if !edits.is_empty() {
        words.push(format!("edit = {}", list(edits, inject.layer)));
    }
    for (word, is) in [("seal", inject.seal), ("stranger", inject.stranger)] {
        if is {
            words.push(format!("{word} = true"));
        }
    }
    if inject.layer == TamperLayer::Message {
        words.push(format!("stream = {}, ppid = {}", inject.stream, inject.ppid));
    }
    format!("{{ {} }}", words.join(", "))
}

fn list(edits: &[Edit], layer: TamperLayer) -> String {
    let edits: Vec<String> = edits.iter().map(|edit| one(edit, layer)).collect();
    format!("[{}]", edits.join(", "))
}

fn one(edit: &Edit, layer: TamperLayer) -> String {
    let Edit { at, cut, put, .. } = edit;
    let is_text = matches!(layer, TamperLayer::Sdp | TamperLayer::Candidate);
    let plain = put.0.iter().all(|byte| matches!(byte, b' '..=b'~'));
    match (put.0.is_empty(), is_text && plain) {
        (true, _) => format!("{{ at = {at}, cut = {cut} }}"),
        (false, true) => {
            format!("{{ at = {at}, cut = {cut}, text = {:?} }}", String::from_utf8_lossy(&put.0))
        }
        (false, false) => format!("{{ at = {at}, cut = {cut}, put = {:?} }}", hex(&put.0)),
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(halves.map(|half| DIGITS[usize::from(half)]));
    text
}
