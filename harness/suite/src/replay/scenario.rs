//! The scenario file that plays a capture's session again.

use std::fmt::Write as _;
use std::time::Duration;

use rtcspec_trace::Party;
use rtcspec_trace::nat::NatSeen;
use rtcspec_wire::dtls::ProtocolVersion;

use super::described::Described;
use super::steps::{Steps, options, steps};
use super::story::{Story, index};
use crate::infer::section;

/// What a capture and its signalling hold.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    pub(super) title: &'a str,
    pub(super) story: &'a Story,
    pub(super) described: [Option<Described>; 2],
    /// The box in front of each, as far as one shows.
    pub(super) boxes: [Option<NatSeen>; 2],
}

/// A file and what it leaves out.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) notes: Vec<String>,
}

/// Writes the file; `tested` is played by the implementation under test, the other side by the
/// reference peer in the shape that the capture shows.
pub(super) fn write(heard: &Heard<'_>, tested: Party) -> Written {
    let steps = steps(heard.story);
    let mut notes = steps.notes.clone();
    let shaped = tested.other();
    let peers = [Party::A, Party::B].map(|party| peer(heard, party, party == shaped, &mut notes));
    media(heard, &mut notes);
    let limit = steps.lasts.as_secs() + 30;
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    line("schema = 1".to_owned());
    line(format!("name   = {}", quoted(&format!("{} again", heard.title))));
    if !notes.is_empty() {
        line(format!("about  = {}", quoted(&format!("Left out: {}.", notes.join("; ")))));
    }
    line("tests  = [\"RFC 8831 §6\"]".to_owned());
    line(format!("limit  = \"{limit}s\""));
    line(signalling(heard));
    line(servers(heard));
    for (number, nat) in (1..).zip(&heard.boxes) {
        line(nat.as_ref().map_or_else(String::new, |nat| section(number, nat)));
    }
    line(main(&steps));
    peers.into_iter().for_each(&mut line);
    line(format!("\n[[do]]\nconnect = [{}, {}]", quoted(name(Party::A)), quoted(name(Party::B))));
    text.push_str(&steps.text);
    text.push_str("\n[[expect]]\nconnected = { within = \"20s\" }\n");
    text.push_str(&steps.expect);
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    Written { text, notes }
}

/// How the scenario calls a party.
pub(super) fn name(party: Party) -> &'static str {
    match party {
        Party::A => "alice",
        Party::B => "bob",
    }
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A span of time as scenario files write it.
pub(super) fn span(time: Duration) -> String {
    let micros = time.as_micros();
    if micros.is_multiple_of(1000) { format!("{}ms", micros / 1000) } else { format!("{micros}us") }
}

fn signalling(heard: &Heard<'_>) -> String {
    let complete = |party: Party| heard.described[index(party)].as_ref().map(|one| one.complete);
    let order = match (complete(Party::A), complete(Party::B)) {
        (Some(true), Some(true)) => "in-description",
        (Some(true), Some(false)) => "half-trickle",
        _ => "trickle",
    };
    let mut text = format!("\n[signalling]\ncandidates = \"{order}\"");
    if let Some(round_trip) = heard.story.round_trip {
        let _ = write!(text, "\n\n[link.alice]\ndelay = \"{}\"", span(round_trip / 2));
    }
    text
}

fn servers(heard: &Heard<'_>) -> String {
    let has =
        |kind: &str| heard.described.iter().flatten().any(|one| one.candidates.contains(kind));
    let mut text = String::new();
    if has("relay") || heard.story.relayed {
        text.push_str("\n[servers.turn]\nat   = \"wan\"\nkind = \"turn\"\n");
    } else if has("srflx") {
        text.push_str("\n[servers.stun]\nat   = \"wan\"\nkind = \"stun\"\n");
    }
    text
}

fn main(steps: &Steps) -> String {
    steps
        .main
        .as_ref()
        .map_or_else(String::new, |main| format!("[main]\n{}\n", options(main, "\n")))
}

/// A peer's section.
fn peer(heard: &Heard<'_>, party: Party, shaped: bool, notes: &mut Vec<String>) -> String {
    let runs = if shaped { "reference" } else { "under-test" };
    let role = if party == Party::A { "offerer" } else { "answerer" };
    let on = match &heard.boxes[index(party)] {
        Some(_) => format!("behind-{}", index(party) + 1),
        None => "wan".to_owned(),
    };
    let mut text =
        format!("[peer.{}]\non   = \"{on}\"\nruns = \"{runs}\"\nrole = \"{role}\"\n", name(party));
    let described = heard.described[index(party)].as_ref();
    let mut ice = Vec::new();
    let has = |kind: &str| described.is_some_and(|one| one.candidates.contains(kind));
    if has("relay") || heard.story.relayed {
        ice.push("servers = [\"turn\"]");
    } else if has("srflx") {
        ice.push("servers = [\"stun\"]");
    }
    ice.extend((shaped && described.is_some_and(|one| one.lite)).then_some("lite = true"));
    if !ice.is_empty() {
        let _ = writeln!(text, "ice  = {{ {} }}", ice.join(", "));
    }
    if shaped {
        text.push_str(&dtls(heard, party, notes));
        text.push_str(&sctp(heard, party, notes));
    }
    text
}

