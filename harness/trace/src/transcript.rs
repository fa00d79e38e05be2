//! Sections, phases, profiles: from what was observed to the text.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fold::fold;
use crate::notes::{Draft, Layer, millis};
use crate::observe::{Observed, observe};
use crate::text::{Entry, Line, Section, Transcript, word};
use crate::{Party, Profile, Session, SignalBody};

/// Phases a session may have before further actions stay inside the last.
const PHASES: usize = 12;

/// The transcript of a session, with the verdict somebody else came to.
///
/// The text is described in `GRAMMAR.md`; two runs that behave alike have equal texts.
#[must_use]
pub fn transcript(session: &Session, result: &str) -> String {
    value(session, result).to_string()
}

/// The transcript as a value.
#[must_use]
pub fn value(session: &Session, result: &str) -> Transcript {
    let mut observed = observe(session);
    let mut drafts = std::mem::take(&mut observed.notes.drafts);
    drafts.sort_by_key(|draft| draft.at);
    let sections = match session.profile {
        Profile::Exact => exact(session, &observed, drafts),
        Profile::Loose => loose(session, &observed, drafts),
    };
    let result: Vec<&str> = result.split_whitespace().collect();
    Transcript {
        header: header(session),
        sections,
        facts: facts(session, &observed),
        result: result.join(" "),
    }
}

fn header(session: &Session) -> Vec<String> {
    let title = word(&session.title);
    let seed = session.seed.map_or_else(String::new, |seed| format!("   seed={seed}"));
    let profile = match session.profile {
        Profile::Exact => "exact",
        Profile::Loose => "loose",
    };
    let seed = if session.profile == Profile::Loose { String::new() } else { seed };
    let mut lines = vec![format!("transcript 1   {title}{seed}   profile={profile}")];
    for peer in &session.peers {
        let role = if peer.party == Party::A { "offerer" } else { "answerer" };
        let implementation: Vec<String> =
            peer.implementation.split_whitespace().map(word).collect();
        let addresses: Vec<String> = peer
            .addresses
            .iter()
            .enumerate()
            .map(|(at, ip)| format!("h{at}{}", if ip.is_ipv6() { ":6" } else { "" }))
            .collect();
        let mut line =
            format!("peer {}  {}  {role}", peer.party.letter(), implementation.join(" "));
        if !addresses.is_empty() {
            line.push_str(&format!("  {}", addresses.join(",")));
        }
        if !peer.behind.is_empty() {
            line.push_str(&format!(" behind {}", peer.behind.join(" behind ")));
        }
        lines.push(line);
    }
    for nat in &session.nats {
        lines.push(format!("nat     {}  {}", word(&nat.name), nat.words.trim()));
    }
    for server in &session.servers {
        let kind = if server.turn { "turn" } else { "stun" };
        lines.push(format!("server  {}  {kind}", word(&server.name)));
    }
    if !session.links.is_empty() {
        let links: Vec<&str> = session.links.iter().map(|link| link.trim()).collect();
        lines.push(format!("link    {}", links.join(", ")));
    }
    lines
}

/// What begins a phase.
struct Turn {
    at: Duration,
    words: Vec<String>,
}

