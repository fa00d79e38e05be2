//! What the signalling says: descriptions and candidates, credentials and fingerprints.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::candidate::CandidateView;
use rtcspec_wire::sdp::{Section, View};

use crate::names::Names;
use crate::text::{Line, word};
use crate::{Party, Session, Signal, SignalBody};

/// A candidate somebody signalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) party: Party,
    /// `host`, `srflx`, `prflx`, `relay`, or whatever stands there.
    pub(crate) kind: String,
    /// Where it is; nobody outside knows the address behind an mDNS name.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) related: Option<SocketAddr>,
    pub(crate) name: Option<String>,
    pub(crate) priority: String,
    pub(crate) tcp: bool,
}

/// A fingerprint of a certificate: hash name in lower case, and bytes.
pub(crate) type Fingerprint = (String, Vec<u8>);

/// One end's ICE credentials of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) party: Party,
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All candidates, in the order they were signalled.
pub(crate) fn candidates(session: &Session) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for signal in &session.signals {
        match &signal.body {
            SignalBody::Description { sdp, .. } => {
                let view = View::parse(sdp.as_bytes());
                for section in view.sections() {
                    let lines = section.attributes("candidate").map(text);
                    found.extend(lines.filter_map(|line| candidate(signal.from, &line)));
                }
            }
            SignalBody::Candidate { candidate: line, .. } => {
                found.extend(candidate(signal.from, line));
            }
        }
    }
    found
}

/// Reads a candidate line.
pub(crate) fn candidate(party: Party, line: &str) -> Option<Found> {
    let view = CandidateView::new(line);
    let socket = |address: Option<&str>, port: Option<&str>| {
        Some(SocketAddr::new(address?.parse::<IpAddr>().ok()?, port?.parse().ok()?))
    };
    let address = socket(view.address(), view.port());
    Some(Found {
        party,
        kind: word(view.kind()?),
        address,
        related: socket(view.related_address(), view.related_port()),
        name: view.address().filter(|_| address.is_none()).map(str::to_owned),
        priority: word(view.priority()?),
        tcp: view.transport().is_some_and(|transport| transport.eq_ignore_ascii_case("tcp")),
    })
}