fn dtls(heard: &Heard<'_>, party: Party, notes: &mut Vec<String>) -> String {
    let story = heard.story;
    let offered = &story.stacks[index(party)].versions;
    let own: Vec<ProtocolVersion> = match story.dtls {
        _ if !offered.is_empty() => offered.clone(),
        // A server that took 1.3 does not say whether it has 1.2 too; every one that is known does.
        Some((ProtocolVersion::DTLS_1_3, _)) => {
            vec![ProtocolVersion::DTLS_1_2, ProtocolVersion::DTLS_1_3]
        }
        Some((version, _)) => vec![version],
        None => Vec::new(),
    };
    let word = |version: &ProtocolVersion| match *version {
        ProtocolVersion::DTLS_1_3 => Some("\"1.3\""),
        ProtocolVersion::DTLS_1_2 => Some("\"1.2\""),
        _ => None,
    };
    let mut words: Vec<&str> = own.iter().filter_map(word).collect();
    words.sort_unstable();
    words.dedup();
    let mut options = Vec::new();
    if !words.is_empty() {
        options.push(format!("versions = [{}]", words.join(", ")));
    }
    let described = heard.described[index(party)].as_ref();
    let setup = described.and_then(|one| one.setup.as_deref());
    match (party, setup, story.dtls) {
        (Party::B, Some(setup @ ("active" | "passive")), _) => {
            options.push(format!("role = \"{setup}\""));
        }
        (Party::B, None, Some((_, client))) => {
            let setup = if client == party { "active" } else { "passive" };
            options.push(format!("role = \"{setup}\""));
        }
        (Party::A, Some(setup), _) if setup != "actpass" => {
            notes.push(format!("the offer said setup:{setup}; here it says actpass"));
        }
        _ => {}
    }
    if options.is_empty() {
        String::new()
    } else {
        format!("dtls = {{ {} }}\n", options.join(", "))
    }
}

fn sctp(heard: &Heard<'_>, party: Party, notes: &mut Vec<String>) -> String {
    let mut options = Vec::new();
    if let Some(declared) = heard.story.stacks[index(party)].association {
        if declared.outbound != declared.inbound {
            notes.push(format!(
                "{} asked for {} streams out and {} in; here both are as many as out",
                name(party),
                declared.outbound,
                declared.inbound
            ));
        }
        options.push(format!("rwnd = {}", declared.window));
        options.push(format!("streams = {}", declared.outbound));
        options.push(format!("interleaving = {}", declared.interleaving));
        options.push(format!("zero-checksum = {}", declared.zero_checksum));
    }
    if let Some(described) = &heard.described[index(party)] {
        // RFC 8841 §6: 64K where nothing is said; 0 is no limit.
        let size = described.max_message_size.unwrap_or(65_536);
        options.extend(
            (size > 0 && size <= u64::from(u32::MAX)).then(|| format!("max-message-size = {size}")),
        );
        if let Some(port) = described.sctp_port.filter(|port| *port != 5000) {
            notes.push(format!("{} used SCTP port {port}; here it is 5000", name(party)));
        }
    }
    if options.is_empty() {
        String::new()
    } else {
        format!("sctp = {{ {} }}\n", options.join(", "))
    }
}

/// What of the session was media.
fn media(heard: &Heard<'_>, notes: &mut Vec<String>) {
    let offer = heard.described[0].as_ref();
    let media: Vec<&str> = offer
        .map(|offer| offer.media.iter().map(String::as_str).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter(|media| *media != "application")
        .collect();
    if !media.is_empty() {
        notes.push(format!("media ({}) and its RTP packets", media.join(", ")));
    } else if heard.story.media > 0 {
        notes.push("media: its RTP packets".to_owned());
    }
    if heard.story.left_out > 0 {
        notes.push(format!("{} further messages", heard.story.left_out));
    }
    if heard.story.stacks[0].controlling == Some(false) {
        notes.push("the offerer was the controlled agent; here it is controlling".to_owned());
    }
}