/// Things done to the network, and offers after the first exchange.
fn turns(session: &Session) -> Vec<Turn> {
    let mut found: Vec<(Duration, Option<String>)> = session
        .actions
        .iter()
        .map(|action| {
            (action.at, Some(action.words.split_whitespace().collect::<Vec<_>>().join(" ")))
        })
        .collect();
    let answered = session.signals.iter().position(
        |signal| matches!(&signal.body, SignalBody::Description { kind, .. } if kind == "answer"),
    );
    for signal in session.signals.iter().skip(answered.map_or(usize::MAX, |at| at + 1)) {
        if matches!(&signal.body, SignalBody::Description { kind, .. } if kind == "offer") {
            found.push((signal.sent, None));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    let mut turns: Vec<Turn> = Vec::new();
    for (at, words) in found {
        let full = turns.len() >= PHASES;
        match turns.last_mut() {
            Some(last) if last.at == at || full => last.words.extend(words),
            _ => turns.push(Turn { at, words: words.into_iter().collect() }),
        }
    }
    turns
}

fn exact(session: &Session, observed: &Observed<'_>, drafts: Vec<Draft>) -> Vec<Section> {
    let turns = turns(session);
    let mut phases: Vec<BTreeMap<Layer, Vec<Draft>>> = vec![BTreeMap::new()];
    let mut next = turns.iter().peekable();
    for draft in drafts {
        while let Some(turn) = next.next_if(|turn| turn.at <= draft.at) {
            phases.push(begun_by(turn));
        }
        if let Some(phase) = phases.last_mut() {
            phase.entry(draft.layer).or_default().push(draft);
        }
    }
    phases.extend(next.map(begun_by));
    let mut sections = Vec::new();
    let count = phases.len();
    for (number, phase) in phases.into_iter().enumerate() {
        for (layer, drafts) in phase {
            let at = drafts.first().map_or(Duration::ZERO, |draft| draft.at);
            let after = if number == 0 { cause(observed, layer, at) } else { None };
            let lines = fold(drafts, limit(layer, count));
            let name = layer.name().to_owned();
            sections.push(Section { name, at: Some(millis(at)), after, lines });
        }
    }
    sections
}

fn begun_by(turn: &Turn) -> BTreeMap<Layer, Vec<Draft>> {
    let mut phase = BTreeMap::new();
    if !turn.words.is_empty() {
        let draft = |words: &String| Draft {
            at: turn.at,
            layer: Layer::Net,
            line: Line::new("r", "net.", words),
            bulk: false,
        };
        phase.insert(Layer::Net, turn.words.iter().map(draft).collect());
    }
    phase
}

/// Lines a section may have.
fn limit(layer: Layer, phases: usize) -> usize {
    let whole: usize = match layer {
        Layer::Check => 56,
        Layer::Sctp => 44,
        Layer::Signal | Layer::Dc => 24,
        _ => 20,
    };
    if phases > 3 { whole.div_ceil(2).max(12) } else { whole }
}

/// The landmark a section's beginning waited for.
fn cause(observed: &Observed<'_>, layer: Layer, at: Duration) -> Option<String> {
    let find = |wanted: Layer| {
        let marks = &observed.notes.landmarks;
        let before = marks.iter().filter(|(when, kind, _)| *kind == wanted && *when <= at);
        before.max_by_key(|(when, ..)| *when).map(|(_, _, mark)| mark.clone())
    };
    match layer {
        Layer::Check => find(Layer::Signal),
        Layer::Dtls => find(Layer::Check),
        Layer::Sctp => find(Layer::Sctp),
        Layer::Dc if observed.sctp.is_up() => Some("sctp.established".to_owned()),
        _ => None,
    }
}

/// Lines by hop, what and the rest, with how often each was there.
type Counted = BTreeMap<(String, String, String), (Line, usize)>;

/// Lines without numbers that vary, sorted, counted in classes.
fn loose(session: &Session, observed: &Observed<'_>, drafts: Vec<Draft>) -> Vec<Section> {
    let mut sections: BTreeMap<Layer, Counted> = BTreeMap::new();
    for draft in drafts {
        let layer = draft.layer;
        for line in loosened(layer, draft.line) {
            let rest = format!("{:?}", (&line.fields, &line.outcome, &line.reason));
            let key = (line.hop.clone(), line.what.clone(), rest);
            let slot = sections.entry(layer).or_default().entry(key).or_insert((line, 0));
            slot.1 += 1;
        }
    }
    for action in &session.actions {
        let words = action.words.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = Line::new("r", "net.", &words);
        let key = (String::new(), words, String::new());
        sections.entry(Layer::Net).or_default().insert(key, (line, 1));
    }
    let one = |(layer, lines): (Layer, BTreeMap<_, (Line, usize)>)| {
        let lines = lines.into_values().map(|(mut line, count)| {
            if layer != Layer::Signal && layer != Layer::Net {
                line.fields.insert(0, class(count));
            }
            Draft { at: Duration::ZERO, layer, line, bulk: false }
        });
        Section {
            name: layer.name().to_owned(),
            at: None,
            after: cause(observed, layer, Duration::MAX),
            lines: fold(lines.collect(), limit(layer, 1)),
        }
    };
    sections.into_iter().map(one).collect()
}

/// A count as a range.
fn class(count: usize) -> String {
    match count {
        0 | 1 => "x1".to_owned(),
        2..=3 => "x2..3".to_owned(),
        4..=9 => "x4..9".to_owned(),
        10..=99 => "x10..99".to_owned(),
        _ => "x100..".to_owned(),
    }
}

/// A line without what varies between runs of one implementation; bundles are taken apart.
fn loosened(layer: Layer, mut line: Line) -> Vec<Line> {
    line.cause = match line.cause.split(':').next() {
        Some("r" | "D" | "app" | "Ta") | None => "r".to_owned(),
        Some(class) => class.to_owned(),
    };
    line.consequence = None;
    if let Some(at) = line.what.rfind(" /") {
        line.what.truncate(at);
    }
    if let Some(at) = line.fields.iter().position(|field| field.starts_with("RTO:")) {
        line.fields.drain(at.saturating_sub(1)..=at);
    }
    match layer {
        Layer::Dtls | Layer::Sctp | Layer::Close => {
            let kept = |name: &str| {
                ["tsn=", "cum=", "ssn=", "mid=", "gaps=", "dup=", "last=", "fsn=", "rwnd=", "skip="]
                    .iter()
                    .all(|varies| !name.starts_with(varies))
            };
            let stable: Vec<String> = line.fields.iter().filter(|f| kept(f)).cloned().collect();
            let names: Vec<String> = line.what.split(' ').map(str::to_owned).collect();
            let one = |name: &String| {
                let name = name.split(['*', '+']).next().unwrap_or(name);
                let mut single = line.clone();
                single.what = name.to_owned();
                single.fields = of_message(name, &stable);
                single
            };
            names.iter().map(one).collect()
        }
        Layer::Signal => {
            line.fields.retain(|field| !field.starts_with("prio=") || !field.contains('?'));
            vec![line]
        }
        Layer::Check => {
            line.fields.retain(|field| field != "triggered" && field != "new");
            "r".clone_into(&mut line.cause);
            vec![line]
        }
        _ => vec![line],
    }
}

/// The fields of a bundle that belong to one of its messages.
fn of_message(name: &str, fields: &[String]) -> Vec<String> {
    let wanted: &[&str] = match name {
        "CH" => &["1.", "groups=", "srtp=", "ems"],
        "SH" | "HRR" => &["1.", "ecdhe", "aes", "chacha", "group=", "srtp=", "0x"],
        "HVR" => &["cookie="],
        "Cert" => &["cert="],
        "INIT" | "INIT-ACK" => &["streams=", "ext=", "zca=", "param=", "INITIATE"],
        "COOKIE-ECHO" => &["cookie="],
        "DATA" | "I-DATA" => &[],
        "RE-CONFIG" => &["reset", "result="],
        "ABORT" | "ERROR" => &["cause="],
        _ => &[],
    };
    let is_alarm = |field: &&String| {
        field.len() > 3 && field.chars().all(|c| c.is_ascii_uppercase() || c == '-')
    };
    let mut found: Vec<String> = fields
        .iter()
        .filter(|field| wanted.iter().any(|start| field.starts_with(start)) || is_alarm(field))
        .cloned()
        .collect();
    found.dedup();
    found
}

/// Addresses of a NAT that the facts name; one that maps by destination shows hundreds.
const MAX_MAPPED: usize = 8;

fn facts(session: &Session, observed: &Observed<'_>) -> Vec<String> {
    let mut facts = Vec::new();
    let mut towards: BTreeMap<
        (&str, std::net::SocketAddr),
        BTreeMap<std::net::SocketAddr, String>,
    > = BTreeMap::new();
    for datagram in &session.datagrams {
        let mut source = datagram.source;
        for crossing in &datagram.crossings {
            if crossing.source != source {
                let place = observed.notes.names.place(datagram.to);
                towards
                    .entry((&crossing.nat, source))
                    .or_default()
                    .entry(crossing.source)
                    .or_insert(place);
            }
            source = crossing.source;
        }
    }
    let mut nats: BTreeMap<&str, (bool, Vec<String>)> = BTreeMap::new();
    for ((nat, _), mapped) in &towards {
        let slot = nats.entry(nat).or_default();
        slot.0 |= mapped.len() > 1;
        slot.1.extend(mapped.keys().filter_map(|address| observed.notes.names.external(*address)));
    }
    for (nat, (varies, mut seen)) in nats {
        seen.sort();
        seen.dedup();
        let any = seen.iter().any(|name| name.ends_with("/*"));
        let words = match (varies, any) {
            (true, false) => ": mapping varies (RFC 4787 4.1)",
            (true, true) => ": mapping was replaced",
            (false, true) => ": mapping endpoint-independent (RFC 4787 4.1)",
            (false, false) => "",
        };
        let more = match seen.len().saturating_sub(MAX_MAPPED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        seen.truncate(MAX_MAPPED);
        facts.push(format!("{}  seen {}{more}{words}", word(nat), seen.join(" ")));
    }
    facts.extend(observed.path.iter().cloned());
    facts.extend(observed.dtls_words());
    let channels = &observed.sctp.channels;
    if !channels.is_empty() {
        let acked = channels.values().filter(|acked| **acked).count();
        facts.push(format!("dc  {acked} of {} acknowledged", channels.len()));
    }
    facts
}

impl Section {
    /// Its lines that are not folded away.
    pub fn shown(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter_map(|entry| match entry {
            Entry::Line(line) => Some(line),
            Entry::Folded(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Peer;

    #[test]
    fn a_stack_s_name_stays_within_its_line() {
        let peer = Peer {
            party: Party::A,
            implementation: "\u{1b}[2Jevil\u{7} 1.0\n== facts".to_owned(),
            addresses: Vec::new(),
            behind: Vec::new(),
        };
        let text = transcript(&Session { peers: vec![peer], ..Session::default() }, "ok");
        assert!(text.contains("peer A  _[2Jevil_ 1.0 == facts  offerer\n"), "{text:?}");
        let read: Transcript = text.parse().expect("it is one");
        assert_eq!(read.to_string(), text);
    }
}