/// The credentials of every generation, in the order they were signalled.
pub(crate) fn credentials(session: &Session) -> Vec<Credentials> {
    let mut found: Vec<Credentials> = Vec::new();
    for (signal, sdp) in descriptions(session) {
        for (ufrag, pwd) in credentials_of(sdp) {
            let one = Credentials { party: signal.from, ufrag, pwd };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

/// ufrag and password of every section of a description.
pub(crate) fn credentials_of(sdp: &str) -> Vec<(String, String)> {
    let view = View::parse(sdp.as_bytes());
    let sections: Vec<Section<'_, '_>> = view.sections().collect();
    let of = |section: &Section<'_, '_>| {
        // RFC 8839 §5.4: the session level speaks for sections that say nothing.
        let of = |name| {
            let top = sections.first().and_then(|top| top.attribute(name));
            section.attribute(name).or(top).map(text)
        };
        Some((of("ice-ufrag")?, of("ice-pwd")?))
    };
    sections.iter().filter_map(of).collect()
}

fn descriptions(session: &Session) -> impl Iterator<Item = (&Signal, &String)> {
    session.signals.iter().filter_map(|signal| match &signal.body {
        SignalBody::Description { sdp, .. } => Some((signal, sdp)),
        SignalBody::Candidate { .. } => None,
    })
}

/// The fingerprints one end signalled: hash name in lower case, and bytes.
pub(crate) fn fingerprints(session: &Session, party: Party) -> Vec<Fingerprint> {
    let from = descriptions(session).filter(|(signal, _)| signal.from == party);
    let mut found: Vec<_> = from.flat_map(|(_, sdp)| fingerprints_of(sdp)).collect();
    found.sort();
    found.dedup();
    found
}

/// The fingerprints of a description.
pub(crate) fn fingerprints_of(sdp: &str) -> Vec<Fingerprint> {
    let view = View::parse(sdp.as_bytes());
    let of = |section: Section<'_, '_>| {
        section.attributes("fingerprint").filter_map(fingerprint).collect::<Vec<_>>()
    };
    view.sections().flat_map(of).collect()
}

fn fingerprint(value: &[u8]) -> Option<Fingerprint> {
    let value = text(value);
    let (hash, hex) = value.trim().split_once(' ')?;
    let bytes = hex.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok());
    Some((hash.to_ascii_lowercase(), bytes.collect::<Option<Vec<u8>>>()?))
}

/// A line of the section `signal`.
pub(crate) fn line(signal: &Signal, names: &Names, cause: &str) -> Line {
    let arrow = if signal.arrived.is_some() { "~>" } else { "-x" };
    let hop = format!("{}{arrow}{}", signal.from.letter(), signal.from.other().letter());
    let mut line = match &signal.body {
        SignalBody::Description { kind, sdp } => {
            let mut line = Line::new(cause, hop, &word(kind));
            line.fields = description_fields(signal.from, sdp, names);
            if kind == "rollback" {
                line.hop = format!("{}.", signal.from.letter());
            }
            line
        }
        SignalBody::Candidate { candidate, .. } if candidate.is_empty() => {
            Line::new(cause, hop, "end-of-candidates")
        }
        SignalBody::Candidate { candidate: text, ufrag, .. } => {
            let mut line = Line::new(cause, hop, "cand");
            match candidate(signal.from, text) {
                Some(found) => line.fields = candidate_fields(&found, names),
                None => line.fields = vec!["MALFORMED".to_owned()],
            }
            if let Some(ufrag) = ufrag {
                let generation = names.generation(signal.from, ufrag);
                if generation != format!("{}.1", signal.from.letter()) {
                    line.fields.push(format!("ice={generation}"));
                }
            }
            line
        }
    };
    line.reason = signal.refused.as_deref().map(word).map(|error| format!("REFUSED:{error}"));
    line
}

fn candidate_fields(found: &Found, names: &Names) -> Vec<String> {
    let mut fields = vec![names.candidate(found)];
    fields.push(found.kind.clone());
    if found.tcp {
        fields.push("tcp".to_owned());
    }
    if let Some(address) = found.address
        && let Some(mapped) = names.external(address)
    {
        fields.push(mapped);
    }
    if let Some(related) = found.related {
        let base = names.known(found.party, related).unwrap_or_else(|| "hidden".to_owned());
        fields.push(format!("raddr={base}"));
    }
    fields.push(format!("prio={}", found.priority));
    fields
}

fn description_fields(from: Party, sdp: &str, names: &Names) -> Vec<String> {
    let view = View::parse(sdp.as_bytes());
    let mut sections = view.sections();
    let top = sections.next();
    let mut fields: Vec<String> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for section in sections {
        fields.extend(media_fields(&section));
        for field in transport_fields(from, top.as_ref(), &section, names) {
            if !shown.contains(&field) {
                shown.push(field.clone());
                fields.push(field);
            }
        }
    }
    if !view.faults().is_empty() {
        fields.push(format!("FAULTS:{}", view.faults().len()));
    }
    fields
}

fn media_fields(section: &Section<'_, '_>) -> Vec<String> {
    let mut fields = Vec::new();
    let line = section.lines.first().and_then(rtcspec_wire::sdp::Line::value).map(text);
    let line = line.unwrap_or_default();
    let mut parts = line.split(' ');
    let kind = word(parts.next().unwrap_or_default());
    if let Some(mid) = section.attribute("mid") {
        fields.push(format!("mid={}", word(&text(mid))));
    }
    fields.push(kind);
    if parts.next() == Some("0") && section.attribute("bundle-only").is_none() {
        fields.push("REJECTED".to_owned());
    }
    let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
    let has = |name: &&str| section.lines.iter().any(|line| line.value() == Some(name.as_bytes()));
    fields.extend(directions.iter().find(|name| has(name)).map(|name| (*name).to_owned()));
    fields
}

fn transport_fields(
    from: Party,
    top: Option<&Section<'_, '_>>,
    section: &Section<'_, '_>,
    names: &Names,
) -> Vec<String> {
    let of = |name| {
        let above = top.and_then(|top| top.attribute(name));
        section.attribute(name).or(above).map(text)
    };
    let mut fields = Vec::new();
    fields.extend(of("setup").map(|setup| format!("setup={}", word(&setup))));
    if let Some(ufrag) = of("ice-ufrag") {
        let lengths = (ufrag.len(), of("ice-pwd").map_or(0, |pwd| pwd.len()));
        let generation = names.generation(from, &ufrag);
        fields.push(format!("ice={generation}({}:{})", lengths.0, lengths.1));
    }
    if let Some(print) = of("fingerprint") {
        let hash = word(print.split(' ').next().unwrap_or_default()).to_ascii_lowercase();
        fields.push(format!("fp={}({hash})", from.letter()));
    }
    fields.extend(of("sctp-port").map(|port| format!("sctp-port={}", word(&port))));
    fields.extend(of("sctpmap").map(|_| "sctpmap".to_owned()));
    fields.extend(of("sctp-init").map(|_| "snap".to_owned()));
    fields.extend(of("max-message-size").map(|size| format!("max={}", word(&size))));
    let lite =
        top.is_some_and(|top| top.lines.iter().any(|line| line.value() == Some(b"ice-lite")));
    fields.extend(lite.then(|| "ice-lite".to_owned()));
    let candidates: Vec<String> = section
        .attributes("candidate")
        .filter_map(|line| candidate(from, &text(line)))
        .map(|found| names.candidate(&found).split_off(2))
        .collect();
    if !candidates.is_empty() {
        fields.push(format!("cand={}", candidates.join(",")));
    }
    let ended = section.lines.iter().any(|line| line.value() == Some(b"end-of-candidates"));
    fields.extend(ended.then(|| "end".to_owned()));
    fields
}

/// When the other side got the first offer and the first answer.
pub(crate) fn landmark(session: &Session) -> Option<(Duration, String)> {
    session.signals.iter().find_map(|signal| match &signal.body {
        SignalBody::Description { kind, .. } if kind == "answer" || kind == "pranswer" => {
            Some((signal.arrived?, format!("signal.answer({})", signal.from.other().letter())))
        }
        _ => None,
    })
}
